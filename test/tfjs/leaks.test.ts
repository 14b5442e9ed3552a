/** An engine that fails in the middle of a call leaks no tensors, and the network stays as it was. */
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
import { imagesFor, targetsFor } from './cross/inputs.js';
import { DEPLOY, memoryOf, sessionCalls, TRAIN, trainingCalls } from './cross/leaks.js';

/** The ops whose calls are counted. */
const OPS = ['add', 'mul', 'tensor', 'transpose', 'reshape', 'sum', 'sqrt', 'engine', 'zeros'] as const;

/** The number of calls until one throws. */
let remaining = Infinity;

function countDown(): void {
  if (remaining-- === 0) throw new Error('the device is lost');
}

/** TensorFlow.js that throws in one op or read. */
const failing: Tf = { ...tf };
for (const op of OPS) {
  const original = tf[op] as (...parameters: unknown[]) => unknown;
  Object.assign(failing, {
    [op](...parameters: unknown[]) {
      countDown();
      return original(...parameters);
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
] as const)('an error in any op or read leaks nothing: %s', async (_, network, open) => {
  const before = memoryOf(tf);
  const { calls, dispose } = await open(engine, network);
  // The first round allocates tensors that later rounds replace.
  for (const [, run] of calls) await run();
  let errorCount = 0;
  for (const [i, [name, run]] of calls.entries()) {
    const allocated = memoryOf(tf);
    // Fails at every call at first, then at increasing distances, which are at other places in the next method.
    for (let at = i % 4, failed = true; failed; at += 1 + Math.floor(at / 4)) {
      remaining = at;
      failed = false;
      try {
        await run();
      } catch (error) {
        failed = true;
        errorCount++;
        expect(String(error)).toBe('Error: the device is lost');
      }
      remaining = Infinity;
      if (memoryOf(tf) !== allocated) expect([name, at, memoryOf(tf)]).toEqual([name, at, allocated]);
    }
  }
  dispose();
  expect(memoryOf(tf)).toBe(before);
  expect(errorCount).toBeGreaterThan(5 * calls.length);
});

test('a step that fails changes nothing', async () => {
  const training = await createTfjsBackend(failing).train(drawState(TRAIN.config), TRAIN.config, { ema: true });
  await training.pass(imagesFor(TRAIN).data, targetsFor(TRAIN).data, 0.25);
  const before = await training.snapshot();
  for (const at of [0, 10, 50]) {
    remaining = at;
    await expect(training.optimize({ kind: 'lamb', lr: 0.1 })).rejects.toThrow('lost');
  }
  remaining = Infinity;
  expect(await training.snapshot()).toEqual(before);
  // The kind of optimizer is still free.
  await training.optimize({ kind: 'sgd', lr: 0.1 });
  expect(training.steps).toBe(1);
  training.dispose();
});

test('refused calls leak nothing', async () => {
  const before = memoryOf(tf);
  const backend = createTfjsBackend(failing);
  const state = drawState(TRAIN.config);
  const [training, session] = [
    await backend.train(state, TRAIN.config),
    await backend.open(streamOf(state), TRAIN.config),
  ];
  const allocated = memoryOf(tf);
  const [x, q] = [imagesFor(TRAIN).data, targetsFor(TRAIN).data];
  for (let i = 0; i < 20; i++) {
    await expect(training.pass(x.subarray(1), q, 0.25)).rejects.toThrow(ShapeError);
    await expect(training.pass(x, q, 2)).rejects.toThrow(ParamError);
    await expect(training.optimize({ kind: 'adam', lr: 1 })).rejects.toThrow(ParamError);
    await expect(training.ema(0.9)).rejects.toThrow(ParamError);
    await expect(training.evaluate(x, q, 0.25, { useEma: true })).rejects.toThrow(ParamError);
    await expect(session.forward(x.subarray(1), 2)).rejects.toThrow();
  }
  expect(memoryOf(tf)).toBe(allocated);
  training.dispose();
  session.dispose();
  await expect(session.forward(x, 2)).rejects.toThrow(BackendUnavailableError);
  expect(memoryOf(tf)).toBe(before);
});
