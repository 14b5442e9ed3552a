/** What scripts/buildWasm.ts compiles, and the declarations of what it writes into dist/wasm. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';

/** Targets of assembly/asconfig.json. */
export const SINGLE = ['plain', 'relaxed'];
const THREADED = ['plain-threads', 'relaxed-threads'];

/** The entries of assembly/, and the targets that each is compiled for. */
export const ENTRIES = [
  { prefix: '', entry: 'assembly/inference/index.ts', targets: [...SINGLE, ...THREADED] },
  { prefix: 'train-', entry: 'assembly/training/index.ts', targets: [...SINGLE, ...THREADED] },
  { prefix: 'ops-', entry: 'assembly/ops/index.ts', targets: SINGLE },
  { prefix: 'float64-', entry: 'assembly/float64/index.ts', targets: ['plain'] },
];

/** The comment above the bytes of a module. */
export const docOf = (path: string): string => `/** The module ${path}. */\n`;

const SHARED = {
  builds:
    '/** Bytes, or the compiled module. */\nexport declare const plain: Uint8Array | object;\nexport declare const relaxed: Uint8Array | object;\n',
  module: '/** A `WebAssembly.Module`. */\ndeclare const module: object;\nexport default module;\n',
  identity:
    '/** The identity of every module that this version of the package can run. */\nexport declare const identity: string;\n',
};

/**
 * Writes the declarations, which TypeScript can read before a module is compiled. One that is right is left alone: the
 * compiler may be reading it.
 */
export async function writeWasmTypes(): Promise<void> {
  await mkdir('dist/wasm', { recursive: true });
  const modules = ENTRIES.flatMap(({ prefix, targets }) => targets.map((target) => `${prefix}${target}`)).map(
    (name) => [name, `${docOf(`dist/wasm/${name}.wasm`)}export declare const bytes: Uint8Array;\n`] as const,
  );
  for (const [name, text] of [...modules, ...Object.entries(SHARED)]) {
    const path = `dist/wasm/${name}.d.ts`;
    if ((await readFile(path, 'utf8').catch(() => null)) !== text) await writeFile(path, text);
  }
}
