/**
 * The bounds for the layers of the train form. float32 arithmetic, rounded step by step in every order that engines
 * use, stays within them: where x cancels against the mean, where the variance is small, and at the kink.
 */
import { expect, test } from '@jest/globals';
import {
  BY_SHADERS,
  config as completeConfig,
  deviation,
  FLUSHING,
  tensor,
  TO_NEAREST,
  valuesOf,
  vanillaNet,
  type Rounding,
  type State,
} from '../../reference/index.js';
import { draw } from '../judges/draw.js';
import { goldenState } from '../judges/ruledState.js';

const NETWORK = completeConfig({ dims: [8, 8], strides: [1], num_classes: 5 });
const NAME = 'stem1.1';
const SHAPE = [2, 8, 5, 7];
const SLOPE = 0.3;
const f = Math.fround;

const layerOf = (name: string): ReturnType<typeof vanillaNet>[number] => {
  const layer = vanillaNet(NETWORK).find((each) => each.name === name);
  if (layer === undefined) throw new Error(`no layer ${name}`);
  return layer;
};

/** Largest ratio of the float32 error to e', for inputs with a relative error of up to 2·off. */
function ratios(
  name: string,
  state: State,
  values: Float64Array,
  off: number,
  float32: (x: number, channel: number) => number,
): number {
  const [layer, x] = [layerOf(name), tensor(values, SHAPE)];
  const e = tensor(
    values.map((v, i) => (off === 0 ? 0 : (i % 3) * off * Math.abs(v))),
    SHAPE,
  );
  const trace = layer.forward(x, state, { training: false, lambda: SLOPE });
  const carried = valuesOf(deviation({ layer, x, trace }, e, NETWORK, state, SLOPE).total);
  const [exact, reach] = [valuesOf(trace.y), valuesOf(e)];
  let worst = 0;
  values.forEach((v, i) => {
    // The input is float32, with the largest allowed error.
    const input = off === 0 ? v : v + (i % 2 === 0 ? 1 : -1) * reach[i] * (1 - 1e-7 / off);
    const error = Math.abs(float32(f(input), Math.floor(i / 35) % 8) - exact[i]);
    if (error > 0) worst = Math.max(worst, error / carried[i]);
  });
  return worst;
}

/** Batch normalization in the orders that engines use: by the deviation, by one factor, with a precomputed shift. */
function norms(state: State): ((x: number, channel: number) => number)[] {
  const [g, b, m, v] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
    Float32Array.from(valuesOf(state.get(`${NAME}.${part}`) ?? tensor([], [0]))),
  );
  const s = v.map((variance) => f(1 / f(Math.sqrt(f(variance + f(1e-6))))));
  return [
    (x, c) => f(f(f(f(x - m[c]) * s[c]) * g[c]) + b[c]),
    (x, c) => f(f(f(x - m[c]) * f(g[c] * s[c])) + b[c]),
    (x, c) => f(f(x * f(g[c] * s[c])) + f(b[c] - f(m[c] * f(g[c] * s[c])))),
    (x, c) => f(f(f(f(x - m[c]) / f(Math.sqrt(f(v[c] + f(1e-6))))) * g[c]) + b[c]),
  ];
}

/** Weights of the norm that are not float32 numbers: means of all magnitudes, variances down to 0. */
function normState(seed: number): State {
  const state = new Map(goldenState(NETWORK, seed, []));
  const set = (part: string, value: (v: number, i: number) => number): unknown =>
    state.set(`${NAME}.${part}`, tensor(Float64Array.from(valuesOf(draw([8], seed + part.length)), value), [8]));
  set('running_mean', (v, i) => v * 10 ** (i - 4));
  set('running_var', (v, i) => Math.abs(v) * 10 ** (i - 7));
  return state;
}

const inputs = (seed: number, state: State, near: boolean): Float64Array => {
  const mean = valuesOf(state.get(`${NAME}.running_mean`) ?? tensor([], [0]));
  return valuesOf(draw(SHAPE, seed)).map((v, i) => f(near ? mean[Math.floor(i / 35) % 8] * (1 + v / 1000) : 3 * v));
};

test('a norm stays within its bound, which is tight', () => {
  for (const off of [0, 1e-5]) {
    let worst = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const state = normState(seed);
      for (const near of [false, true]) {
        for (const float32 of norms(state)) {
          worst = Math.max(worst, ratios(NAME, state, inputs(seed, state, near), off, float32));
        }
      }
    }
    expect(worst).toBeLessThanOrEqual(1);
    // This share of ten roundings occurs: a bound without the mean, or for two roundings, would be exceeded.
    expect(worst).toBeGreaterThan(0.2);
  }
});

test('a leaky ReLU stays within its bound, on both sides of the kink', () => {
  const state = goldenState(NETWORK, 1, []);
  const [small, slope] = [2 ** -148, f(SLOPE)];
  for (const [off, values] of [
    [0, valuesOf(draw(SHAPE, 3)).map(f)],
    [0, valuesOf(draw(SHAPE, 4)).map((v) => f(v * 40 * small))],
    [1e-4, valuesOf(draw(SHAPE, 5)).map(f)],
    [1, valuesOf(draw(SHAPE, 6)).map(f)],
  ] as const) {
    const worst = ratios('stem1.leaky', state, values, off, (x) => (x > 0 ? x : f(slope * x)));
    expect(worst).toBeLessThanOrEqual(1);
    expect(worst).toBeGreaterThan(0.2);
  }
});

test('a kernel without a bias has a bound', () => {
  const [layer, x] = [layerOf('stem2.2'), tensor(valuesOf(draw([1, 8, 6, 5], 4)).map(Math.abs), [1, 8, 6, 5])];
  const kernel = tensor(valuesOf(draw([8, 1, 7, 7], 5)).map(Math.abs), [8, 1, 7, 7]);
  const state: State = new Map([['stem2.2.weight', kernel]]);
  const trace = layer.forward(x, state, { training: false });
  const { local } = deviation({ layer, x, trace }, tensor(new Float64Array(240), [1, 8, 6, 5]), NETWORK, state);
  // 49 taps without cancellation: the sum equals the sum of magnitudes, with at most 51 roundings.
  const shares = valuesOf(trace.y).map((y, i) => valuesOf(local)[i] / (2 ** -24 * y));
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(51);
  expect(Math.max(...shares)).toBeLessThan(51.001);
});

const STATE = goldenState(NETWORK, 1, []);

/** δ of a layer for a map of ones, or of `value`, with another arithmetic. */
function localOf(name: string, by: Rounding, state = STATE, value = 1): number {
  const layer = layerOf(name);
  const x = tensor(new Float64Array(8 * 49).fill(value), [1, 8, 7, 7]);
  const trace = layer.forward(x, state, { training: false, lambda: SLOPE });
  const { local } = deviation(
    { layer, x, trace },
    tensor(new Float64Array(8 * 49), x.shape),
    NETWORK,
    state,
    SLOPE,
    by,
  );
  return valuesOf(local)[Math.floor(valuesOf(local).length / 2)];
}

test('shaders have twice the rounding error, and more for quotients and roots', () => {
  const ratio = (name: string): number => localOf(name, BY_SHADERS) / localOf(name, TO_NEAREST);
  expect(ratio('stem2.0')).toBeCloseTo(2, 3);
  expect(localOf('stem1.leaky', BY_SHADERS, STATE, -1) / localOf('stem1.leaky', TO_NEAREST, STATE, -1)).toBeCloseTo(
    2,
    3,
  );
  // Sixteen roundings of 2u instead of ten of u.
  expect(ratio('stem1.1')).toBeCloseTo(3.2, 3);
  // 49 pixels: 52 roundings of 2u instead of 50 of u.
  expect(ratio('cls1.0')).toBeCloseTo((2 * 52) / 50, 3);
});

test.each([BY_SHADERS, FLUSHING])('numbers below the smallest normal number may become 0', (by) => {
  const tiny = 2 ** -127;
  const state: State = new Map([
    ...STATE,
    ['stem2.2.weight', tensor(new Float64Array(8 * 49).fill(100), [8, 1, 7, 7])],
  ]);
  // All 49 become 0, and so do their products with large weights.
  const sum = 4900 * tiny;
  expect(localOf('stem2.2', by, state, tiny)).toBeGreaterThan(sum);
  expect(localOf('stem2.2', TO_NEAREST, state, tiny)).toBeLessThan(sum / 1000);
  expect(localOf('stem1.leaky', by, state, tiny)).toBeGreaterThan(tiny);
  expect(localOf('stem1.leaky', TO_NEAREST, state, tiny)).toBe(0);
  expect(localOf('cls1.0', by, state, tiny)).toBeGreaterThan(tiny);
  expect(localOf('cls1.0', TO_NEAREST, state, tiny)).toBeLessThan(tiny);
});

/** Three windows of five rows: 0-1, 1-3 and 3-4. */
test.each([
  ['one that wins a window beside', [0, 0.95, 1, -1, -2], 1],
  ['nobody', [0, 0.7, 1, -1, -2], 0],
])('where windows overlap, a maximum may be overtaken by %s', (_, column, kinks) => {
  const network = completeConfig({ dims: [1, 1], strides: [2], ada_pool: [3], num_classes: 2, in_chans: 1 });
  const layer = vanillaNet(network).find(({ op }) => op === 'adaptiveMaxPool2d');
  if (layer === undefined) throw new Error('no adaptive pool');
  // A map of one column, which is in every window.
  const [x, e] = [tensor(column, [1, 1, 5, 1]), tensor([0.1, 0.1, 0.1, 0.1, 0.1], [1, 1, 5, 1])];
  const state = goldenState(network, 1, []);
  const trace = layer.forward(x, state, { training: false, lambda: SLOPE });
  const { local } = deviation({ layer, x, trace }, e, network, state, SLOPE);
  expect(valuesOf(trace.y)).toEqual(new Float64Array([column[1], column[1], column[1], 1, 1, 1, -1, -1, -1]));
  // The windows of rows 1 to 3.
  expect(valuesOf(local).subarray(3, 6)).toEqual(new Float64Array(3).fill(kinks * 0.2));
});

test('the train form requires λ', () => {
  const [layer, state, x] = [layerOf('stem1.leaky'), goldenState(NETWORK, 1, []), draw([1, 8, 2, 2], 1)];
  const trace = layer.forward(x, state, { training: false, lambda: SLOPE });
  expect(() => deviation({ layer, x, trace }, x, NETWORK, state)).toThrow('lambda in [0, 1]');
  expect(() => deviation({ layer, x, trace }, x, NETWORK, state, 2)).toThrow('lambda in [0, 1]');
});

test('a step that is none is refused by its part', () => {
  const network = completeConfig({ dims: [8, 8], strides: [2], num_classes: 5 });
  const layer = vanillaNet(network).find(({ op }) => op === 'maxPool2d');
  if (layer === undefined) throw new Error('no pool');
  const [state, x] = [goldenState(network, 1, []), draw([1, 8, 2, 2], 1)];
  const trace = layer.forward(x, state, { training: false, lambda: SLOPE });
  const refuse = (step: object, message: string): void => {
    expect(() => deviation(step as never, x, network, state, SLOPE)).toThrow(message);
  };
  refuse({ layer, x }, 'deviation: expected trace, an object, got undefined');
  refuse({ layer, x, trace: {} }, 'deviation: expected y, an ndarray');
  refuse({ layer: { ...layer, name: new Map() }, x, trace }, 'deviation: expected layer.name');
  refuse({ layer: { ...layer, op: Symbol('pool') }, x, trace }, 'deviation: expected a layer of VanillaNet');
});
