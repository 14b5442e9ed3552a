/** Own exp, log, sin and cos against the engine's, which are good to an ulp or so themselves. */
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
  { name: 'exp', own: exp, theirs: Math.exp, at: draw(0, -740, 709) },
  { name: 'exp near 0', own: exp, theirs: Math.exp, at: draw(1, -1, 1) },
  { name: 'log', own: log, theirs: Math.log, at: draw(2, 0, 1e6) },
  { name: 'log near 1', own: log, theirs: Math.log, at: draw(3, 0.5, 2) },
  { name: 'log of small numbers', own: log, theirs: Math.log, at: draw(4, -740, 0).map(exp) },
  { name: 'sin', own: sin, theirs: Math.sin, at: draw(5, -1000, 1000) },
  { name: 'cos', own: cos, theirs: Math.cos, at: draw(6, -1000, 1000) },
  { name: 'sin near 0', own: sin, theirs: Math.sin, at: draw(7, -2, 2) },
  { name: 'cos near 0', own: cos, theirs: Math.cos, at: draw(8, -2, 2) },
];

test.each(FUNCTIONS)('$name is within two ulp of the engine’s', ({ own, theirs, at }) => {
  // One ulp of each; subnormal results have lost their last bits already.
  const worst = Math.max(...at.map((x) => Math.abs(own(x) - theirs(x)) / ulp(theirs(x))));
  expect(worst).toBeLessThanOrEqual(2);
});

test('ends and exact values', () => {
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

test('the bits are those of every other machine', () => {
  const bits = createHash('sha256');
  for (const { own, at } of FUNCTIONS) bits.update(Float64Array.from(at.map((x) => own(Math.fround(x)))));
  expect(bits.digest('hex')).toBe('52d707e2766e8ba8f1676957bedd6b8a5d2469fed0111b3aa09191d3697fa4d0');
});
