/**
 * Bundles `dist/browser.js` from the compiled modules: the main entry for browsers with everything that
 * it imports, in one file that a page can import from any server.
 */
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { noticeOf } from './bundledPackages.js';

const OUT = 'dist/browser.js';

await build({
  entryPoints: ['dist/src/entries/index.js'],
  outfile: OUT,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  conditions: ['browser'],
  banner: { js: await noticeOf('node_modules/@noble/hashes') },
  // The notice is in the banner.
  legalComments: 'none',
  logLevel: 'warning',
});
const script = await readFile(OUT);
console.log(`${OUT}: ${script.length} bytes, ${gzipSync(script, { level: 9 }).length} gzip`);
