/** The consumer's weights, packed with `vanillanet pack`. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ShardIndex } from '../../src/entries/index.js';
import type { Consumer } from './consumer.js';
import type { Answer } from './report.js';

const run = promisify(execFile);

export const DTYPES = ['int8', 'f16'] as const;

/** Small enough for several shards of a small network. */
const SHARD = '64KiB';

export interface Packed {
  readonly name: string;
  /** The single file, the index and its shards, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The logits that Node computes from these weights. */
  readonly logits: string;
}

const packs = new WeakMap<Consumer, Promise<readonly Packed[]>>();

async function pack({ folder }: Consumer, name: string): Promise<Packed> {
  const outputs = [[`${name}.safetensors`], [`${name}.json`, '--shard', SHARD]];
  for (const output of outputs) {
    await run('npx', ['vanillanet', 'pack', 'net.safetensors', ...output, '--dtype', name], { cwd: folder });
  }
  const index = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as ShardIndex;
  const names = [`${name}.safetensors`, `${name}.json`, ...index.shards.map(({ file }) => file)];
  // Miniflare cannot send a Buffer to the other process.
  const files = new Map<string, Uint8Array>();
  for (const file of names) files.set(file, Uint8Array.from(await readFile(join(folder, file))));
  if (index.shards.length < 3) throw new Error(`${index.shards.length} shards of ${name}`);
  const { stdout } = await run(process.execPath, ['files.mjs', `${name}.safetensors`], { cwd: folder });
  return { name, files, logits: (JSON.parse(stdout) as Answer[])[0].logits };
}

/** Packs the weights once. */
export function packedOf(consumer: Consumer): Promise<readonly Packed[]> {
  const packed = packs.get(consumer) ?? Promise.all(DTYPES.map((name) => pack(consumer, name)));
  packs.set(consumer, packed);
  return packed;
}
