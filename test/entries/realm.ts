/** The globals that turn a bare JavaScript realm into one of an edge runtime. */
import { BUILDS } from '../wasm/builds.js';
import type { EdgeBundle } from './bundle.js';

/** Globals that every edge runtime has, and a bare realm lacks. */
export const WEB = { TextDecoder, TextEncoder, URL, performance };

interface Compiler {
  compile(bytes: Uint8Array): Promise<object>;
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: Compiler };

export const compile = (bytes: Uint8Array): Promise<object> => WebAssembly.compile(bytes);

/** Compiles the modules, as a deployment does. Leaves out the relaxed module if this runtime cannot compile it. */
export async function compileModules({ modules }: EdgeBundle): Promise<Record<string, object>> {
  const entries = [...modules].filter(([name]) => name === 'plain.wasm' || BUILDS.includes('relaxed'));
  return Object.fromEntries(
    await Promise.all(entries.map(async ([name, bytes]) => [name, await compile(bytes)] as const)),
  );
}
