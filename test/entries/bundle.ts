/** Bundles a program with the package for an edge runtime, and collects the WebAssembly modules that are deployed with it. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface EdgeBundle {
  readonly script: string;
  /** Modules by file name. They are compiled before the script runs, which finds them in `deployed`. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** The source files of the script. */
  readonly files: readonly string[];
}

/** Handles imports of .wasm files as the platforms do. */
const deployModules = (modules: Map<string, Uint8Array>): Plugin => ({
  name: 'deploy-modules',
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

/** @param conditions the only conditions under which imports are resolved */
export async function bundleFor(conditions: readonly Condition[], program: string): Promise<EdgeBundle> {
  const modules = new Map<string, Uint8Array>();
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: ROOT },
    ...{ bundle: true, minify: true, write: false, metafile: true, format: 'iife', logLevel: 'silent' },
    // 'neutral', because esbuild's other platforms add conditions.
    ...{ platform: 'neutral', mainFields: ['module', 'main'], conditions: [...conditions] },
    plugins: [deployModules(modules)],
  });
  return { script: outputFiles[0].text, modules, files: Object.keys(metafile.inputs) };
}
