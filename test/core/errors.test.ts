/** Error names are literals, so that they survive minification; the remedy is a separate field. */
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { runInNewContext } from 'node:vm';
import * as reference from '../../reference/errors.js';
import * as core from '../../src/core/errors.js';

const NAMES = [
  ...['ShapeError', 'ParamError', 'WeightsError', 'DataError', 'BackendUnavailableError', 'LoaderError'],
  'TrainingError',
] as const;
const FIELDS = { op: 'conv2d', expected: 'x', got: 'y' };

describe.each(NAMES)('%s', (name) => {
  test('has its name, also in the first line of its stack', () => {
    const error = new core[name](FIELDS);
    expect(error.name).toBe(name);
    expect(String(error)).toBe(`${name}: conv2d: expected x, got y`);
    expect(error.stack).toMatch(new RegExp(`^${name}: conv2d`));
    expect(Object.keys(error).sort()).toEqual(['expected', 'got', 'op']);
  });
});

test('the base classes have their names', () => {
  expect(core.VanillaNetError.prototype.name).toBe('VanillaNetError');
  expect(reference.OracleError.prototype.name).toBe('OracleError');
});

test('a hint is a field, not part of the message', () => {
  const error = new core.WeightsError({ ...FIELDS, hint: 'Fuse it first.' });
  expect(error).toMatchObject({ hint: 'Fuse it first.', message: 'conv2d: expected x, got y' });
});

test.each([
  [Symbol('s'), 'Symbol(s)'],
  [null, 'a value of type object'],
  [{ toString: 1 }, 'a value of type object'],
  [1n, '1'],
  ['x'.repeat(1001), `${'x'.repeat(1000)}…`],
])('a field that is no short text becomes one', (op, text) => {
  const error = new core.ParamError({ ...FIELDS, op: op as string });
  expect(error).toMatchObject({ op: text, message: `${text}: expected x, got y` });
});

test.each([
  ['a\nb\tc\0', 'a\\x0ab\\x09c\\x00'],
  ['\x1b[31mred\x1b[0m \x7f\x9b', '\\x1b[31mred\\x1b[0m \\x7f\\x9b'],
  ['\u202egpj.cat \u2066\u200f\u061c', '\\u202egpj.cat \\u2066\\u200f\\u061c'],
  ['line\u2028paragraph\u2029', 'line\\u2028paragraph\\u2029'],
  ['\ud83d alone, \udc31 too', '\\ud83d alone, \\udc31 too'],
  ['café 猫 🐱 a\u0301\u00a0', 'café 猫 🐱 a\u0301\u00a0'],
  // A pair that the limit parts.
  [`${'x'.repeat(999)}🐱`, `${'x'.repeat(999)}…`],
  [`${'x'.repeat(998)}🐱`, `${'x'.repeat(998)}🐱`],
  ['\0'.repeat(2000), `${'\\x00'.repeat(250)}…`],
])('a field is printable: %j', (text, printed) => {
  const error = new core.DataError({ op: text, expected: text, got: text, hint: text });
  expect(error).toMatchObject({ op: printed, expected: printed, got: printed, hint: printed });
  expect(error.message).toBe(`${printed}: expected ${printed}, got ${printed}`);
  const other = new reference.WeightsError(text, text, text);
  expect(other).toMatchObject({ op: printed, expected: printed, got: printed, message: error.message });
});

test('an error without fields is one, too', () => {
  const untyped = (value: unknown): never => value as never;
  for (const fields of [undefined, null, {}, 5]) {
    const error = new core.ParamError(untyped(fields));
    expect(error).toMatchObject({ op: 'undefined', message: 'undefined: expected undefined, got undefined' });
    expect('hint' in error).toBe(false);
  }
  expect(new reference.ParamError(untyped(undefined), untyped(null), untyped({}))).toMatchObject({
    message: 'a value of type undefined: expected a value of type object, got a value of type object',
  });
});

test.each(['ShapeError', 'ParamError', 'WeightsError', 'FusionError'] as const)('%s of the reference', (name) => {
  expect(new reference[name]('conv2d', 'x', 'y')).toMatchObject({ name, message: 'conv2d: expected x, got y' });
});

test.each([
  { file: 'reference/errors.ts', name: 'FusionError', expression: 'new FusionError("a", "b", "c")' },
  {
    file: 'src/core/errors.ts',
    name: 'WeightsError',
    expression: 'new WeightsError({ op: "a", expected: "b", got: "c" })',
  },
])('names in $file survive minification', async ({ file, name, expression }) => {
  const contents = `${await readFile(file, 'utf8')}\nexport const error = ${expression};`;
  const options = { minify: true, target: 'es2022', format: 'iife', globalName: 'bundle' } as const;
  const stdin = { contents, resolveDir: resolve(dirname(file)), loader: 'ts' } as const;
  const { outputFiles } = await build({ ...options, stdin, bundle: true, write: false });
  const code = outputFiles[0].text;
  expect(code).not.toMatch(new RegExp(`class ${name}`));
  expect(runInNewContext(`${code}; bundle.error.name`)).toBe(name);
});
