/** The size of a Worker with the package, as `wrangler deploy --dry-run` writes it: JavaScript and WebAssembly. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Consumer } from '../consumer.js';
import type { Finding } from '../report.js';
import { deploy } from './workerd.js';

/** Largest size of a Worker without decoders and weights. */
const BUDGET = 60_000;

export async function upload({ folder }: Consumer): Promise<Finding> {
  const notes: string[] = [];
  for (const program of ['capped', 'worker']) {
    const out = await deploy(folder, program);
    const names = (await readdir(out)).filter((name) => /\.(js|wasm)$/.test(name));
    if (!names.some((name) => name.endsWith('.wasm'))) return `${program}: no WebAssembly among ${names.join(', ')}`;
    const sizes = await Promise.all(names.map(async (name) => gzipSync(await readFile(join(out, name))).length));
    const size = sizes.reduce((sum, each) => sum + each, 0);
    const note = `${program}: ${size} bytes gzipped, ${names.length} files`;
    if (size >= BUDGET) return `${note}; expected less than ${BUDGET}`;
    notes.push(note);
  }
  return notes;
}
