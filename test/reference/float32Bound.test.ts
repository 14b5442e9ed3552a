/**
 * The float32 bound holds for every run of the engine, including the hardest cases: at a kink, and where float32
 * underflows.
 */
import { describe, expect, test } from '@jest/globals';
import {
  config as completeConfig,
  float32Bound,
  fuse,
  initialize,
  tensor,
  toFloat32,
  valuesOf,
  zeros,
  type Config,
  type State,
  type Tensor,
} from '../../reference/index.js';
import { resolveConfig } from '../../src/core/config.js';
import { Model } from '../../src/model/model.js';
import { stateFromOracle } from '../../src/oracle/state.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { draw } from '../judges/draw.js';
import { goldenState } from '../judges/ruledState.js';

const NETWORKS: Readonly<Record<string, Config>> = {
  plain: completeConfig({ dims: [8, 16, 32], strides: [2, 2], num_classes: 5 }),
  adaptive: completeConfig({ dims: [5, 7, 6], strides: [2, 1], ada_pool: [4, 0], num_classes: 3, act_num: 2 }),
  'pooling by three': completeConfig({ dims: [3, 9], strides: [3], num_classes: 4, act_num: 1, in_chans: 1 }),
};

/** |engine − reference| for every logit, with weights that are not float32 numbers. */
async function differences(config: Config, state: State, x: Tensor, logits: Tensor): Promise<Float64Array> {
  const [n, , h, w] = x.shape;
  const model = await Model.open(stateFromOracle(state), resolveConfig({ ...config, input_size: [h, w] }), wasmBackend);
  const got = await model.forward(valuesOf(x), n);
  model.dispose();
  return valuesOf(logits).map((want, i) => Math.abs(want - got[i]));
}

describe.each(Object.entries(NETWORKS))('%s', (_, config) => {
  test.each([1, 2, 3, 4])('holds for weights of seed %d, and is smaller than the logits', async (seed) => {
    const trained = goldenState(config, seed, []);
    const x = draw([2, config.in_chans, 33, 29], seed + 10);
    const { config: deploy, state } = fuse(config, trained, { lambda: 1, probe: x });
    const { logits, bounds, firstOrder } = float32Bound(deploy, state, x);
    const off = await differences(deploy, state, x, logits);
    const [limits, first] = [valuesOf(bounds), valuesOf(firstOrder)];
    off.forEach((d, i) => {
      expect(d).toBeLessThanOrEqual(limits[i]);
      expect(first[i]).toBeLessThanOrEqual(limits[i]);
    });
    const signal = valuesOf(logits).reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    expect(Math.max(...limits)).toBeLessThan(signal / 10);
  });
});

/** One channel in every layer, all weights 1, all biases 0: the logit equals the output of the stem. */
function identity(config: Config): Map<string, Tensor> {
  const state = new Map(initialize(config, { seed: 0 }));
  for (const [name, x] of state) state.set(name, zeros(x.shape));
  state.set('stages.0.conv.weight', tensor([1], [1, 1, 1, 1]));
  state.set('cls.2.weight', tensor([1], [1, 1, 1, 1]));
  for (const name of ['stem.1.weight', 'stages.0.act.weight']) state.set(name, tensor([1], [1, 1, 1, 1]));
  return state;
}

const LINE = completeConfig({ dims: [1, 1], strides: [1], num_classes: 1, act_num: 0, in_chans: 1, form: 'deploy' });

test('holds where a sum cancels to the wrong side of the kink', async () => {
  const state = identity(LINE);
  const [a, b] = [0.1234567891, 0.4321987654];
  const taps = [a, b, -(a + b) - 1e-12, ...Array<number>(13).fill(0)];
  state.set('stem.0.weight', tensor(taps, [1, 1, 4, 4]));
  const x = tensor(Array<number>(16).fill(0.7), [1, 1, 4, 4]);
  const { logits, bound, firstOrder } = float32Bound(LINE, state, x);
  expect(valuesOf(logits)[0]).toBe(0);
  const [off] = await differences(LINE, state, x, logits);
  expect(off).toBeGreaterThan(valuesOf(firstOrder)[0]); // the first order excludes kinks
  expect(off).toBeLessThanOrEqual(bound);
});

test('holds where products underflow', async () => {
  const state = toFloat32(identity(LINE)) as Map<string, Tensor>;
  state.set('stem.0.weight', tensor([1e-30, ...Array<number>(15).fill(0)], [1, 1, 4, 4]));
  const x = tensor(Array<number>(16).fill(1e-17), [1, 1, 4, 4]);
  const { logits, bound } = float32Bound(LINE, state, x);
  const [off] = await differences(LINE, state, x, logits);
  expect(off).toBeGreaterThan(0);
  expect(off).toBeLessThanOrEqual(bound);
});
