/** What an edge runtime is given: a program with the package in it, bundled, and the modules deployed beside. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface EdgeBundle {
  readonly script: string;
  /** Modules by their file names: compiled before the script runs, which finds them in `deployed`. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** What went into the script. */
  readonly files: readonly string[];
}

/** Imports of a .wasm file, as the platforms make modules of them. */
const deploying = (modules: Map<string, Uint8Array>): Plugin => ({
  name: 'deploying',
  setup(esbuild) {
    esbuild.onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path }) => ({
      path: basename(path).replace('?module', ''),
      namespace: 'deployed',
    }));
    esbuild.onLoad({ filter: /.*/, namespace: 'deployed' }, async ({ path }) => {
      modules.set(path, await readFile(`${ROOT}/dist/wasm/${path}`));
      return { contents: `export default globalThis.deployed[${JSON.stringify(path)}];` };
    });
  },
});

export type Condition = 'workerd' | 'edge-light' | 'browser' | 'node';

/** @param conditions under which imports are looked up, and under no other */
export async function bundleFor(conditions: readonly Condition[], program: string): Promise<EdgeBundle> {
  const modules = new Map<string, Uint8Array>();
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: ROOT },
    ...{ bundle: true, minify: true, write: false, metafile: true, format: 'iife', logLevel: 'silent' },
    // Not a platform of esbuild's, which would have a condition of its own.
    ...{ platform: 'neutral', mainFields: ['module', 'main'], conditions: [...conditions] },
    plugins: [deploying(modules)],
  });
  return { script: outputFiles[0].text, modules, files: Object.keys(metafile.inputs) };
}
