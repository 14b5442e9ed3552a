/** Two engines of one TensorFlow.js in turns: nothing wanders from one to the other, which some could not be read for. */
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
/** What TensorFlow.js calls for a tensor of the other engine, which it reads synchronously. */
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

/** Everything that a training may be asked, with what another does in between. */
async function train(training: TfjsTraining, between: () => Promise<unknown>): Promise<unknown[]> {
  const answers: unknown[] = [];
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
    answers.push(await call());
  }
  return answers;
}

const open = (): Promise<TfjsTraining> => cpu.train(state, config, { ema: true, gradAccumSteps: 2 });

test('one after the other, each computes on its own', async () => {
  const [alone, training] = [await open(), await open()];
  const session = await wasm.open(streamOf(state), config);
  const expected = await train(alone, () => Promise.resolve());
  const found = await train(training, () => session.forward(x, n));
  expect(found).toEqual(expected);
});

test('at the same time, too', async () => {
  const [alone, training] = [await open(), await open()];
  const session = await wasm.open(streamOf(state), config);
  const logits = await session.forward(x, n);
  const expected = await train(alone, () => Promise.resolve());
  const others = (async () => {
    for (let i = 0; i < 50; i++) expect(await session.forward(x, n)).toEqual(logits);
  })();
  const found = await train(training, () => Promise.resolve());
  await others;
  expect(found).toEqual(expected);
});

test('a call that begins while another one looks which engine is at work', async () => {
  const [one, other] = [await cpu.open(streamOf(state), config), await wasm.open(streamOf(state), config)];
  const [a, b] = [await one.forward(x, n), await other.forward(x, n)];
  for (let i = 0; i < 3; i++) expect(await Promise.all([other.forward(x, n), one.forward(x, n)])).toEqual([b, a]);
  for (let i = 0; i < 3; i++) expect(await Promise.all([one.forward(x, n), other.forward(x, n)])).toEqual([a, b]);
});

test('two that both have to change what is at work do not take it from each other for ever', async () => {
  const [one, other] = [await cpu.open(streamOf(state), config), await wasm.open(streamOf(state), config)];
  const [a, b] = [await one.forward(x, n), await other.forward(x, n)];
  tf.registerBackend('idle', () => new tf.KernelBackend());
  await tf.setBackend('idle');
  expect(await Promise.all([one.forward(x, n), other.forward(x, n)])).toEqual([a, b]);
});
