/** Error names are literals, so that they survive minification; the remedy is a separate field. */
import { describe, expect, test } from '@jest/globals';
import { transform } from 'esbuild';
import { readFile } from 'node:fs/promises';
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
  const options = { loader: 'ts', minify: true, target: 'es2022', format: 'iife', globalName: 'bundle' } as const;
  const { code } = await transform(contents, options);
  expect(code).not.toMatch(new RegExp(`class ${name}`));
  expect(runInNewContext(`${code}; bundle.error.name`)).toBe(name);
});
