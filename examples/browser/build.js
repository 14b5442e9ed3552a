/** `npm run build`: the page into dist/, and what the service worker has to know of it. */
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtPackage } from './package.js';

const SRC = fileURLToPath(new URL('src', import.meta.url));
const OUT = fileURLToPath(new URL('dist', import.meta.url));
const AS_THEY_ARE = ['index.html', 'style.css', 'icon.svg'];
const WEIGHTS = 'models/vanillanet-cifar10.safetensors';

const source = (name) => join(SRC, name);
const bundled = { bundle: true, minify: true, target: 'es2022', outdir: OUT, logLevel: 'warning' };

const folder = builtPackage();
await rm(OUT, { recursive: true, force: true });
await mkdir(OUT);
await Promise.all(AS_THEY_ARE.map((name) => copyFile(source(name), join(OUT, name))));
await copyFile(join(folder, WEIGHTS), join(OUT, 'weights.safetensors'));
// In pieces, because the build for several threads is loaded only where it can run.
await build({ ...bundled, entryPoints: ['page.js', 'worker.js'].map(source), format: 'esm', splitting: true });

const files = (await readdir(OUT)).sort();
const digest = createHash('sha256');
for (const name of files) digest.update(`${name}\0`).update(await readFile(join(OUT, name)));
await build({
  ...bundled,
  entryPoints: [source('service-worker.js')],
  format: 'iife',
  define: {
    VERSION: JSON.stringify(digest.digest('hex').slice(0, 16)),
    FILES: JSON.stringify(files.map((name) => (name === 'index.html' ? './' : name))),
  },
});
