/**
 * Compiles assembly/ into dist/wasm: plain and relaxed, each for one thread and for
 * several, and beside each a .js with the same bytes inlined as base64, which every runtime can import and
 * none has to fetch.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import * as asc from 'assemblyscript/asc';

for (const build of ['plain', 'relaxed', 'plain-threads', 'relaxed-threads']) {
  // The compiler writes what is wrong to stderr; `error` only says that something is.
  const { error } = await asc.main(['--config', 'assembly/asconfig.json', '--target', build], process);
  if (error !== null) {
    console.error(`build:wasm: ${error.message}`);
    process.exit(1);
  }

  const out = `dist/wasm/${build}`;
  const wasm = await readFile(`${out}.wasm`);
  const doc = `/** The ${build} SIMD module. */\n`;
  const bytes = `Uint8Array.from(atob('${wasm.toString('base64')}'), (c) => c.charCodeAt(0))`;
  await writeFile(
    `${out}.js`,
    `// Made by scripts/buildWasm.ts from assembly/.\n${doc}export const bytes = ${bytes};\n`,
  );
  await writeFile(`${out}.d.ts`, `${doc}export declare const bytes: Uint8Array;\n`);
  console.log(`${out}.wasm: ${wasm.length} bytes, ${gzipSync(wasm, { level: 9 }).length} gzip`);
}
