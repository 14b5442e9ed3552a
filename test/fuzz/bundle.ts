import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { EXTERNAL, requireBuiltins } from '../../scripts/bundledPackages.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Bundles a program of this folder and the sources that it tests into dist/fuzz. @returns the path of the script */
export async function bundle(program: 'worker' | 'rounds'): Promise<string> {
  const outdir = here('../../dist/fuzz');
  await build({
    entryPoints: { [program]: here(program === 'worker' ? 'worker.ts' : 'rounds/program.ts') },
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    alias: { '#runtime': here('../../src/runtime/node.ts'), '#data/disk': here('../../src/data/loader/disk/node.ts') },
    external: [...EXTERNAL, '#ndarray', '#wasm/*', '#data/worker', '#tfjs*'],
    plugins: [requireBuiltins],
    logLevel: 'warning',
  });
  return `${outdir}/${program}.js`;
}
