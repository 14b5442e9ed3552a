import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import type { Reference } from './opSpec.js';

const SOURCE = new URL('../../reference/', import.meta.url);
const BUILT = new URL('../../dist/reference/', import.meta.url);
const MUTANTS = new URL('../../dist/mutants/', import.meta.url);

/** One deliberate mistake in one file of the oracle. */
export interface Mutation {
  readonly flaw: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * The oracle with one mistake in it: a copy of the built one, with the changed
 * file compiled anew. The text to change must stand there exactly once.
 */
export async function breed({ file, from, to, flaw }: Mutation, id: number): Promise<Reference> {
  const source = readFileSync(new URL(file, SOURCE), 'utf8');
  const copies = source.split(from).length - 1;
  if (copies !== 1) throw new Error(`${file} has "${from}" ${copies} times, not once: mend the mutant "${flaw}"`);
  const folder = new URL(`${id}/`, MUTANTS);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(BUILT, folder, { recursive: true });
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(
    source.replace(from, () => to),
    { compilerOptions },
  );
  writeFileSync(new URL(file.replace(/\.ts$/, '.js'), folder), outputText);
  return (await import(new URL('index.js', folder).pathname)) as Reference;
}
