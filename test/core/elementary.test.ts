/** Compares exp, log, sin and cos with those of the JavaScript engine, which are accurate to about one ulp. */
import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { cos, exp, log, sin } from '../../src/core/elementary.js';
import { uniform } from '../../src/core/philox.js';

/** The distance to the next float64 above |x|. */
function ulp(x: number): number {
  const float = Float64Array.of(Math.abs(x));
  new BigInt64Array(float.buffer)[0] += 1n;
  return float[0] - Math.abs(x);
}

const COUNT = 20_000;
const draw = (stream: number, low: number, high: number): number[] =>
  Array.from({ length: COUNT }, (_, i) => low + (high - low) * uniform(7, stream, i));

const FUNCTIONS = [
  { name: 'exp', portable: exp, builtin: Math.exp, inputs: draw(0, -740, 709) },
  { name: 'exp near 0', portable: exp, builtin: Math.exp, inputs: draw(1, -1, 1) },
  { name: 'log', portable: log, builtin: Math.log, inputs: draw(2, 0, 1e6) },
  { name: 'log near 1', portable: log, builtin: Math.log, inputs: draw(3, 0.5, 2) },
  { name: 'log of small numbers', portable: log, builtin: Math.log, inputs: draw(4, -740, 0).map(exp) },
  { name: 'sin', portable: sin, builtin: Math.sin, inputs: draw(5, -1000, 1000) },
  { name: 'cos', portable: cos, builtin: Math.cos, inputs: draw(6, -1000, 1000) },
  { name: 'sin near 0', portable: sin, builtin: Math.sin, inputs: draw(7, -2, 2) },
  { name: 'cos near 0', portable: cos, builtin: Math.cos, inputs: draw(8, -2, 2) },
];

test.each(FUNCTIONS)('$name is within two ulps of Math', ({ portable, builtin, inputs }) => {
  // One ulp for each of the two functions.
  const worst = Math.max(...inputs.map((x) => Math.abs(portable(x) - builtin(x)) / ulp(builtin(x))));
  expect(worst).toBeLessThanOrEqual(2);
});

test('values at 0, at infinity and at the limits of the range are exact', () => {
  expect([exp(0), exp(-Infinity), exp(Infinity), exp(-746), exp(710)]).toEqual([1, 0, Infinity, 0, Infinity]);
  expect([log(1), log(0), log(Infinity), log(-1), log(Number.MIN_VALUE)]).toEqual([
    0,
    -Infinity,
    Infinity,
    NaN,
    -744.4400719213812,
  ]);
  expect([sin(0), cos(0), exp(NaN)]).toEqual([0, 1, NaN]);
});

test('results have the same bits on every machine', () => {
  const hash = createHash('sha256');
  for (const { portable, inputs } of FUNCTIONS) {
    hash.update(Float64Array.from(inputs.map((x) => portable(Math.fround(x)))));
  }
  expect(hash.digest('hex')).toBe('52d707e2766e8ba8f1676957bedd6b8a5d2469fed0111b3aa09191d3697fa4d0');
});
