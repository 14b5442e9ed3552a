/** The functions of vanillanet/tfjs, on the engine `cpu`. */
import type * as tfjsCore from '@tensorflow/tfjs-core';
import * as tfjs from '../../../src/entries/tfjs.js';
import { loadModel } from '../../../src/entries/index.js';
import { tfjsTrainer, type Trainer } from '../../../src/entries/train.js';
import { entryTargets } from '../entry.js';
import { inputOf, stateOf, TINY, TINY_TRAIN, WEIGHT_FILES } from '../fixtures.js';
import { lazy } from '../lazy.js';
import { callable, type Target } from '../target.js';

/** TensorFlow.js takes long to load, and most workers do not need it. */
const tensorFlow = lazy(async () => {
  const tf = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  return tf;
});

/** A pass on the engine takes several milliseconds. */
const PASS = { allowance: 2 ** 25 };

type Core = typeof tfjsCore;

const parts = async (): Promise<Pick<Core, 'backend' | 'getBackend' | 'getKernel' | 'version_core'>> => {
  const { backend, getBackend, getKernel, version_core } = await tensorFlow();
  return { backend, getBackend, getKernel, version_core };
};

const trainerOptions = { seed: 1, batchSize: 2, gradAccumSteps: 1, ema: false };

async function stepOf(...values: Parameters<Trainer['step']>): Promise<unknown> {
  const trainer = await tfjsTrainer(tfjs.createTfjsBackend(await tensorFlow()), TINY_TRAIN, trainerOptions);
  try {
    return await trainer.step(...values);
  } finally {
    trainer.dispose();
  }
}

const model = lazy(async () => loadModel(WEIGHT_FILES[1], { backend: tfjs.createTfjsBackend(await tensorFlow()) }));

export const targets: readonly Target[] = [
  ...entryTargets<typeof tfjs>('tfjs', tfjs, {
    createTfjsBackend: async () => [await tensorFlow()],
    describeEngine: async () => [await parts()],
    deviceOf: (random) => [
      {
        vendor: random.pick(['nvidia', 'google', '']),
        architecture: 'x',
        description: 'SwiftShader',
        isFallbackAdapter: true,
      },
    ],
  }),
  callable(
    'train.tfjsTrainer',
    async (...values: Parameters<typeof tfjsTrainer>) => {
      (await tfjsTrainer(...values)).dispose();
    },
    async (): Promise<Parameters<typeof tfjsTrainer>> => [
      tfjs.createTfjsBackend(await tensorFlow()),
      { ...TINY_TRAIN },
      { ...trainerOptions, state: stateOf(TINY_TRAIN) },
    ],
    PASS,
  ),
  callable(
    'train.tfjsTrainer.step',
    stepOf,
    (random): Parameters<Trainer['step']> => [
      inputOf(random, 2),
      Float32Array.from([1, 0, 0, 0, 0.5, 0.5]),
      { lambda: 0.5, optimizer: { kind: 'adam', lr: 0.01 } },
    ],
    PASS,
  ),
  callable(
    'tfjs.Model.forward',
    async (...values: Parameters<Awaited<ReturnType<typeof model>>['forward']>) => (await model()).forward(...values),
    (random): [Float32Array, number] => [inputOf(random), TINY.in_chans - 2],
    PASS,
  ),
];
