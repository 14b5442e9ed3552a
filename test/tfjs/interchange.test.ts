/** A run that goes on elsewhere: what one backend leaves, the other takes, byte for byte. */
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

/** Names in their order, and what files of these tensors would be told by. */
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

/** As it was, but that every third number is one that engines may take for zero. */
const withSubnormals = ({ state, optimizer, ema, steps }: Snapshot): Snapshot => {
  const tiny = (tensors: StateDict): StateDict =>
    new Map(
      [...tensors].map(([name, { data, shape }]) => {
        if (name.endsWith('num_batches_tracked')) return [name, { data, shape }];
        const own = Float32Array.from(data, (v, i) => (i % 3 === 0 ? (1 + i) * 2 ** -149 : v));
        return [name, { data: own, shape }];
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
    const left = await afterSteps(await wasm(), kind, 3);
    const taken = await afterSteps(await tfjs(left), kind, 0);
    expect(bytesOf(taken)).toEqual(bytesOf(left));
    const back = await afterSteps(await wasm(taken), kind, 0);
    expect(bytesOf(back)).toEqual(bytesOf(left));
  });

  test('from TensorFlow.js to WebAssembly and back', async () => {
    const left = await afterSteps(await tfjs(), kind, 3);
    const taken = await afterSteps(await wasm(left), kind, 0);
    expect(bytesOf(taken)).toEqual(bytesOf(left));
    const back = await afterSteps(await tfjs(taken), kind, 0);
    expect(bytesOf(back)).toEqual(bytesOf(left));
  });

  test('the same seed begins with the same weights', async () => {
    expect(bytesOf(await afterSteps(await tfjs(), kind, 0))).toEqual(bytesOf(await afterSteps(await wasm(), kind, 0)));
  });
});

/** Transposes as an engine that flushes subnormal numbers does: WebGPU and WebGL may. */
const flushing: Tf = {
  ...tf,
  transpose: ((y: Tensor, order: number[]) =>
    tf.tidy(() => {
      const turned = tf.transpose(y, order);
      return tf.where(tf.greater(tf.abs(turned), 2 ** -127), turned, tf.zeros(turned.shape));
    })) as Tf['transpose'],
};

test.each(['train', 'deploy'] as const)('subnormal numbers are carried on as they are: the %s form', async (form) => {
  const own = resolveConfig({ ...SIZES, form });
  const options = { seed: 3, batchSize: n, ema: true };
  const open = (of: Tf, resume?: Snapshot): Promise<Trainer> =>
    tfjsTrainer(createTfjsBackend(of), own, { ...options, ...(resume === undefined ? {} : { resume }) });
  for (const kind of ['adam', 'sgd'] as const) {
    const left = withSubnormals(await afterSteps(await open(tf), kind, 1));
    const taken = await afterSteps(await open(flushing, left), kind, 0);
    expect(bytesOf(taken)).toEqual(bytesOf(left));
    const back = await afterSteps(await wasmTrainer(own, { ...options, build: 'plain', resume: taken }), kind, 0);
    expect(bytesOf(back)).toEqual(bytesOf(left));
  }
});
