/**
 * Makes dist/browser.js of what tsc and build:wasm made: the package's main entry for browsers,
 * with all that it imports, in one file that a page can import from anywhere.
 */
import { build } from 'esbuild';
import { gzipSync } from 'node:zlib';
import { readFile } from 'node:fs/promises';

const OUT = 'dist/browser.js';

await build({
  entryPoints: ['dist/src/entries/index.js'],
  outfile: OUT,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  conditions: ['browser'],
  logLevel: 'warning',
});
const script = await readFile(OUT);
console.log(`${OUT}: ${script.length} bytes, ${gzipSync(script, { level: 9 }).length} gzip`);
