/** Fusion in blocks computes every bit that `fuse` of the reference computes, which is the judge here. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { fuse, valuesOf } from '../../../reference/index.js';
import { resolveConfig, VARIANTS, type ModelConfig } from '../../../src/core/config.js';
import type { StateDict, Tensor } from '../../../src/core/tensor.js';
import { toOracleConfig } from '../../../src/oracle/backend.js';
import { fuseState, type FusedState } from '../../../src/oracle/fuse.js';
import { stateFromOracle, stateToOracle, toOracle } from '../../../src/oracle/state.js';
import { drawnState } from '../../model/drawnNetwork.js';

/** The results of the reference, on the same probe. */
function fuseSlowly(state: StateDict, config: ModelConfig, probe: Tensor): FusedState {
  const fused = fuse(toOracleConfig(config), stateToOracle(state), { lambda: 1, probe: toOracle(probe) });
  return {
    state: stateFromOracle(fused.state),
    config: { ...config, form: 'deploy', lambda: 1 },
    report: fused.report,
    probe,
    logits: valuesOf(fused.logits.unfused),
    bounds: valuesOf(fused.logits.bounds),
    firstOrder: valuesOf(fused.logits.firstOrder),
  };
}

/** The first element that is not the same bit for bit; NaN equals NaN. */
function firstDifference(got: ArrayLike<number>, want: ArrayLike<number>): string | null {
  if (got.length !== want.length) return `${got.length} values, not ${want.length}`;
  const i = Array.from(want).findIndex((v, at) => !Object.is(v, got[at]));
  return i < 0 ? null : `element ${i}: ${got[i]}, not ${want[i]}`;
}

function expectSameBits(state: StateDict, config: ModelConfig): FusedState {
  const fast = fuseState(state, config);
  const slow = fuseSlowly(state, config, fast.probe);
  expect([...fast.state.keys()]).toEqual([...slow.state.keys()]);
  for (const [name, { data, shape }] of slow.state) {
    expect(fast.state.get(name)?.shape).toEqual(shape);
    expect([name, firstDifference(fast.state.get(name)?.data ?? [], data)]).toEqual([name, null]);
  }
  for (const list of ['logits', 'bounds', 'firstOrder'] as const) {
    expect([list, firstDifference(fast[list], slow[list])]).toEqual([list, null]);
  }
  expect(fast.report).toEqual(slow.report);
  expect(fast.config).toEqual(slow.config);
  return fast;
}

/** A network of the train form with λ = 1. */
const network = (overrides: object): ModelConfig =>
  resolveConfig({ form: 'train', lambda: 1, num_classes: 5, act_num: 1, ...overrides });

describe('variants, narrow', () => {
  test.each(Object.entries(VARIANTS))('%s', (_, { dims, strides, ...rest }) => {
    const ada_pool = 'ada_pool' in rest ? rest.ada_pool.map((size) => Math.round(size / 5)) : null;
    const narrow = dims.map((d) => d / 128);
    const config = network({ dims: narrow, strides, ada_pool, num_classes: 3, act_num: 3, input_size: [37, 33] });
    const { report } = expectSameBits(drawnState(config), config);
    expect(report.maxLogit).toBeGreaterThan(0);
    expect(report.float32Bound).toBeGreaterThan(report.float32FirstOrder / 2);
  });
});

describe('odd shapes', () => {
  const sizes = { dims: [3, 5, 6], strides: [2, 1], input_size: [19, 23] };
  test.each<[string, object]>([
    ['overlapping windows of the stem, with padding', { ada_pool: [4, 0] }],
    ['adaptive windows that overlap and repeat', { ada_pool: [7, 0], input_size: [13, 29] }],
    ['the stem of the article', { ada_pool: [3, 0], article_stem: true }],
    ['pools that leave rows and columns out', { strides: [3, 1], input_size: [21, 34] }],
    ['act_num 0', { act_num: 0 }],
    ['an activation wider than the maps', { act_num: 4 }],
    ['a row of pixels', { strides: [1, 1], input_size: [4, 30] }],
    ['a column of pixels', { strides: [1, 1], input_size: [30, 4] }],
    ['a single pixel', { strides: [1, 1], input_size: [4, 4] }],
    ['gray images', { in_chans: 1 }],
    ['more channels than colors', { in_chans: 5 }],
    ['one class', { num_classes: 1 }],
    ['more classes than bounded logits', { num_classes: 21 }],
    ['one channel', { dims: [1, 1, 1] }],
    ['dropout, which is the identity here', { drop_rate: 0.5 }],
  ])('%s', (_, overrides) => {
    const config = network({ ...sizes, ...overrides });
    expectSameBits(drawnState(config), config);
  });

  // A step of the products has at most 128 rows, 512 terms and 1024 columns.
  test.each<[string, object]>([
    ['rows', { dims: [3, 133, 2] }],
    ['terms', { dims: [2, 2, 517] }],
    ['columns', { dims: [2, 3, 2], strides: [1, 2], input_size: [133, 129] }],
  ])('more %s than a step', (_, overrides) => {
    const config = network({ ...sizes, num_classes: 3, ...overrides });
    expectSameBits(drawnState(config), config);
  });
});

describe('odd values', () => {
  const config = network({ dims: [3, 5, 6], strides: [2, 1], input_size: [19, 23] });
  const adaptive = network({ dims: [3, 5, 6], strides: [2, 1], input_size: [19, 23], ada_pool: [4, 0] });
  const changed = (change: (name: string, value: number, i: number) => number, of = config): StateDict =>
    new Map(
      [...drawnState(of)].map(([name, { data, shape }]) => [
        name,
        { data: data.map((v, i) => change(name, v, i)), shape },
      ]),
    );

  test('float32 weights', () => {
    const state = new Map(
      [...drawnState(config)].map(([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }]),
    );
    expectSameBits(state, config);
  });

  test('channels that a ReLU closes', () => {
    expectSameBits(
      changed((name, v) => (/\.(conv2|act|stem2)\..*bias$/.test(name) ? v - 3 : v)),
      config,
    );
  });

  test.each([config, adaptive])('zeros, also negative ones', (of) => {
    expectSameBits(
      changed((name, v, i) => (/(weight|bias|mean)$/.test(name) && i % 3 < 2 ? (i % 3 === 0 ? 0 : -0) : v), of),
      of,
    );
  });

  test('equal maxima: the first counts', () => {
    const { report } = expectSameBits(
      changed((name, v) => (/^stages\.0\.conv2\.0\.weight$/.test(name) ? 0 : v)),
      config,
    );
    expect(report.maxLogit).toBeGreaterThan(0);
  });

  test.each([1e-160, 1e-60, 1e60])('weights times %d: sums that underflow or overflow', (factor) => {
    expectSameBits(
      changed((name, v) => (name.endsWith('.weight') && /conv|cls|stem/.test(name) ? v * factor : v)),
      config,
    );
  });
});

test('the largest scale is that of the reference, also below 1', () => {
  const config = network({ dims: [3, 5], strides: [2], input_size: [12, 12] });
  const state = new Map(
    [...drawnState(config)].map(([name, { data, shape }]) => [
      name,
      { data: data.map((v) => (name.endsWith('running_var') ? 100 + v : v)), shape },
    ]),
  );
  const { maxScale } = expectSameBits(state, config).report;
  expect(maxScale.value).toBeGreaterThan(0);
  expect(maxScale.value).toBeLessThan(0.2);
});

describe('progress', () => {
  test('grows to the total, which stays the same', () => {
    const config = network({ dims: [4, 6, 8], strides: [2, 1], input_size: [24, 24] });
    const seen: { done: number; total: number }[] = [];
    fuseState(drawnState(config), config, { onProgress: (progress) => seen.push(progress) });
    expect(seen.length).toBeGreaterThan(10);
    expect(new Set(seen.map(({ total }) => total)).size).toBe(1);
    expect(seen.every(({ done }, i) => done >= (seen[i - 1]?.done ?? 0))).toBe(true);
    expect(seen[0].done).toBeGreaterThan(0);
    const last = seen[seen.length - 1];
    expect(last.done / last.total).toBeCloseTo(1, 9);
  });

  test('is a function', () => {
    const config = network({ dims: [4, 6], strides: [2], input_size: [24, 24] });
    const wrong = { onProgress: 1 } as never;
    expect(() => fuseState(drawnState(config), config, wrong)).toThrow('onProgress: expected a function, got 1');
  });
});

describe('a runtime without WebAssembly', () => {
  const scope = globalThis as { WebAssembly?: unknown };
  const { WebAssembly } = scope;
  afterEach(() => {
    scope.WebAssembly = WebAssembly;
  });

  test('fuses by the reference, with the same results', () => {
    const config = network({ dims: [3, 5], strides: [2], input_size: [12, 12] });
    const state = drawnState(config);
    const fused = fuseState(state, config);
    delete scope.WebAssembly;
    const seen: unknown[] = [];
    expect(fuseState(state, config, { onProgress: (progress) => seen.push(progress) })).toEqual(fused);
    expect(seen).toEqual([]);
  });
});

describe('refuses at once', () => {
  const config = network({ dims: [3, 5], strides: [2], input_size: [12, 12] });
  const state = drawnState(config);
  const tensorOf = (name: string): Tensor => state.get(name) ?? { data: new Float64Array(), shape: [] };
  const replaced = (name: string, tensor: Partial<Tensor>): StateDict =>
    new Map(state).set(name, { ...tensorOf(name), ...tensor });

  test.each<[string, string, Partial<Tensor>, string, string]>([
    [
      'another shape',
      'stages.0.conv2.0.weight',
      { shape: [3, 5, 1, 1] },
      'stages.0.conv2.0.weight [5,3,1,1]',
      '[3,5,1,1]',
    ],
    ['too few values', 'cls2.0.bias', { data: new Float64Array(4) }, '5 values in cls2.0.bias', '4'],
    ['NaN', 'stem1.0.bias', { data: Float64Array.of(0, NaN, 0) }, 'finite values in stem1.0.bias', 'NaN at element 1'],
    [
      'a negative variance',
      'cls1.3.running_var',
      { data: Float64Array.of(1, 1, 1, -2, 1) },
      'cls1.3.running_var >= 0',
      '-2 at element 3',
    ],
  ])('%s', (_, name, tensor, expected, got) => {
    expect(() => fuseState(replaced(name, tensor), config)).toThrow(
      expect.objectContaining({ name: 'FusionError', op: 'fuse', expected, got }),
    );
  });

  test('weights whose products overflow', () => {
    const huge = (name: string): Tensor => ({ ...tensorOf(name), data: tensorOf(name).data.map(() => 1e200) });
    const names = ['stages.0.conv1.0.weight', 'stages.0.conv2.0.weight'];
    const overflowing = new Map([...state, ...names.map((name) => [name, huge(name)] as const)]);
    expect(() => fuseState(overflowing, config)).toThrow('finite values in stages.0.conv.weight');
    expect(() => fuseSlowly(overflowing, config, fuseState(state, config).probe)).toThrow(
      'finite values in stages.0.conv.weight',
    );
  });

  test('a missing tensor', () => {
    const without = (missing: string) => new Map([...state].filter(([name]) => name !== missing));
    expect(() => fuseState(without('stem2.2.weight'), config)).toThrow('a tensor stem2.2.weight, got none');
    expect(() => fuseState(without('stem2.1.running_mean'), config)).toThrow(
      expect.objectContaining({
        expected: 'running statistics: stem2.1.running_mean',
        hint: 'Pass the whole state of the train form, with its running statistics.',
      }),
    );
  });

  test('a probe that is too small', () => {
    expect(() => fuseState(state, config, { probeSize: [4, 9] })).toThrow(
      expect.objectContaining({ name: 'ShapeError', expected: 'an input of at least 8x8' }),
    );
  });
});
