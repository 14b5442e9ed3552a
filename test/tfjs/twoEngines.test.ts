/** Two engines of one TensorFlow.js, used alternately: no tensor moves from one to the other. */
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { streamOf } from '../../src/core/weights.js';
import { createTfjsBackend, type TfjsBackend, type TfjsTraining } from '../../src/entries/tfjs.js';
import { initialState } from '../../src/train/initialState.js';
import { draw, uniform } from '../wasm/draw.js';

const config = resolveConfig({ dims: [4, 6], strides: [2], num_classes: 3, input_size: 16, act_num: 1, lambda: 0.5 });
const n = 3;
const state = initialState(config, 1);
const x = draw([n, 3, 16, 16], uniform(1)).data;
const targets = new Float32Array(n * 3).map((_, i) => (i % 4 === 0 ? 1 : 0));

let cpu: TfjsBackend;
let wasm: TfjsBackend;
/** TensorFlow.js calls it to move a tensor from another engine. */
let moves: ReturnType<typeof jest.spyOn>;

beforeEach(async () => {
  await tf.setBackend('cpu');
  cpu = createTfjsBackend(tf);
  await tf.setBackend('wasm');
  wasm = createTfjsBackend(tf);
  moves = jest.spyOn(tf.engine(), 'moveData');
});

afterEach(() => {
  expect(moves).not.toHaveBeenCalled();
  jest.restoreAllMocks();
});

/** Calls every method of a training, with calls on another session in between. */
async function train(training: TfjsTraining, between: () => Promise<unknown>): Promise<unknown[]> {
  const results: unknown[] = [];
  const calls: (() => Promise<unknown>)[] = [
    () => training.pass(x, targets, 0.5),
    () => training.pass(x, targets, 0.5),
    () => training.gradients(),
    () => training.optimize({ kind: 'lamb', lr: 0.1, weightDecay: 0.1 }),
    () => training.ema(0.9),
    () => training.evaluate(x, targets, 0.5),
    () => training.state(),
    () => training.emaState(),
    () => training.optimizerState(),
    () => training.snapshot(),
  ];
  for (const call of calls) {
    await between();
    results.push(await call());
  }
  return results;
}

const open = (): Promise<TfjsTraining> => cpu.train(state, config, { ema: true, gradAccumSteps: 2 });

test('alternating calls run on their own engines', async () => {
  const [alone, training] = [await open(), await open()];
  const session = await wasm.open(streamOf(state), config);
  const expected = await train(alone, () => Promise.resolve());
  const actual = await train(training, () => session.forward(x, n));
  expect(actual).toEqual(expected);
});

test('concurrent calls run on their own engines', async () => {
  const [alone, training] = [await open(), await open()];
  const session = await wasm.open(streamOf(state), config);
  const logits = await session.forward(x, n);
  const expected = await train(alone, () => Promise.resolve());
  const others = (async () => {
    for (let i = 0; i < 50; i++) expect(await session.forward(x, n)).toEqual(logits);
  })();
  const actual = await train(training, () => Promise.resolve());
  await others;
  expect(actual).toEqual(expected);
});

test('calls that start together run on their own engines', async () => {
  const [one, other] = [await cpu.open(streamOf(state), config), await wasm.open(streamOf(state), config)];
  const [a, b] = [await one.forward(x, n), await other.forward(x, n)];
  for (let i = 0; i < 3; i++) expect(await Promise.all([other.forward(x, n), one.forward(x, n)])).toEqual([b, a]);
  for (let i = 0; i < 3; i++) expect(await Promise.all([one.forward(x, n), other.forward(x, n)])).toEqual([a, b]);
});

test('two concurrent calls that both switch the backend terminate', async () => {
  const [one, other] = [await cpu.open(streamOf(state), config), await wasm.open(streamOf(state), config)];
  const [a, b] = [await one.forward(x, n), await other.forward(x, n)];
  tf.registerBackend('idle', () => new tf.KernelBackend());
  await tf.setBackend('idle');
  expect(await Promise.all([one.forward(x, n), other.forward(x, n)])).toEqual([a, b]);
});
