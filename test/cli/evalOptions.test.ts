/** Defaults and limits of `eval`'s options. */
import { expect, test } from '@jest/globals';
import { evalCommand } from '../../src/cli/eval.js';

/** An option by its long name. */
function option(name: string) {
  const found = evalCommand().options.find(({ long }) => long === name);
  if (found === undefined) throw new Error(`no option ${name}`);
  return found;
}

const parse = (name: string, text: string): unknown => (option(name).parseArg as (value: string) => unknown)(text);

test('pictures are prepared as the weights say', () => {
  expect(option('--protocol').defaultValue).toBe('weights');
});

test('--crop-pct is above 0 and at most 1', () => {
  expect(parse('--crop-pct', '1')).toBe(1);
  expect(parse('--crop-pct', '0.001')).toBe(0.001);
  for (const text of ['0', '-0.5', '1.001']) expect(() => parse('--crop-pct', text)).toThrow('Expected a number');
});

test('--csv names a file that ends in .csv', () => {
  expect(parse('--csv', 'a.csv')).toBe('a.csv');
  expect(() => parse('--csv', 'a.txt')).toThrow('.csv');
});
