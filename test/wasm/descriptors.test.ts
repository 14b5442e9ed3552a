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

test.each(DESCRIPTORS)('$file has the offsets and values of the compiler', async ({ folder, file }) => {
  const generated = (await import(`../../${file.replace('.ts', '.js')}`)) as Generated;
  // A module that returns every offset and value.
  const imports: string[] = [];
  const functions: string[] = [];
  const expected = new Map<string, Value>();
  const add = (expression: string, value: Value): void => {
    functions.push(`export function value${expected.size}(): i32 { return <i32>(${expression}); }`);
    expected.set(expression, value);
  };
  for (const [path, { classes, enums, constants }] of await readDeclarations(folder)) {
    const names = [...classes.keys(), ...enums.keys(), ...constants.keys()];
    if (names.length === 0) continue;
    imports.push(`import { ${names.join(', ')} } from './${path.replace('.ts', '')}';`);
    for (const name of classes.keys()) {
      const { offsets } = layOut(generated[constantCase(name)] as Fields<string>);
      for (const [field, offset] of offsets) add(`offsetof<${name}>('${field}')`, offset);
    }
    for (const [name, members] of enums) {
      const values = generated[constantCase(name)] as Readonly<Record<string, number>>;
      expect(Object.keys(values)).toEqual([...members]);
      for (const member of members) add(`${name}.${member}`, values[member]);
    }
    for (const name of constants.keys()) add(name, generated[name] as number);
  }
  expect(expected.size).toBeGreaterThan(5);
  const values = await instantiateAny([...imports, ...functions].join('\n'));
  const got = new Map([...expected.keys()].map((expression, i) => [expression, values[`value${i}`]()]));
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
