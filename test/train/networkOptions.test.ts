/** Options of the article's network, in training: all backends agree with the reference. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { initialize, startTraining, tensor, trainStep } from '../../reference/index.js';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import type { StateDict } from '../../src/core/tensor.js';
import type { RunningVar } from '../../src/core/trainingRules.js';
import { createTfjsBackend } from '../../src/entries/tfjs.js';
import { toOracleConfig } from '../../src/oracle/backend.js';
import { stateFromOracle, stateToOracle } from '../../src/oracle/state.js';
import { initialState, type Truncation } from '../../src/train/initialState.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import type { OpenTrainer } from '../../src/train/runOptions.js';
import { tfjsTrainer } from '../../src/train/tfjsTrainer.js';
import { wasmTrainer } from '../../src/train/wasmTrainer.js';
import { refusal } from '../io/refusal.js';
import { draw, uniform } from '../wasm/draw.js';

const BACKENDS: Readonly<Record<string, OpenTrainer>> = {
  reference: oracleTrainer,
  wasm: (config, options) => wasmTrainer(config, { ...options, build: 'plain' }),
  tfjs: (config, options) => tfjsTrainer(createTfjsBackend(tf), config, options),
};
const OPENERS = Object.entries(BACKENDS);

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterAll(() => {
  expect(tf.memory().numTensors).toBe(0);
});

const small = resolveConfig({ dims: [4, 6], strides: [2], num_classes: 3, input_size: 16, act_num: 1 });
const N = 4;
const STEP = { lambda: 0.5, optimizer: { kind: 'adam', lr: 0.01 } } as const;

function batchFor(config: ModelConfig) {
  const { data } = draw([N, config.in_chans, ...config.input_size], uniform(1));
  const targets = new Float32Array(N * config.num_classes).map((_, i) => (i % (config.num_classes + 1) === 0 ? 1 : 0));
  return { data, targets };
}

/** The state of a backend after some steps, and the loss before each. */
async function trainBy(open: OpenTrainer, config: ModelConfig, steps: number, more: { runningVar?: RunningVar } = {}) {
  const trainer = await open(config, { seed: 1, batchSize: N, ...more });
  const { data, targets } = batchFor(config);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await trainer.step(data, targets, STEP)).loss);
  const state = await trainer.state();
  trainer.dispose();
  return { losses, state };
}

/** The same by the reference's own functions. */
function trainByReference(config: ModelConfig, steps: number, runningVar: RunningVar) {
  const { data, targets } = batchFor(config);
  const x = tensor(data, [N, config.in_chans, ...config.input_size]);
  const q = tensor(targets, [N, config.num_classes]);
  let training = startTraining(stateToOracle(initialState(config, 1)));
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const { lambda, optimizer } = STEP;
    const options = { lambda, lr: optimizer.lr, optimizer: optimizer.kind, seed: 1, runningVar };
    const result = trainStep(toOracleConfig(config), training, x, q, options);
    ({ training } = result);
    losses.push(result.loss);
  }
  return { losses, state: stateFromOracle(training.state) };
}

/** The largest difference of two states over all tensors whose names match. */
function difference(a: StateDict, b: StateDict, names: RegExp): number {
  let [most, count] = [0, 0];
  for (const [name, { data }] of a) {
    if (!names.test(name)) continue;
    count++;
    const other = b.get(name)?.data ?? [];
    data.forEach((value, i) => (most = Math.max(most, Math.abs(value - other[i]))));
  }
  expect(count).toBeGreaterThan(0);
  return most;
}

describe('the running variance', () => {
  const NORM = 'stages.0.conv1.1.running_var';
  // The maps before the pool of the first stage: 4x4 after the stem, for each image.
  const M = N * 4 * 4;

  test.each(OPENERS)('%s: is that of the batch if biased, m/(m − 1) times that otherwise', async (_, open) => {
    const [biased, unbiased, byDefault] = [
      await trainBy(open, small, 1, { runningVar: 'biased' }),
      await trainBy(open, small, 1, { runningVar: 'unbiased' }),
      await trainBy(open, small, 1),
    ];
    expect(byDefault.state).toEqual(unbiased.state);
    const values = (state: StateDict): number[] => Array.from(state.get(NORM)?.data ?? []);
    const [of, corrected] = [values(biased.state), values(unbiased.state)];
    expect(of).toHaveLength(4);
    // new = 0.9·1 + 0.1·σ²
    of.forEach((value, c) => {
      expect((corrected[c] - 0.9) / (value - 0.9)).toBeCloseTo(M / (M - 1), 3);
    });
    // Nothing else depends on it in the first step.
    expect(difference(biased.state, unbiased.state, /weight|bias|running_mean/)).toBe(0);
  });

  describe('agrees with the reference when biased', () => {
    const [biased, unbiased] = (['biased', 'unbiased'] as const).map((kind) => trainByReference(small, 2, kind).state);
    test.each(OPENERS)('%s', async (_, open) => {
      const { state } = await trainBy(open, small, 2, { runningVar: 'biased' });
      expect(difference(state, biased, /running_var/)).toBeLessThan(1e-6);
      expect(difference(state, unbiased, /running_var/)).toBeGreaterThan(1e-5);
    });
  });

  test.each(OPENERS)('%s: refuses another kind', async (_, open) => {
    const runningVar = 'population' as string as RunningVar;
    await expect((async () => open(small, { seed: 1, batchSize: N, runningVar }))()).rejects.toThrow(
      refusal(ParamError, 'runningVar', "'unbiased' or 'biased'", 'population'),
    );
  });
});

describe.each([
  ['1 input channel', { in_chans: 1 }],
  ['4 input channels', { in_chans: 4 }],
  ["the article's stem before adaptive pools", { ada_pool: [3, 0], article_stem: true, strides: [2, 1] }],
  ['the official stem before adaptive pools', { ada_pool: [3, 0], article_stem: false, strides: [2, 1] }],
])('%s', (_, network) => {
  const config = resolveConfig({
    ...{ dims: [4, 6, 8], strides: [2, 1], num_classes: 3, input_size: 16, act_num: 1 },
    ...network,
  });
  const expected = trainByReference(config, 2, 'unbiased');
  test.each(OPENERS)('%s: agrees with the reference', async (__, open) => {
    const { losses, state } = await trainBy(open, config, 2);
    losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(expected.losses[i], 5);
    });
    expect(losses[1]).not.toBe(losses[0]);
    expect(difference(state, expected.state, /running_var/)).toBeLessThan(1e-5);
  });
});

test('both stems differ', () => {
  const network = { dims: [4, 6], strides: [2], ada_pool: [3], num_classes: 3, input_size: 32, act_num: 1 };
  const [official, article] = [false, true].map((article_stem) => resolveConfig({ ...network, article_stem }));
  expect(trainByReference(official, 1, 'unbiased').losses).not.toEqual(trainByReference(article, 1, 'unbiased').losses);
});

test.each(OPENERS)('%s: the average follows the weights after the step, running statistics too', async (_, open) => {
  const decay = 0.75;
  const trainer = await open(small, { seed: 1, batchSize: N, ema: true });
  const { data, targets } = batchFor(small);
  for (let i = 0; i < 2; i++) {
    const before = await trainer.ema();
    await trainer.step(data, targets, { ...STEP, emaDecay: decay });
    const [state, after] = [await trainer.state(), await trainer.ema()];
    for (const [name, { data: values }] of after) {
      if (name.endsWith('num_batches_tracked')) continue;
      values.forEach((value, k) => {
        const [e, p] = [before.get(name)?.data[k] ?? NaN, state.get(name)?.data[k] ?? NaN];
        expect(Math.abs(value - (decay * e + (1 - decay) * p))).toBeLessThan(1e-6);
      });
    }
    // The step moves the weights by about lr: far more than the tolerance.
    expect(difference(state, after, /weight/)).toBeGreaterThan(1e-3);
  }
  trainer.dispose();
});

describe('initial kernels', () => {
  const config = resolveConfig({ dims: [32, 64], strides: [2], num_classes: 10, input_size: 16 });
  const { dims, strides, in_chans, num_classes, act_num, form } = config;
  const network = toOracleConfig(config);

  test.each(['absolute', 'two-sigma'] as const)('%s: as in the reference', (truncation) => {
    expect([dims, strides, in_chans, num_classes, act_num, form]).toEqual([[32, 64], [2], 3, 10, 3, 'train']);
    const expected = stateFromOracle(initialize(network, { seed: 7, truncation }));
    const state = initialState(config, 7, truncation);
    expect([...state.keys()]).toEqual([...expected.keys()]);
    // Half the distance between float32 numbers below 0.125.
    expect(difference(state, expected, /./)).toBeLessThanOrEqual(2 ** -28);
  });

  const kernels = (truncation?: Truncation): number[] =>
    [...initialState(config, 3, truncation)].flatMap(([, { shape, data }]) => (shape.length === 4 ? [...data] : []));
  const deviation = (values: readonly number[]): number =>
    Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

  test('two sigma bounds them by 0.04, which leaves a standard deviation of 0.0176', () => {
    const values = kernels('two-sigma');
    // 0.02·√(1 − 4φ(2)/(Φ(2) − Φ(−2))) = 0.017593; four of its standard errors.
    expect(Math.abs(deviation(values) - 0.017593)).toBeLessThan((4 * 0.0176) / Math.sqrt(2 * values.length));
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.fround(0.04));
    expect(values.filter((value) => Math.abs(value) > 0.039).length).toBeGreaterThan(0);
  });

  test('absolute bounds leave the standard deviation at 0.02, and are the default', () => {
    const values = kernels('absolute');
    expect(Math.abs(deviation(values) - 0.02)).toBeLessThan((4 * 0.02) / Math.sqrt(2 * values.length));
    expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(0.06);
    expect(kernels()).toEqual(values);
  });

  test('of an unknown kind are refused', () => {
    const read = () => initialState(config, 1, 'three-sigma' as string as Truncation);
    expect(read).toThrow(refusal(ParamError, 'initTruncation', "'absolute' or 'two-sigma'", 'three-sigma'));
  });

  test.each(OPENERS)('%s starts from them', async (_, open) => {
    const trainer = await open(config, { seed: 3, batchSize: N, initTruncation: 'two-sigma' });
    expect(difference(await trainer.state(), initialState(config, 3, 'two-sigma'), /./)).toBe(0);
    trainer.dispose();
  });
});
