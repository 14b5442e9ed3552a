/** Bundlers with default settings: the package must need none. Each writes `page.js`, or an HTML page. */
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { build as esbuild } from 'esbuild';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { rollup } from 'rollup';
import { build as vite, type BuildOptions } from 'vite';
import webpack from 'webpack';

export type Bundler = 'esbuild' | 'rollup' | 'vite' | 'vite-html' | 'webpack';

async function viteBuild(entry: string, outDir: string, what: BuildOptions): Promise<void> {
  const before = process.env['NODE_ENV'];
  try {
    await vite({
      ...{ root: dirname(entry), configFile: false, logLevel: 'error' },
      build: { outDir, ...what },
    });
  } finally {
    // Vite sets 'production', with which npm installs no devDependencies.
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
}

export const BUNDLERS: Readonly<Record<Bundler, (entry: string, out: string) => Promise<void>>> = {
  async esbuild(entry, out) {
    await esbuild({
      ...{ entryPoints: { page: entry }, outdir: out, bundle: true, format: 'esm', splitting: true },
      logLevel: 'error',
    });
  },

  async rollup(entry, out) {
    const bundle = await rollup({ input: { page: entry }, plugins: [nodeResolve({ browser: true })] });
    await bundle.write({ dir: out, format: 'es' });
    await bundle.close();
  },

  vite: (entry, out) => viteBuild(entry, out, { lib: { entry: { page: entry }, formats: ['es'] } }),

  async 'vite-html'(entry, out) {
    const html = `<!doctype html><script type="module" src="/${basename(entry)}"></script>`;
    await writeFile(join(dirname(entry), 'index.html'), html);
    await viteBuild(entry, out, {});
  },

  async webpack(entry, out) {
    const compiler = webpack({
      ...{ mode: 'production', entry: { page: entry }, context: dirname(entry) },
      output: { path: out, publicPath: '/' },
    });
    await new Promise<void>((resolve, reject) => {
      compiler.run((error, stats) => {
        if (error) reject(error);
        else if (stats?.hasErrors()) reject(new Error(stats.toString('errors-only')));
        else resolve();
      });
    });
  },
};
