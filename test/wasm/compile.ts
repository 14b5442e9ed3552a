/** Compiles assembly/ in memory: the debug build, and copies with a fault put in. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as asc from 'assemblyscript/asc';
import type { ReadSource } from '../../bench/ceiling.js';

/** A fault: in this file of assembly/, this text, which must be there once, becomes another. */
export interface Fault {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

function inject(source: string, { file, from, to }: Fault): string {
  const parts = source.split(from);
  if (parts.length !== 2) throw new Error(`${file} says ${parts.length - 1} times, not once: ${from}`);
  return parts.join(to);
}

/** Reads assembly/ for the compiler, with faults put in. */
export async function faultyReader(...faults: readonly Fault[]): Promise<ReadSource> {
  const replaced = new Map<string, string>();
  for (const fault of faults) {
    const path = join('assembly', fault.file);
    replaced.set(path, inject(replaced.get(path) ?? (await readFile(path, 'utf8')), fault));
  }
  return async (name, base) => {
    const path = join(base, name);
    return replaced.get(path) ?? readFile(path, 'utf8').catch(() => null);
  };
}

/** The entries of assembly/. */
export const INFERENCE_ENTRY = 'assembly/inference/index.ts';
export const TRAINING_ENTRY = 'assembly/training/index.ts';
export const OPS_ENTRY = 'assembly/ops/index.ts';

/**
 * Unoptimized, which is quicker: the faults are the same.
 * @throws Error with the compiler's message, or where the text to replace is not there exactly once.
 */
export async function compile(
  target: 'plain' | 'debug',
  entry: string,
  ...faults: readonly Fault[]
): Promise<Uint8Array> {
  const outputs = new Map<string, string | Uint8Array>();
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    [
      entry,
      '--config',
      'assembly/asconfig.json',
      '--target',
      target,
      '--outFile',
      'memory.wasm',
      '--optimizeLevel',
      '0',
    ],
    {
      stderr,
      readFile: await faultyReader(...faults),
      writeFile: (name, contents) => {
        outputs.set(name, contents);
      },
      listFiles: () => [],
    },
  );
  const wasm = outputs.get('memory.wasm');
  if (error !== null || !(wasm instanceof Uint8Array)) throw new Error(stderr.toString());
  return wasm;
}
