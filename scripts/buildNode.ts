/**
 * Makes dist/node/ of what tsc made: the package's entries for Node, each a file or two instead of
 * seventy. Finding and linking that many takes longer than reading the weights of a small network.
 * What entries share is in chunks of its own, so that an error of one is an error of all.
 */
import { build } from 'esbuild';
import { readdir, rm } from 'node:fs/promises';

const OUT = 'dist/node';

// Chunks are called by what is in them: those of the last build would stay.
await rm(OUT, { recursive: true, force: true });
await build({
  entryPoints: {
    index: 'dist/src/entries/index.js',
    core: 'dist/src/entries/core.js',
    train: 'dist/src/entries/train.js',
    node: 'dist/src/entries/node.js',
    tfjs: 'dist/src/entries/tfjs.js',
    reference: 'dist/reference/index.js',
  },
  outdir: OUT,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  packages: 'external',
  // By the package's own map. Not the loader's disk: its errors are to be those of the entries.
  external: ['#runtime', '#ndarray', '#wasm/*'],
  logLevel: 'warning',
});
console.log(`${OUT}: ${(await readdir(OUT)).length} files`);
