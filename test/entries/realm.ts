/** What a realm of JavaScript alone is given, to be an edge runtime's. */
import { BUILDS } from '../wasm/builds.js';
import type { EdgeBundle } from './bundle.js';

/** Names that a realm of JavaScript alone lacks, and that every edge runtime has. */
export const WEB = { TextDecoder, TextEncoder, URL, performance };

interface Compiler {
  compile(bytes: Uint8Array): Promise<object>;
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: Compiler };

export const compile = (bytes: Uint8Array): Promise<object> => WebAssembly.compile(bytes);

/** Modules are compiled when a program is deployed; one that this machine does not know is left out. */
export async function compiled({ modules }: EdgeBundle): Promise<Record<string, object>> {
  const entries = [...modules].filter(([name]) => name === 'plain.wasm' || BUILDS.includes('relaxed'));
  return Object.fromEntries(
    await Promise.all(entries.map(async ([name, bytes]) => [name, await compile(bytes)] as const)),
  );
}
