import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BANNER } from '../typeScript.js';
import type { Reference } from './opSpec.js';

const ROOT = new URL('../../', import.meta.url);

/** One deliberate mistake in one file. */
export interface Mutation {
  readonly flaw: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** @throws Error unless `from` occurs exactly once in the file: the mutant must be updated with the code */
function mutatedSource(path: string, { file, from, to, flaw }: Mutation): string {
  const source = readFileSync(path, 'utf8');
  const copies = source.split(from).length - 1;
  if (copies !== 1)
    throw new Error(`${file} has "${from}" ${copies} times instead of once: update the mutant "${flaw}"`);
  return source.replace(from, () => to);
}

/**
 * Bundles a folder with a mistake in one of its files.
 *
 * @param id unique among the mutants of the folder
 * @param entry source text of the module to bundle; its imports are relative to the folder
 * @returns what the bundled module exports
 */
export async function importMutant(
  folder: 'reference' | 'src',
  mutation: Mutation,
  id: number,
  entry: string,
): Promise<object> {
  const resolveDir = fileURLToPath(new URL(`${folder}/`, ROOT));
  const target = fileURLToPath(new URL(mutation.file, new URL(`${folder}/`, ROOT)));
  const bundle = fileURLToPath(new URL(`dist/mutants/${folder}/${id}.js`, ROOT));
  const contents = mutatedSource(target, mutation);
  await build({
    stdin: { contents: entry, resolveDir, loader: 'ts' },
    outfile: bundle,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    packages: 'external',
    external: ['#*'],
    banner: { js: BANNER },
    logLevel: 'silent',
    plugins: [
      {
        name: 'mutation',
        setup(bundler) {
          bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => (path === target ? { contents, loader: 'ts' } : null));
        },
      },
    ],
  });
  try {
    return (await import(bundle)) as object;
  } finally {
    rmSync(bundle, { force: true });
  }
}

/** The reference with one mistake in it. */
export const createMutant = async (mutation: Mutation, id: number): Promise<Reference> =>
  (await importMutant('reference', mutation, id, "export * from './index.js';")) as Reference;
