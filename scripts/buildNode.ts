/**
 * Bundles what tsc compiled, and the packages that it imports:
 *
 * - `dist/src/vendor`: packages that portable entries use, each in place of the module that imports it.
 * - `dist/node`: the entries for Node, the command line and the worker threads, each in a few files instead of
 *   seventy, because resolving that many takes longer than reading the weights of a small network. Entries
 *   share their code in chunks, so that an error class of one entry is that of all.
 * - `dist/THIRD_PARTY_LICENSES.md`: the licenses of every bundled package.
 */
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { EXTERNAL, foldersOf, licensesOf, minifyPackages, noticeOf, requireBuiltins } from './bundledPackages.js';

const OUT = 'dist/node';
const LICENSES = 'dist/THIRD_PARTY_LICENSES.md';

const vendor = await build({
  // The source, because what tsc compiled of it is overwritten.
  entryPoints: ['src/vendor/sha2.ts'],
  outdir: 'dist/src/vendor',
  banner: { js: await noticeOf('node_modules/@noble/hashes') },
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  metafile: true,
  logLevel: 'warning',
});

// The names of chunks depend on their contents: without this, those of the last build would stay.
await rm(OUT, { recursive: true, force: true });
const node = await build({
  entryPoints: {
    index: 'dist/src/entries/indexNode.js',
    core: 'dist/src/entries/core.js',
    train: 'dist/src/entries/train.js',
    ops: 'dist/src/entries/ops.js',
    node: 'dist/src/entries/node.js',
    tfjs: 'dist/src/entries/tfjs.js',
    reference: 'dist/reference/index.js',
    cli: 'dist/src/cli/main.js',
    loaderWorker: 'dist/src/data/loader/loaderWorker.js',
    hdf5Worker: 'dist/src/formats/hdf5/hdf5Worker.js',
    probeChild: 'dist/src/tfjs/node/probeChild.js',
  },
  outdir: OUT,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  // Imports that package.json maps by condition. Not #data/disk: its errors must be those of the entries.
  external: [...EXTERNAL, '#runtime', '#ndarray', '#wasm/*', '#data/worker', '#formats/hdf5', '#tfjs*'],
  plugins: [requireBuiltins, minifyPackages],
  metafile: true,
  logLevel: 'warning',
});

const folders = [...new Set([vendor, node].flatMap(({ metafile }) => foldersOf(metafile)))].sort();
await writeFile(LICENSES, await licensesOf(folders));

const sizes = (await readdir(OUT)).map(async (file) => (await stat(join(OUT, file))).size);
const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
console.log(`${OUT}: ${sizes.length} files, ${bytes} bytes, ${folders.length} packages bundled`);
