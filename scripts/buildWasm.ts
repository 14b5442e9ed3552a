/**
 * Compiles assembly/ into dist/wasm: plain.wasm, and plain.js with the same bytes
 * inlined as base64, which every runtime can import and none has to fetch.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import * as asc from 'assemblyscript/asc';

// The compiler writes what is wrong to stderr; `error` only says that something is.
const { error } = await asc.main(['--config', 'assembly/asconfig.json', '--target', 'plain'], process);
if (error !== null) {
  console.error(`build:wasm: ${error.message}`);
  process.exit(1);
}

const wasm = await readFile('dist/wasm/plain.wasm');
await writeFile(
  'dist/wasm/plain.js',
  `// Made by scripts/buildWasm.ts from assembly/.
/** The plain SIMD module. */
export const bytes = Uint8Array.from(atob('${wasm.toString('base64')}'), (c) => c.charCodeAt(0));
`,
);
await writeFile('dist/wasm/plain.d.ts', '/** The plain SIMD module. */\nexport declare const bytes: Uint8Array;\n');
console.log(`dist/wasm/plain.wasm: ${wasm.length} bytes, ${gzipSync(wasm, { level: 9 }).length} gzip`);
