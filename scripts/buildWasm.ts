/**
 * Compiles assembly/ into dist/wasm: for inference and for training, each plain and
 * relaxed, for one thread and for several; beside each a .js with the same bytes inlined
 * as base64, which every runtime can import and none has to fetch.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import * as asc from 'assemblyscript/asc';

/** Entries of assembly/, by the prefix of their modules. */
const ENTRIES = { '': 'assembly/index.ts', 'train-': 'assembly/train/index.ts' };
const TARGETS = ['plain', 'relaxed', 'plain-threads', 'relaxed-threads'];

const modules = Object.entries(ENTRIES).flatMap(([prefix, entry]) =>
  TARGETS.map((target) => ({ entry, target, out: `dist/wasm/${prefix}${target}` })),
);
for (const { entry, target, out } of modules) {
  // The compiler writes what is wrong to stderr; `error` only says that something is.
  const flags = ['--config', 'assembly/asconfig.json', '--target', target, '--outFile', `${out}.wasm`];
  const { error } = await asc.main([entry, ...flags], process);
  if (error !== null) {
    console.error(`build:wasm: ${error.message}`);
    process.exit(1);
  }

  const wasm = await readFile(`${out}.wasm`);
  const doc = `/** The module ${out}.wasm. */\n`;
  const bytes = `Uint8Array.from(atob('${wasm.toString('base64')}'), (c) => c.charCodeAt(0))`;
  await writeFile(
    `${out}.js`,
    `// Made by scripts/buildWasm.ts from assembly/.\n${doc}export const bytes = ${bytes};\n`,
  );
  await writeFile(`${out}.d.ts`, `${doc}export declare const bytes: Uint8Array;\n`);
  console.log(`${out}.wasm: ${wasm.length} bytes, ${gzipSync(wasm, { level: 9 }).length} gzip`);
}
