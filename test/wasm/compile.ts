/** Compiles assembly/ in memory: the debug build, and copies with an injected fault. */
import { afterAll } from '@jest/globals';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { ReadSource } from '../../bench/ceiling.js';

/** A fault in a file of assembly/: the text `from`, which must occur exactly once, becomes `to`. */
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

/** The files of assembly/ that the faults change, by path. */
async function faultySources(faults: readonly Fault[]): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for (const fault of faults) {
    const path = join('assembly', fault.file);
    sources.set(path, inject(sources.get(path) ?? (await readFile(path, 'utf8')), fault));
  }
  return sources;
}

/** Reads assembly/ for the compiler, with the faults in it. */
export async function faultyReader(...faults: readonly Fault[]): Promise<ReadSource> {
  const sources = await faultySources(faults);
  return async (name, base) => {
    const path = join(base, name);
    return sources.get(path) ?? readFile(path, 'utf8').catch(() => null);
  };
}

/** The entries of assembly/. */
export const INFERENCE_ENTRY = 'assembly/inference/index.ts';
export const TRAINING_ENTRY = 'assembly/training/index.ts';
export const OPS_ENTRY = 'assembly/ops/index.ts';
export const FLOAT64_ENTRY = 'assembly/float64/index.ts';

let thread: Worker | undefined;
afterAll(() => thread?.terminate());

/**
 * Compiles without optimization, which is quicker: the faults are the same.
 *
 * @throws Error with the compiler's message, or if a fault's text does not occur exactly once
 */
export async function compile(
  target: 'plain' | 'debug',
  entry: string,
  ...faults: readonly Fault[]
): Promise<Uint8Array> {
  const sources = await faultySources(faults);
  const config = ['--config', 'assembly/asconfig.json', '--target', target, '--optimizeLevel', '0'];
  thread ??= new Worker(new URL('compileThread.js', import.meta.url));
  const { port1: answers, port2: port } = new MessageChannel();
  thread.postMessage({ flags: [entry, '--outFile', 'memory.wasm', ...config], sources, port }, [port]);
  const [{ wasm, error }] = (await once(answers, 'message')) as [{ wasm: Uint8Array | null; error: string | null }];
  answers.close();
  if (error !== null || wasm === null) throw new Error(error ?? 'The compiler wrote no module.');
  return wasm;
}
