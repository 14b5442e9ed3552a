/** `npm run build`: bundles the page into dist/, and passes the list of its files to the service worker. */
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtPackage } from './package.js';

const SRC = fileURLToPath(new URL('src', import.meta.url));
const OUT = fileURLToPath(new URL('dist', import.meta.url));
const STATIC_FILES = ['index.html', 'style.css', 'icon.svg'];
const WEIGHTS = 'models/vanillanet-cifar10.safetensors';

const source = (name) => join(SRC, name);
const options = { bundle: true, minify: true, target: 'es2022', outdir: OUT, logLevel: 'warning' };

const folder = builtPackage();
await rm(OUT, { recursive: true, force: true });
await mkdir(OUT);
await Promise.all(STATIC_FILES.map((name) => copyFile(source(name), join(OUT, name))));
await copyFile(join(folder, WEIGHTS), join(OUT, 'weights.safetensors'));
// With code splitting: the build for several threads is loaded only if it can run.
await build({ ...options, entryPoints: ['page.js', 'worker.js'].map(source), format: 'esm', splitting: true });

const files = (await readdir(OUT)).sort();
const digest = createHash('sha256');
for (const name of files) digest.update(`${name}\0`).update(await readFile(join(OUT, name)));
await build({
  ...options,
  entryPoints: [source('service-worker.js')],
  format: 'iife',
  define: {
    VERSION: JSON.stringify(digest.digest('hex').slice(0, 16)),
    FILES: JSON.stringify(files.map((name) => (name === 'index.html' ? './' : name))),
  },
});
