/** Resuming a run on another backend: the state is transferred byte for byte. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { resolveConfig } from '../../src/core/config.js';
import type { OptimizerKind } from '../../src/core/optimizer.js';
import type { StateDict } from '../../src/core/tensor.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { createTfjsBackend, type Tf } from '../../src/entries/tfjs.js';
import { tfjsTrainer } from '../../src/train/tfjsTrainer.js';
import { wasmTrainer } from '../../src/train/wasmTrainer.js';
import type { Snapshot, Trainer } from '../../src/train/trainer.js';
import { draw, uniform } from '../wasm/draw.js';

const SIZES = {
  ...{
    dims: [4, 6, 9],
    strides: [2, 1],
    num_classes: 5,
    in_chans: 2,
    input_size: [17, 20],
    act_num: 2,
    drop_rate: 0.3,
  },
} as const;
const config = resolveConfig(SIZES);
const n = 4;
const x = draw([n, 2, 17, 20], uniform(1)).data;
const targets = new Float32Array(n * 5).map((_, i) => (i % 5 === Math.floor(i / 5) ? 1 : 0));

/** The names in their order, and the digests of files with these tensors. */
const bytesOf = ({ state, optimizer, ema = new Map(), steps }: Snapshot): unknown => [
  steps,
  ...[state, optimizer, ema].map((tensors) => [
    [...tensors.keys()].join(' '),
    createHash('sha256').update(encodeSafetensors(tensors)).digest('hex'),
  ]),
];

async function afterSteps(trainer: Trainer, kind: OptimizerKind, steps: number): Promise<Snapshot> {
  const optimizer = { kind, lr: 0.01, weightDecay: 0.05, ...(kind === 'sgd' ? { momentum: 0.9 } : {}) };
  for (let i = 0; i < steps; i++) await trainer.step(x, targets, { lambda: 0.5, optimizer, emaDecay: 0.9 });
  const snapshot = await trainer.snapshot();
  trainer.dispose();
  return snapshot;
}

/** A copy in which every third number is subnormal: engines may flush those to zero. */
const withSubnormals = ({ state, optimizer, ema, steps }: Snapshot): Snapshot => {
  const tiny = (tensors: StateDict): StateDict =>
    new Map(
      [...tensors].map(([name, { data, shape }]) => {
        if (name.endsWith('num_batches_tracked')) return [name, { data, shape }];
        const values = Float32Array.from(data, (v, i) => (i % 3 === 0 ? (1 + i) * 2 ** -149 : v));
        return [name, { data: values, shape }];
      }),
    );
  return { state: tiny(state), optimizer: tiny(optimizer), steps, ...(ema === undefined ? {} : { ema: tiny(ema) }) };
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each<OptimizerKind>(['adam', 'sgd', 'lamb'])('%s', (kind) => {
  const options = { seed: 3, batchSize: n, ema: true };
  const wasm = (resume?: Snapshot): Promise<Trainer> =>
    wasmTrainer(config, { ...options, build: 'plain', ...(resume === undefined ? {} : { resume }) });
  const tfjs = (resume?: Snapshot): Promise<Trainer> =>
    tfjsTrainer(createTfjsBackend(tf), config, { ...options, ...(resume === undefined ? {} : { resume }) });

  test('from WebAssembly to TensorFlow.js and back', async () => {
    const original = await afterSteps(await wasm(), kind, 3);
    const transferred = await afterSteps(await tfjs(original), kind, 0);
    expect(bytesOf(transferred)).toEqual(bytesOf(original));
    const retransposed = await afterSteps(await wasm(transferred), kind, 0);
    expect(bytesOf(retransposed)).toEqual(bytesOf(original));
  });

  test('from TensorFlow.js to WebAssembly and back', async () => {
    const original = await afterSteps(await tfjs(), kind, 3);
    const transferred = await afterSteps(await wasm(original), kind, 0);
    expect(bytesOf(transferred)).toEqual(bytesOf(original));
    const retransposed = await afterSteps(await tfjs(transferred), kind, 0);
    expect(bytesOf(retransposed)).toEqual(bytesOf(original));
  });

  test('the same seed gives the same initial weights', async () => {
    expect(bytesOf(await afterSteps(await tfjs(), kind, 0))).toEqual(bytesOf(await afterSteps(await wasm(), kind, 0)));
  });
});

/** A transposition that flushes subnormal numbers to zero, as WebGPU and WebGL may. */
const flushing: Tf = {
  ...tf,
  transpose: ((y: Tensor, order: number[]) =>
    tf.tidy(() => {
      const transposed = tf.transpose(y, order);
      return tf.where(tf.greater(tf.abs(transposed), 2 ** -127), transposed, tf.zeros(transposed.shape));
    })) as Tf['transpose'],
};

test.each(['train', 'deploy'] as const)('subnormal numbers are transferred unchanged: the %s form', async (form) => {
  const formConfig = resolveConfig({ ...SIZES, form });
  const options = { seed: 3, batchSize: n, ema: true };
  const open = (tensorflow: Tf, resume?: Snapshot): Promise<Trainer> =>
    tfjsTrainer(createTfjsBackend(tensorflow), formConfig, { ...options, ...(resume === undefined ? {} : { resume }) });
  for (const kind of ['adam', 'sgd'] as const) {
    const original = withSubnormals(await afterSteps(await open(tf), kind, 1));
    const transferred = await afterSteps(await open(flushing, original), kind, 0);
    expect(bytesOf(transferred)).toEqual(bytesOf(original));
    const retransposed = await afterSteps(
      await wasmTrainer(formConfig, { ...options, build: 'plain', resume: transferred }),
      kind,
      0,
    );
    expect(bytesOf(retransposed)).toEqual(bytesOf(original));
  }
});
