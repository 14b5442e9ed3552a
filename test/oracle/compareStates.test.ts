import { describe, expect, test } from '@jest/globals';
import { ParamError } from '../../src/core/errors.js';
import type { ModelConfig } from '../../src/core/config.js';
import type { FloatArray, StateDict } from '../../src/core/tensor.js';
import { DTYPES } from '../../src/io/dtypes.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { compareFloat32, compareStates } from '../../src/oracle/compareStates.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

/** The nearest float16. */
function toHalf(value: number): number {
  const [bytes, data] = [new Uint8Array(2), new Float32Array(1)];
  DTYPES.F16.write(Float64Array.of(value), bytes);
  DTYPES.F16.read(bytes, data, 'half');
  return data[0];
}

/** A state with other values in some tensors. */
const changedBy = (state: StateDict, change: (value: number, name: string, i: number) => number): StateDict =>
  new Map(
    [...state].map(([name, { data, shape }]) => [
      name,
      { shape, data: Float64Array.from(data, (value, i) => change(value, name, i)) },
    ]),
  );

const pooled = { dims: [4, 6, 8, 8], strides: [2, 1, 2], ada_pool: [3, 0, 2], input_size: [25, 22] };
const CONFIGS: readonly (readonly [string, ModelConfig])[] = [
  ['deploy', drawnConfig('deploy')],
  ['deploy with adaptive pools', drawnConfig('deploy', pooled)],
  ['train', drawnConfig('train')],
  ['train with adaptive pools', drawnConfig('train', pooled)],
];

const logitsOf = async (state: StateDict, config: ModelConfig, x: FloatArray): Promise<FloatArray> =>
  (await Model.open(state, config, referenceBackend)).forward(x, 2);

describe.each(CONFIGS)('the %s form', (_title, config) => {
  const state = drawnState(config);

  test('of equal values has equal logits', async () => {
    const copy = changedBy(state, (value) => (value === 0 ? -0 : value));
    const found = await compareStates(state, copy, config);
    expect(found).toMatchObject({ changed: 0, maxDifference: 0, bound: 0, tolerance: 'equal', holds: true });
    const want = await logitsOf(state, config, found.probe.data);
    expect(Math.max(...want.map((v, i) => Math.abs(v - found.logits[i])))).toBeLessThan(1e-12);
    expect(found.maxLogit).toBe(Math.max(...found.logits.map(Math.abs)));
  });

  test('is within a bound of its values in float16', async () => {
    const half = changedBy(state, (value, name) => (name.includes('running') ? value : toHalf(value)));
    const found = await compareStates(state, half, config);
    const want = await logitsOf(half, config, found.probe.data);
    const difference = Math.max(...want.map((v, i) => Math.abs(v - found.logits[i])));
    expect(found.maxDifference).toBeCloseTo(difference, 12);
    expect(found).toMatchObject({ tolerance: 'bound', holds: true });
    expect(found.changed).toBeGreaterThan(100);
    expect(found.bound).toBeGreaterThan(difference);
    expect(found.bound).toBeLessThan(300 * difference);
  });

  test('is bounded exactly by a bias of the head', async () => {
    const bias = config.form === 'deploy' ? 'cls.2.bias' : 'cls2.0.bias';
    const moved = changedBy(state, (value, name, i) => (name === bias && i === 2 ? value + 0.25 : value));
    const { changed, maxDifference, bound, holds, maxLogit } = await compareStates(state, moved, config);
    expect([changed, holds]).toEqual([1, true]);
    expect(maxDifference).toBeCloseTo(0.25, 12);
    expect(bound).toBeCloseTo(0.25 + 1e-10 * maxLogit, 12);
  });

  test('has the first order where the bound is larger than the logits', async () => {
    const other = changedBy(state, (value, name) => (name.includes('running') ? value : value * 1.5));
    const found = await compareStates(state, other, config);
    expect(found.tolerance).toBe('first order');
    expect(found.bound).toBeGreaterThan(0);
  });
});

test('large images are replaced by small ones', async () => {
  const large = drawnConfig('deploy', { input_size: [40, 224] });
  const state = drawnState(large);
  expect((await compareStates(state, state, large)).probe.shape).toEqual([2, 3, 32, 32]);
  const deep = drawnConfig('deploy', { input_size: 224, strides: [8, 2] });
  expect((await compareStates(state, state, deep)).probe.shape).toEqual([2, 3, 64, 64]);
});

describe('the train form below lambda 1', () => {
  const config = drawnConfig('train', { lambda: 0.5 });
  const state = drawnState(config);

  test('is not bounded', async () => {
    const half = changedBy(state, (value, name) => (name.includes('running') ? value : toHalf(value)));
    const found = await compareStates(state, half, config);
    expect(found).toMatchObject({ tolerance: 'none', bound: null, holds: true });
    expect(found.maxDifference).toBeGreaterThan(0);
    expect(await compareStates(state, state, config)).toMatchObject({ tolerance: 'equal', maxDifference: 0 });
  });

  test('is that of lambda 1 if it is unknown', async () => {
    const unknown = await compareStates(state, state, { ...config, lambda: null });
    const one = await compareStates(state, state, { ...config, lambda: 1 });
    const half = await compareStates(state, state, config);
    expect(unknown.logits).toEqual(one.logits);
    expect(unknown.logits).not.toEqual(half.logits);
  });
});

describe('compareFloat32', () => {
  const config = drawnConfig('deploy');
  const state = drawnState(config);

  test('is within the bounds of float32 and of the changes', async () => {
    const half = changedBy(state, toHalf);
    const comparison = await compareStates(state, half, config);
    const model = await Model.open(half, config, wasmBackend);
    const logits = await model.forward(comparison.probe.data, 2);
    model.dispose();
    const found = compareFloat32(comparison, half, config, logits);
    expect(found).toMatchObject({ tolerance: 'bound', holds: true });
    expect(found.bound).toBeGreaterThan(comparison.bound ?? Infinity);
    expect(found.bound).toBeLessThan(2 * (comparison.bound ?? 0));
    expect(Math.abs(found.maxDifference - comparison.maxDifference)).toBeLessThan(1e-5);
  });

  test('finds logits that are wrong, and NaN', async () => {
    const comparison = await compareStates(state, state, config);
    const wrong = Float64Array.from(comparison.logits);
    wrong[0] += 0.1;
    expect(compareFloat32(comparison, state, config, comparison.logits)).toMatchObject({
      maxDifference: 0,
      holds: true,
    });
    expect(compareFloat32(comparison, state, config, wrong)).toMatchObject({ holds: false });
    wrong[0] = NaN;
    expect(compareFloat32(comparison, state, config, wrong)).toMatchObject({ holds: false, maxDifference: NaN });
  });

  test('has no bound without that of the changes', async () => {
    const comparison = { ...(await compareStates(state, state, config)), bound: null };
    expect(compareFloat32(comparison, state, config, comparison.logits)).toMatchObject({
      tolerance: 'none',
      bound: null,
    });
  });

  test('refuses the train form', async () => {
    const comparison = await compareStates(state, state, config);
    expect(() => compareFloat32(comparison, state, drawnConfig('train'), [])).toThrow(ParamError);
  });
});
