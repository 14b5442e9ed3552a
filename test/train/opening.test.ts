/** All backends apply the same checks to initial weights and snapshots. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import type { Loss, OptimizerKind } from '../../src/core/optimizer.js';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { createTfjsBackend } from '../../src/entries/tfjs.js';
import {
  oracleTrainer,
  tfjsTrainer,
  wasmTrainer,
  type Snapshot,
  type Trainer,
  type TrainerOptions,
} from '../../src/entries/train.js';
import { refusal } from '../io/refusal.js';
import { draw, uniform } from '../wasm/draw.js';

const config = resolveConfig({ dims: [4, 6], strides: [2], num_classes: 3, input_size: 16, act_num: 1 });
const n = 4;
const x = draw([n, 3, 16, 16], uniform(1)).data;
const targets = new Float32Array(n * 3).map((_, i) => (i % 4 === 0 ? 1 : 0));

type Options = TrainerOptions & { readonly batchSize: number };
type Open = (options: Options, network?: ModelConfig) => Promise<Trainer>;

const BACKENDS: Readonly<Record<string, Open>> = {
  // eslint-disable-next-line @typescript-eslint/require-await -- errors must be rejections, as for the other backends
  reference: async (options, network = config) => oracleTrainer(network, options),
  wasm: (options, network = config) => wasmTrainer(network, { ...options, build: 'plain' }),
  tfjs: (options, network = config) => tfjsTrainer(createTfjsBackend(tf), network, options),
};
const OPENERS = Object.entries(BACKENDS);

/** Trainers to dispose, also those that should not have been opened. */
const opened: Trainer[] = [];
async function open(by: Open, options: Partial<Options>, network?: ModelConfig): Promise<Trainer> {
  const trainer = await by({ seed: 1, batchSize: n, ...options }, network);
  opened.push(trainer);
  return trainer;
}

async function step(trainer: Trainer, kind: OptimizerKind): Promise<void> {
  await trainer.step(x, targets, { lambda: 0.5, optimizer: { kind, lr: 0.01 } });
}

/** The snapshot of each backend after one step. */
const left = new Map<string, Snapshot>();
function snapshotBy(name: string): Snapshot {
  const snapshot = left.get(name);
  if (snapshot === undefined) throw new Error(`${name} left nothing`);
  return snapshot;
}
let whole: Snapshot;

beforeAll(async () => {
  await tf.setBackend('cpu');
  for (const [name, by] of OPENERS) {
    const trainer = await open(by, { ema: true });
    await step(trainer, 'adam');
    left.set(name, await trainer.snapshot());
  }
  whole = snapshotBy('wasm');
});

afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.dispose();
  expect(tf.memory().numTensors).toBe(0);
});

const MOMENT = 'exp_avg_sq.stem1.0.weight';
const OTHER = 'momentum_buffer.stem1.0.weight';
const SHAPE = '[4,3,4,4]';

const without = (tensors: StateDict, name: string): StateDict =>
  new Map([...tensors].filter(([other]) => other !== name));
const withOne = (tensors: StateDict, name: string, tensor: Tensor): StateDict => new Map([...tensors, [name, tensor]]);
const filled = (shape: readonly number[], length: number, value = 0): Tensor => ({
  shape,
  data: new Float32Array(length).fill(value),
});

type Refusal = Parameters<typeof refusal>;

interface Case {
  readonly label: string;
  readonly change: (whole: Snapshot) => Partial<Snapshot>;
  readonly error: Refusal;
}

const moments = (label: string, change: (optimizer: StateDict) => StateDict, ...error: Refusal): Case => ({
  label,
  change: ({ optimizer }) => ({ optimizer: change(optimizer) }),
  error,
});

const CASES: readonly Case[] = [
  moments(
    'moments with one missing',
    (all) => without(all, MOMENT),
    ...([WeightsError, MOMENT, `a tensor ${SHAPE}`, 'none of that name'] as const),
  ),
  moments(
    'a moment of another shape',
    (all) => withOne(all, MOMENT, filled([4, 3, 4], 48)),
    ...([WeightsError, MOMENT, `a tensor ${SHAPE}`, '[4,3,4]'] as const),
  ),
  moments(
    'a moment with fewer values than its shape has',
    (all) => withOne(all, MOMENT, filled([4, 3, 4, 4], 191)),
    ...([WeightsError, MOMENT, `the values of ${SHAPE}`, '191 values'] as const),
  ),
  moments(
    'a moment that is NaN',
    (all) => withOne(all, MOMENT, filled([4, 3, 4, 4], 192, NaN)),
    ...([WeightsError, MOMENT, 'finite', 'NaN at element 0'] as const),
  ),
  moments(
    'a tensor that is not a moment',
    (all) => withOne(all, 'exp_avg.stem9.weight', filled([1], 1)),
    ...([WeightsError, 'exp_avg.stem9.weight', 'only the moments', 'one tensor more'] as const),
  ),
  moments(
    'moments of running statistics',
    (all) => withOne(all, 'exp_avg.stem1.1.running_mean', filled([4], 4)),
    ...([WeightsError, 'exp_avg.stem1.1.running_mean', 'only the moments', 'one tensor more'] as const),
  ),
  moments(
    'moments of two families',
    (all) => withOne(all, OTHER, filled([4, 3, 4, 4], 192)),
    ...([WeightsError, 'momentum_buffer.', 'a tensor', 'none of that name'] as const),
  ),
  moments('steps without moments', () => new Map(), WeightsError, 'exp_avg.', 'a tensor', 'none of that name'),
  {
    label: 'moments without a step',
    change: () => ({ steps: 0 }),
    error: [WeightsError, 'exp_avg.', 'only the moments', 'one tensor more'],
  },
  ...[-1, 1.5, NaN].map((steps): Case => ({
    label: `${steps} steps`,
    change: () => ({ steps }),
    error: [ParamError, 'resume.steps', 'an integer >= 0', String(steps)],
  })),
  {
    label: 'an average of other tensors',
    change: ({ ema = new Map<string, Tensor>() }) => ({ ema: without(ema, 'stem1.0.bias') }),
    error: [WeightsError, 'ema: stem1.0.bias', 'a tensor [4]', 'none of that name'],
  },
  {
    label: 'a state of other tensors',
    change: ({ state }) => ({ state: without(state, 'stem1.0.bias') }),
    error: [WeightsError, 'stem1.0.bias', 'a tensor [4]', 'none of that name'],
  },
];

describe.each(OPENERS)('%s', (_, by) => {
  test.each(OPENERS)('resumes from a snapshot of %s', async (other) => {
    const trainer = await open(by, { ema: true, resume: snapshotBy(other) });
    await step(trainer, 'adamw');
    expect((await trainer.snapshot()).steps).toBe(2);
  });

  test.each(CASES)('refuses to resume from $label', async ({ change, error }) => {
    const resume = { ...whole, ...change(whole) };
    await expect(open(by, { ema: true, resume })).rejects.toThrow(refusal(...error));
  });

  test('refuses an average if `ema` is off', async () => {
    await expect(open(by, { resume: whole })).rejects.toThrow(
      refusal(ParamError, 'ema', 'opened with ema', 'one without'),
    );
  });

  test('refuses the moments of another optimizer', async () => {
    const [fresh, resumed] = [await open(by, {}), await open(by, { ema: true, resume: whole })];
    await step(fresh, 'adam');
    for (const trainer of [fresh, resumed]) {
      await expect(step(trainer, 'sgd')).rejects.toThrow(
        refusal(ParamError, 'optimizer', 'adam, adamw or lamb, as before', 'sgd'),
      );
      await step(trainer, 'lamb');
    }
  });

  test('refuses weights of another network', async () => {
    const state = without(whole.state, 'cls2.0.bias');
    await expect(open(by, { state })).rejects.toThrow(refusal(WeightsError, 'cls2.0.bias', 'a tensor [3]', 'none'));
  });

  test('refuses an unknown loss', async () => {
    // For callers without types.
    const loss = 'mse' as string as Loss;
    await expect(open(by, { loss })).rejects.toThrow(refusal(ParamError, 'loss', "'cross-entropy' or 'bce'", 'mse'));
  });

  test.each([
    [3, 2, 'a divisor of batchSize, 3,'],
    [2, 2, 'leaves 2 images or more to each'],
    [4, 8, 'a divisor of batchSize, 4,'],
    [4.5, 3, 'a divisor of batchSize, 4.5,'],
    [4, 1.5, 'an integer >= 1'],
    [4, 0, 'an integer >= 1'],
  ])('%d images in %d micro-batches', async (batchSize, gradAccumSteps, expected) => {
    await expect(open(by, { batchSize, gradAccumSteps })).rejects.toThrow(
      refusal(ParamError, 'gradAccumSteps', expected, String(gradAccumSteps)),
    );
  });

  test('a batch that is no number', async () => {
    for (const batchSize of [Object.create(null), Symbol('n'), '4'] as never[]) {
      const error = refusal(ParamError, 'gradAccumSteps', 'a divisor of batchSize', '2');
      await expect(open(by, { batchSize, gradAccumSteps: 2 })).rejects.toThrow(error);
    }
  });

  test.each([0, 1, 1.5, NaN])('a batch of %d', async (batchSize) => {
    await expect(open(by, { batchSize })).rejects.toThrow(
      refusal(ParamError, 'batchSize', 'at least 2 images', String(batchSize)),
    );
  });

  test('the deploy form can be trained on single images', async () => {
    const deploy = { ...config, form: 'deploy' } as const;
    await open(by, { batchSize: 2, gradAccumSteps: 2 }, deploy);
    await expect(open(by, { batchSize: 3, gradAccumSteps: 2 }, deploy)).rejects.toThrow(
      refusal(ParamError, 'gradAccumSteps', 'leaves 1 image or more to each', '2'),
    );
  });
});

test.each(['reference', 'tfjs'])('%s accepts batches of any size that the micro-batches divide', async (name) => {
  const trainer = await open(BACKENDS[name], { batchSize: 2 * n, gradAccumSteps: 2 });
  await step(trainer, 'adam');
  const three = [x.subarray(0, 3 * 768), targets.subarray(0, 9)] as const;
  const before = await trainer.state();
  const takeStep = async () => trainer.step(...three, { lambda: 0.5, optimizer: { kind: 'adam', lr: 0.01 } });
  await expect(takeStep()).rejects.toThrow(refusal(ParamError, 'gradAccumSteps', 'a divisor of batchSize, 3,', '2'));
  expect(await trainer.state()).toEqual(before);
});
