/** The records that src/wasm writes have the layout that the compiler gives to the classes of assembly/. */
import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import {
  DESCRIPTORS,
  declarationsOf,
  generateDescriptors,
  readDeclarations,
  staleDescriptors,
} from '../../scripts/descriptors.js';
import { layOut, type Fields } from '../../src/wasm/descriptor.js';
import { instantiateAny } from './instantiateAny.js';

type Value = number | string;
type Generated = Readonly<Record<string, Value | Readonly<Record<string, Value>>>>;

const constantCase = (name: string): string => name.replace(/([a-z\d])([A-Z])/g, '$1_$2').toUpperCase();

test('the generated files match assembly/', async () => {
  expect(await staleDescriptors()).toEqual([]);
});

/** What a generated file says of expressions in AssemblyScript, and the imports that these need. */
interface Facts {
  readonly imports: readonly string[];
  readonly values: ReadonlyMap<string, Value>;
}

/** @param suffix of all names, because files may have the same */
async function factsOf({ folder, file }: (typeof DESCRIPTORS)[number], suffix: string): Promise<Facts> {
  const generated = (await import(`../../${file.replace('.ts', '.js')}`)) as Generated;
  const imports: string[] = [];
  const expected = new Map<string, Value>();
  for (const [path, { classes, enums, constants }] of await readDeclarations(folder)) {
    const names = [...classes.keys(), ...enums.keys(), ...constants.keys()];
    if (names.length === 0) continue;
    const renamed = names.map((name) => `${name} as ${name}${suffix}`);
    imports.push(`import { ${renamed.join(', ')} } from './${path.replace('.ts', '')}';`);
    for (const name of classes.keys()) {
      const { offsets } = layOut(generated[constantCase(name)] as Fields<string>);
      for (const [field, offset] of offsets) expected.set(`offsetof<${name}${suffix}>('${field}')`, offset);
    }
    for (const [name, members] of enums) {
      const values = generated[constantCase(name)] as Readonly<Record<string, number>>;
      expect(Object.keys(values)).toEqual([...members]);
      for (const member of members) expected.set(`${name}${suffix}.${member}`, values[member]);
    }
    for (const name of constants.keys()) expected.set(`${name}${suffix}`, generated[name] as number);
  }
  return { imports, values: expected };
}

test('the generated files have the offsets and values of the compiler', async () => {
  const facts = await Promise.all(DESCRIPTORS.map((each, i) => factsOf(each, `${i}`)));
  for (const { values } of facts) expect(values.size).toBeGreaterThan(0);
  const expected = new Map(facts.flatMap(({ values }) => [...values]));
  // A module that returns every offset and value.
  const functions = [...expected.keys()].map(
    (expression, i) => `export function value${i}(): i32 { return <i32>(${expression}); }`,
  );
  const compiled = await instantiateAny([...facts.flatMap(({ imports }) => imports), ...functions].join('\n'));
  const got = new Map([...expected.keys()].map((expression, i) => [expression, compiled[`value${i}`]()]));
  expect(got).toEqual(expected);
});

test('moving a field in assembly/ changes the generated file', async () => {
  const source = await readFile('assembly/inference/stage.ts', 'utf8');
  const moved = source.replace('  depth: i32;\n  channels: i32;\n', '  channels: i32;\n  depth: i32;\n');
  expect(moved).not.toBe(source);
  const fieldsIn = (text: string): string[] => [...(declarationsOf(text).classes.get('Stage')?.keys() ?? [])];
  expect(fieldsIn(moved)).not.toEqual(fieldsIn(source));
  expect(await generateDescriptors('assembly/inference')).toContain("depth: 'u32',\n  channels: 'u32',");
});

test.each([
  ['a field of another type', '@unmanaged class A { x: string; }', 'A: expected a field of a number'],
  ['an enum with values of its own', 'export const enum A { x = 3 }', 'A: values are those of the order'],
])('%s is refused', (_what, source, message) => {
  expect(() => declarationsOf(source)).toThrow(message);
});
