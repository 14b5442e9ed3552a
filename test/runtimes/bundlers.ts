/** Bundlers as they come, without a setting that the package would need. Each writes `page.js`. */
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { build as esbuild } from 'esbuild';
import { dirname } from 'node:path';
import { rollup } from 'rollup';
import { build as vite } from 'vite';
import webpack from 'webpack';

export type Bundler = 'esbuild' | 'rollup' | 'vite' | 'webpack';

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

  async vite(entry, out) {
    const before = process.env['NODE_ENV'];
    try {
      await vite({
        ...{ root: dirname(entry), configFile: false, logLevel: 'error' },
        build: {
          outDir: out,
          lib: { entry: { page: entry }, formats: ['es'] },
        },
      });
    } finally {
      // Vite leaves 'production' behind, under which npm installs nothing that is for development.
      if (before === undefined) delete process.env['NODE_ENV'];
      else process.env['NODE_ENV'] = before;
    }
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
