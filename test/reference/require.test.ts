/** What callers without types may pass to the reference: a typed error for any value, and no code of the value is run. */
import { describe, expect, test } from '@jest/globals';
import * as reference from '../../reference/index.js';
import { show } from '../../reference/require.js';

const untyped = (value: unknown): never => value as never;
const { tensor } = reference;

test.each([
  ['a"b', '"a\\"b"'],
  ['x'.repeat(100), `"${'x'.repeat(80)}"`],
  [() => 1, 'a function'],
  [Symbol('s'), 'Symbol(s)'],
  [-0, '0'],
  [[1, Symbol('s'), [2]], '[1,Symbol(s),…]'],
  [Array.from({ length: 17 }, () => 1), `[${'1,'.repeat(15)}1,…]`],
  [new Float32Array(2), 'a typed array'],
  [{ toString: 1 }, 'an object'],
  [null, 'null'],
])('show(%p)', (value, text) => {
  expect(show(value)).toBe(text);
});

describe('a tensor', () => {
  const x = tensor([1, 2, 3, 4], [2, 2]);
  const view = { ...x, get: () => 0 };

  test.each([
    null,
    undefined,
    [1],
    { data: [1], shape: [1] },
    { ...view, shape: [2, -2] },
    { ...view, shape: 'ab' },
    { ...view, stride: [1] },
    { ...view, stride: [2, 0.5] },
    { ...view, offset: 1 },
    { ...view, offset: NaN },
    { ...view, stride: [-2, 1] },
    { ...view, get: null },
    { ...view, data: new Float64Array(0) },
  ])('%p is none', (value) => {
    expect(() => reference.valuesOf(untyped(value))).toThrow(reference.ShapeError);
  });

  test('is a view in any order', () => {
    expect([...reference.valuesOf(x.transpose(1, 0))]).toEqual([1, 3, 2, 4]);
    expect([...reference.valuesOf(x.step(-1, 1))]).toEqual([3, 4, 1, 2]);
    expect(reference.valuesOf(tensor([], [0, 3])).length).toBe(0);
  });

  test.each([
    [null, [1]],
    [['1'], [1]],
    [new DataView(new ArrayBuffer(8)), [1]],
    [[1], [1.5]],
    [[1], 'x'],
    [[1], [-1]],
  ])('%p of shape %p is not made', (values, shape) => {
    expect(() => tensor(untyped(values), untyped(shape))).toThrow(reference.ShapeError);
  });

  test('of more than 1 GiB is refused', () => {
    expect(() => reference.zeros([2 ** 27 + 1])).toThrow('at most 134217728 values');
  });
});

const CONFIG = reference.config({ dims: [2, 3], strides: [2], in_chans: 1, num_classes: 3, act_num: 1 });
const STATE = reference.initialize(CONFIG, { seed: 1 });
const X = reference.zeros([2, 1, 8, 8]);

describe.each([null, 3, 'x', [1], Symbol('s')])('%p', (value) => {
  const anything = untyped(value);
  test.each<[string, () => unknown]>([
    ['conv2d', () => reference.conv2d(X, reference.zeros([1, 1, 1, 1]), null, anything)],
    ['batchNorm', () => reference.batchNorm(X, anything, { training: true })],
    ['batchNormBackward', () => reference.batchNormBackward(X, reference.zeros([1]), anything)],
    ['maxPool2d', () => reference.maxPool2d(X, anything)],
    ['adam', () => reference.adam(X, X, anything, 1, { lr: 1 })],
    ['sgd', () => reference.sgd(X, X, X, anything)],
    ['lambDivisor', () => reference.lambDivisor(value === 'x' ? untyped(7) : anything)],
    ['cosineAnnealing', () => reference.cosineAnnealing(0, anything)],
    ['lambdaSchedule', () => reference.lambdaSchedule(0, anything)],
    ['config', () => reference.config(anything)],
    ['vanillaNet', () => reference.vanillaNet(anything)],
    ['initialize', () => reference.initialize(CONFIG, anything)],
    ['forward', () => reference.forward(CONFIG, STATE, X, anything)],
    ['forward without a state', () => reference.forward(CONFIG, anything, X, { training: true, lambda: 1 })],
    ['trainStep', () => reference.trainStep(CONFIG, anything, X, [0, 1], { lr: 1, lambda: 1 })],
    ['fuse', () => reference.fuse(CONFIG, STATE, anything)],
    ['toFloat32', () => reference.toFloat32(anything)],
    ['philox4x32', () => reference.philox4x32(anything, [0, 0])],
    ['normalCdf', () => reference.normalCdf(value === 3 ? untyped('3') : anything)],
    ['ema', () => reference.ema(anything, STATE, 0.5)],
  ])('is refused by %s', (_, call) => {
    expect(call).toThrow(reference.OracleError);
  });
});

test('words and flags are checked', () => {
  const training = { training: untyped(1) };
  const norm = { weight: reference.zeros([1]), bias: reference.zeros([1]) };
  const parameters = { ...norm, runningMean: reference.zeros([1]), runningVar: reference.zeros([1]) };
  expect(() => reference.batchNorm(X, parameters, training)).toThrow('training true or false');
  expect(() => reference.batchNorm(X, parameters, { training: true, runningVar: untyped('x') })).toThrow(
    "expected 'unbiased' or 'biased', got runningVar = \"x\"",
  );
  expect(() => reference.config({ ...CONFIG, form: untyped('x') })).toThrow("'train' or 'deploy'");
  expect(() => reference.layerScale(untyped(1), 1, 1)).toThrow('name, a string');
  expect(() => reference.ema(new Map([['a', X]]), new Map([['a', reference.zeros([1])]]), 0.5)).toThrow(
    'the average of a',
  );
});

test('messages stay short', () => {
  const { message } = new reference.WeightsError('x'.repeat(5000), 'y', 'z');
  expect(message).toBe(`${'x'.repeat(1000)}…: expected y, got z`);
});
