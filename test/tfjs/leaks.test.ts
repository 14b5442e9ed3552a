/** An engine that gives up in the middle of a call leaves nothing behind, and the network as it was. */
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { BackendUnavailableError, ParamError, ShapeError } from '../../src/core/errors.js';
import { createTfjsBackend } from '../../src/entries/tfjs.js';
import type { Tf } from '../../src/tfjs/tf.js';
import { streamOf } from '../../src/core/weights.js';
import { IEEE } from '../judges/arithmetic.js';
import { drawState } from '../wasm/networks.js';
import { PARTS } from './cross/engine.js';
import { imagesFor, sharesFor } from './cross/given.js';
import { DEPLOY, held, sessionCalls, TRAIN, trainingCalls } from './cross/leaks.js';

/** Ops that may be counted down to one that throws. */
const OPS = ['add', 'mul', 'tensor', 'transpose', 'reshape', 'sum', 'sqrt', 'engine', 'zeros'] as const;

let left = Infinity;

function countDown(): void {
  if (left-- === 0) throw new Error('the device is lost');
}

/** TensorFlow.js that throws in one op, or where it is to be read. */
const failing: Tf = { ...tf };
for (const op of OPS) {
  const whole = tf[op] as (...by: unknown[]) => unknown;
  Object.assign(failing, {
    [op](...by: unknown[]) {
      countDown();
      return whole(...by);
    },
  });
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  const backend = tf.backend() as unknown as { read: (id: object) => Promise<unknown> };
  const read = backend.read.bind(backend);
  backend.read = async (id) => {
    countDown();
    return read(id);
  };
});

const engine = { tf: failing, parts: PARTS, arithmetic: IEEE, ties: 'first' } as const;

test.each([
  ['the deploy form', DEPLOY, sessionCalls],
  ['the train form', TRAIN, sessionCalls],
  ['the deploy form in training', DEPLOY, trainingCalls],
  ['the train form in training', TRAIN, trainingCalls],
] as const)('errors in the middle: %s', async (_, network, open) => {
  const before = held(tf);
  const { calls, dispose } = await open(engine, network);
  // What a call replaces is there from the second round on.
  for (const [, run] of calls) await run();
  let thrown = 0;
  for (const [what, run] of calls) {
    const there = held(tf);
    // Every place in the beginning, and then fewer and fewer.
    for (let at = 0, failed = true; failed; at += 1 + Math.floor(at / 8)) {
      left = at;
      failed = false;
      try {
        await run();
      } catch (error) {
        failed = true;
        thrown++;
        expect(String(error)).toBe('Error: the device is lost');
      }
      left = Infinity;
      expect([what, at, held(tf)]).toEqual([what, at, there]);
    }
  }
  dispose();
  expect(held(tf)).toBe(before);
  expect(thrown).toBeGreaterThan(5 * calls.length);
});

test('a step that fails is none', async () => {
  const training = await createTfjsBackend(failing).train(drawState(TRAIN.config), TRAIN.config, { ema: true });
  await training.pass(imagesFor(TRAIN).data, sharesFor(TRAIN).data, 0.25);
  const before = await training.snapshot();
  for (const at of [0, 10, 50]) {
    left = at;
    await expect(training.optimize({ kind: 'lamb', lr: 0.1 })).rejects.toThrow('lost');
  }
  left = Infinity;
  expect(await training.snapshot()).toEqual(before);
  // Nor has an optimizer been chosen.
  await training.optimize({ kind: 'sgd', lr: 0.1 });
  expect(training.steps).toBe(1);
  training.dispose();
});

test('what is refused leaves nothing behind', async () => {
  const before = held(tf);
  const backend = createTfjsBackend(failing);
  const state = drawState(TRAIN.config);
  const [training, session] = [
    await backend.train(state, TRAIN.config),
    await backend.open(streamOf(state), TRAIN.config),
  ];
  const there = held(tf);
  const [x, q] = [imagesFor(TRAIN).data, sharesFor(TRAIN).data];
  for (let i = 0; i < 20; i++) {
    await expect(training.pass(x.subarray(1), q, 0.25)).rejects.toThrow(ShapeError);
    await expect(training.pass(x, q, 2)).rejects.toThrow(ParamError);
    await expect(training.optimize({ kind: 'adam', lr: 1 })).rejects.toThrow(ParamError);
    await expect(training.ema(0.9)).rejects.toThrow(ParamError);
    await expect(training.evaluate(x, q, 0.25, { useEma: true })).rejects.toThrow(ParamError);
    await expect(session.forward(x.subarray(1), 2)).rejects.toThrow();
  }
  expect(held(tf)).toBe(there);
  training.dispose();
  session.dispose();
  await expect(session.forward(x, 2)).rejects.toThrow(BackendUnavailableError);
  expect(held(tf)).toBe(before);
});
