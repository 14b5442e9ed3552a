import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import type { Reference } from './opSpec.js';

const ROOT = new URL('../../', import.meta.url);

/** One deliberate mistake in one file. */
export interface Mutation {
  readonly flaw: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Copies a built folder with one mistake in it: the changed file is compiled anew.
 * The text to change must stand there exactly once.
 *
 * @param id tells it from the other mutants of the folder
 * @returns where the copy lies
 */
export function mutate(folder: 'reference' | 'src', { file, from, to, flaw }: Mutation, id: number): URL {
  const source = readFileSync(new URL(`${folder}/${file}`, ROOT), 'utf8');
  const copies = source.split(from).length - 1;
  if (copies !== 1) throw new Error(`${file} has "${from}" ${copies} times, not once: mend the mutant "${flaw}"`);
  const copy = new URL(`dist/mutants/${folder}/${id}/`, ROOT);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  cpSync(new URL(`dist/${folder}/`, ROOT), copy, { recursive: true });
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(
    source.replace(from, () => to),
    { compilerOptions },
  );
  writeFileSync(new URL(file.replace(/\.ts$/, '.js'), copy), outputText);
  return copy;
}

/** The oracle with one mistake in it. */
export async function createMutant(mutation: Mutation, id: number): Promise<Reference> {
  return (await import(new URL('index.js', mutate('reference', mutation, id)).pathname)) as Reference;
}
