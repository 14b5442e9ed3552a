/** What the runner of the conformance kit says of outputs: right, of a known fault, wrong, or not offered. */
import { describe, expect, test } from '@jest/globals';
import { distance, judgeCase, judgeOutputs } from '../../conformance/judge.js';
import { NotOffered, type Port, type PortFunction } from '../../conformance/port.js';
import type { Case } from '../../conformance/vectors.js';
import type { Tensor } from '../../src/core/tensor.js';

const values = (...data: number[]): Tensor => ({ data: Float64Array.from(data), shape: [data.length] });
const scalar = (value: number): Tensor => ({ data: Float64Array.of(value), shape: [] });
const U = 2 ** -24;

const CASE: Case = {
  ...{ name: 'f/g', op: 'f', attributes: {}, inputs: new Map() },
  outputs: new Map([
    ['y', { values: values(1, 2), bound: values(U, U) }],
    ['dx', { values: values(3, 4), bound: scalar(U) }],
  ]),
  faults: [
    { name: 'doubled', description: 'twice', outputs: new Map([['y', { values: values(2, 4), bound: values(U, U) }]]) },
  ],
};

const judge = (y: readonly number[], precision: 'float32' | 'float64' = 'float32', dx = [3, 4]) =>
  judgeOutputs(CASE, new Map([['y', values(...y)], ['dx', values(...dx)]]), precision); // prettier-ignore

describe('distance', () => {
  test('is relative to the bound of each value', () => {
    const bound = values(0.5, 0.25);
    expect(distance('y', values(1.5, 2.5), values(1, 2), bound, 1)).toEqual({ ratio: 2, at: 'y[1] = 2.5, not 2' });
  });

  test('is that of the norm for a bound without axes', () => {
    expect(distance('y', values(4, 6), values(1, 2), scalar(10), 1)).toEqual({ ratio: 0.5, at: 'y' });
  });

  test('is exact where the bound is 0, and 0 for equal values', () => {
    expect(distance('y', values(1), values(1), values(0), 1).ratio).toBe(0);
    expect(distance('y', values(1 + 2 ** -52), values(1), values(0), 1).ratio).toBe(Infinity);
  });

  test('is infinite for NaN and for another number of values', () => {
    expect(distance('y', values(NaN), values(1), values(1), 1).ratio).toBe(Infinity);
    expect(distance('y', values(1, 2), values(1), values(1), 1)).toEqual({
      ratio: Infinity,
      at: 'y: 2 values, not 1',
    });
  });
});

describe('outputs', () => {
  test('pass within the bound of their precision', () => {
    expect(judge([1 + U, 2])).toEqual({ kind: 'passes', ratio: 1, missing: [] });
    expect(judge([1 + U, 2], 'float64')).toMatchObject({ kind: 'fails' });
    expect(judge([1 + 2 ** -52, 2], 'float64')).toEqual({ kind: 'passes', ratio: 1, missing: [] });
    expect(judge([1 + 2 * U, 2])).toEqual({ kind: 'fails', ratio: 2, at: `y[0] = ${1 + 2 * U}, not 1` });
  });

  test('that a known fault explains have it; the outputs that it does not change must be right', () => {
    expect(judge([2, 4])).toEqual({ kind: 'has fault', fault: 'doubled', description: 'twice' });
    expect(judge([2, 4], 'float32', [3, 5])).toMatchObject({ kind: 'fails' });
  });

  test('may be left out, but not all', () => {
    const y = new Map([['y', values(1, 2)]]);
    expect(judgeOutputs(CASE, y, 'float32')).toEqual({ kind: 'passes', ratio: 0, missing: ['dx'] });
    expect(judgeOutputs(CASE, new Map([['z', values(1)]]), 'float32')).toEqual({ kind: 'not offered' });
  });
});

describe('ports', () => {
  const port = (f?: PortFunction): Port => ({
    ...{ name: 'port', precision: 'float32' },
    functions: f === undefined ? {} : { f },
  });

  test.each<[string, Port, object]>([
    ['without the function', port(), { kind: 'not offered' }],
    [
      'that do not offer the case',
      port(() => {
        throw new NotOffered();
      }),
      { kind: 'not offered' },
    ],
    [
      'that throw',
      port(() => {
        throw new RangeError('no');
      }),
      { kind: 'throws', message: 'no' },
    ],
    ['that answer later', port(() => Promise.resolve(new Map([['y', values(1, 2)]]))), { kind: 'passes' }],
  ])('%s', async (_, each, verdict) => {
    expect(await judgeCase(each, CASE)).toMatchObject(verdict);
  });
});
