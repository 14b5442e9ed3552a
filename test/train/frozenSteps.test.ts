/** Training steps with frozen parts and a learning rate of the head's own: all backends, against the reference. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ModelConfig } from '../../src/core/config.js';
import { frozenTensors } from '../../src/core/freeze.js';
import { isBuffer, isCounter, parameterShapes } from '../../src/core/parameters.js';
import type { OptimizerStep } from '../../src/core/optimizer.js';
import type { StateDict } from '../../src/core/tensor.js';
import { createTfjsBackend } from '../../src/entries/tfjs.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import type { OpenTrainer } from '../../src/train/runOptions.js';
import { tfjsTrainer } from '../../src/train/tfjsTrainer.js';
import type { Snapshot } from '../../src/train/trainer.js';
import { wasmTrainer } from '../../src/train/wasmTrainer.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';

const BACKENDS: Readonly<Record<string, OpenTrainer>> = {
  reference: oracleTrainer,
  wasm: (config, options) => wasmTrainer(config, { ...options, build: 'plain' }),
  tfjs: (config, options) => tfjsTrainer(createTfjsBackend(tf), config, options),
};
const N = 4;
/** With an ε that is large beside the rounding of gradients: Adam divides by their size. */
const ADAM = { kind: 'adamw', lr: 0.01, weightDecay: 0.3, eps: 0.01 } as const;

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterAll(() => {
  expect(tf.memory().numTensors).toBe(0);
});

/** With counters that differ, as in files of other frameworks. */
function stateOf(config: ModelConfig): StateDict {
  const state = new Map(
    [...drawnState(config)].map(([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }]),
  );
  let count = 7;
  for (const [name, { shape }] of parameterShapes(config).has('stem1.1.num_batches_tracked') ? [...state] : []) {
    if (isCounter(name)) state.set(name, { data: Float32Array.of(name.startsWith('cls') ? 3 : count++), shape });
  }
  return state;
}

interface Case {
  readonly form?: 'train' | 'deploy';
  readonly freeze: readonly string[];
  readonly optimizer?: OptimizerStep;
  readonly gradAccumSteps?: number;
}

interface Trained extends Snapshot {
  readonly losses: readonly number[];
}

async function trainBy(
  open: OpenTrainer,
  { form = 'train', freeze, optimizer = ADAM, gradAccumSteps = 1 }: Case,
): Promise<Trained> {
  const config = drawnConfig(form);
  const trainer = await open(config, {
    seed: 1,
    batchSize: N,
    state: stateOf(config),
    freeze,
    gradAccumSteps,
    ema: true,
  });
  const losses: number[] = [];
  for (let i = 0; i < 3; i++) {
    const { data } = drawnImages(config, N, 10 + i);
    const targets = new Float32Array(N * config.num_classes).map((_, at) =>
      at % (config.num_classes + 1) === 0 ? 1 : 0,
    );
    losses.push((await trainer.step(data, targets, { lambda: 0.5, optimizer, emaDecay: 0.9 })).loss);
  }
  const snapshot = await trainer.snapshot();
  trainer.dispose();
  return { ...snapshot, losses };
}

/** Biases before a batch norm have no gradient but rounding noise, which Adam divides by its own size. */
const isNoise = (name: string): boolean => /(stem[12]\.0|conv[12]\.0|cls1\.2)\.bias$/.test(name);

function difference(a: StateDict, b: StateDict): number {
  let most = 0;
  expect([...a.keys()]).toEqual([...b.keys()]);
  for (const [name, { data }] of a) {
    if (isNoise(name)) continue;
    const other = b.get(name)?.data ?? [];
    data.forEach((value, i) => (most = Math.max(most, Math.abs(value - other[i]) / Math.max(1, Math.abs(other[i])))));
  }
  return most;
}

const sgd = { kind: 'sgd', lr: 0.01, momentum: 0.9, weightDecay: 0.1, headLr: 0.05 } as const;
const CASES: readonly (readonly [string, Case])[] = [
  ['the stem', { freeze: ['stem'], optimizer: { ...ADAM, headLr: 0.05 } }],
  ['a stage in the middle', { freeze: ['stages.0'], optimizer: sgd }],
  ['the backbone', { freeze: ['backbone'], optimizer: { ...ADAM, headLr: 0.002, layerDecay: 0.5 } }],
  ['the head', { freeze: ['head'], optimizer: sgd }],
  ['statistics', { freeze: ['bn'], optimizer: sgd, gradAccumSteps: 2 }],
  [
    'statistics and a stage, with LAMB',
    { freeze: ['bn', 'stages.1'], optimizer: { kind: 'lamb', lr: 0.02, weightDecay: 0.2, eps: 0.01 } },
  ],
  ['the stem of the deploy form', { form: 'deploy', freeze: ['stem'], optimizer: sgd }],
];

describe.each(CASES)('%s', (_, steps) => {
  const config = drawnConfig(steps.form ?? 'train');
  const start = stateOf(config);
  const frozen = frozenTensors(steps.freeze, config);
  const expected = trainBy(BACKENDS.reference, steps);

  test.each(Object.entries(BACKENDS))('%s', async (__, open) => {
    const { state, ema = new Map<string, never>(), optimizer, losses } = await trainBy(open, steps);
    // Every bit stays, and in the average, too.
    for (const name of frozen) {
      expect([name, [...(state.get(name)?.data ?? [])]]).toEqual([name, [...(start.get(name)?.data ?? [])]]);
      expect([name, [...(ema.get(name)?.data ?? [])]]).toEqual([name, [...(start.get(name)?.data ?? [])]]);
    }
    // Everything else moves.
    const still = [...state].filter(([name, { data }]) => {
      const before = start.get(name)?.data ?? [];
      // Counters that go on are one in all norms.
      return !frozen.has(name) && !isCounter(name) && data.every((value, i) => value === before[i]);
    });
    expect(still.map(([name]) => name)).toEqual([]);
    const trained = [...parameterShapes(config).keys()].filter((name) => !isBuffer(name) && !frozen.has(name));
    const moments = [...optimizer.keys()].map((name) => name.replace(/^(exp_avg|exp_avg_sq|momentum_buffer)\./, ''));
    expect([...new Set(moments)]).toEqual(trained);

    const { losses: exact, ...snapshot } = await expected;
    losses.forEach((loss, i) => {
      expect(Math.abs(loss - exact[i])).toBeLessThan(1e-5);
    });
    const values = (all: StateDict): StateDict => new Map([...all].filter(([name]) => !isCounter(name)));
    expect(difference(values(state), values(snapshot.state))).toBeLessThan(2e-5);
    expect(difference(values(ema), values(snapshot.ema ?? new Map()))).toBeLessThan(2e-5);
  });
});

test.each(Object.entries(BACKENDS))('%s: continues with the moments of the parts that are trained', async (_, open) => {
  const config = drawnConfig('train');
  const freeze = ['stem', 'bn'];
  const { data } = drawnImages(config, N);
  const targets = new Float32Array(N * config.num_classes).fill(0.2);
  const options = { seed: 1, batchSize: N, state: stateOf(config), freeze };
  const step = { lambda: 1, optimizer: ADAM };
  const whole = await open(config, options);
  for (let i = 0; i < 3; i++) await whole.step(data, targets, step);
  const first = await open(config, options);
  for (let i = 0; i < 2; i++) await first.step(data, targets, step);
  const second = await open(config, { ...options, resume: await first.snapshot() });
  await second.step(data, targets, step);
  expect(await second.snapshot()).toEqual(await whole.snapshot());
  // With other parts frozen, moments would be missing or too many.
  const resume = await first.snapshot();
  await expect((async () => open(config, { ...options, freeze: ['bn'], resume }))()).rejects.toThrow(
    /exp_avg\.stem1\.0/,
  );
  for (const trainer of [whole, first, second]) trainer.dispose();
});

test.each(Object.entries(BACKENDS))('%s: refuses a part that the network lacks', async (_, open) => {
  const options = { seed: 1, batchSize: N };
  await expect((async () => open(drawnConfig('train'), { ...options, freeze: ['stages.2'] }))()).rejects.toThrow(
    'freeze: expected a stage of the network, stages.0 to stages.1, got stages.2',
  );
  await expect((async () => open(drawnConfig('train'), { ...options, freeze: ['stm'] }))()).rejects.toMatchObject({
    hint: 'Did you mean "stem"?',
  });
});
