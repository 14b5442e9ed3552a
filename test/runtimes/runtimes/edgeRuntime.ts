/** Vercel's edge functions: bundled with their export condition, in a runtime that may not compile WebAssembly. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeRuntime } from 'edge-runtime';
import { build, type Plugin } from 'esbuild';
import type { Consumer } from '../consumer.js';
import { edgeAnswers } from '../edgeRequest.js';
import type { Answer } from '../report.js';

/** Like the platform, resolves `import m from './x.wasm?module'` to a module compiled at deployment. */
function modules(compiled: Map<string, WebAssembly.Module>): Plugin {
  return {
    name: 'wasm?module',
    setup(esbuild) {
      esbuild.onResolve({ filter: /\.wasm\?module$/ }, async ({ path, kind, resolveDir, importer }) => {
        const resolved = await esbuild.resolve(path.replace('?module', ''), { kind, resolveDir, importer });
        return { ...resolved, namespace: 'module' };
      });
      esbuild.onLoad({ filter: /.*/, namespace: 'module' }, async ({ path }) => {
        const name = `m${compiled.size}`;
        compiled.set(name, await WebAssembly.compile(await readFile(path)));
        return { contents: `export default globalThis.deployed.${name};` };
      });
    },
  };
}

export async function edgeRuntime(consumer: Consumer): Promise<readonly Answer[]> {
  const compiled = new Map<string, WebAssembly.Module>();
  const { outputFiles } = await build({
    entryPoints: [join(consumer.folder, 'edge.mjs')],
    bundle: true,
    write: false,
    format: 'iife',
    conditions: ['edge-light'],
    plugins: [modules(compiled)],
    loader: { '.wasm': 'binary' },
    logLevel: 'error',
  });
  const runtime = new EdgeRuntime({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { deployed: Object.fromEntries(compiled) }),
    initialCode: outputFiles[0].text,
  });
  return edgeAnswers(consumer, (query, body) =>
    runtime.dispatchFetch(`http://edge/${query}`, { method: 'POST', body }),
  );
}
