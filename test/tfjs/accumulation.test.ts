/** Gradients of several passes for one step, on an engine of TensorFlow.js. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { createTfjsBackend } from '../../src/entries/tfjs.js';
import { initialState } from '../../src/train/initialState.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { tfjsTrainer } from '../../src/train/tfjsTrainer.js';
import { refusal } from '../io/refusal.js';
import { gammaOf, IEEE } from '../judges/arithmetic.js';
import { draw, uniform } from '../wasm/draw.js';

const config = resolveConfig({ dims: [4, 6], strides: [2], num_classes: 5, input_size: 16, act_num: 1 });
const [n, parts] = [3, 3];
const x = draw([n * parts, 3, 16, 16], uniform(1)).data;
const targets = new Float32Array(n * parts * 5).map((_, i) => (i % 5 === Math.floor(i / 5) % 5 ? 1 : 0));
const part = (k: number) => [x.subarray(768 * n * k, 768 * n * (k + 1)), targets.subarray(5 * n * k, 5 * n * (k + 1))];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test('gradients are the mean of the passes so far, which begin anew with the step, and nothing leaks', async () => {
  const backend = createTfjsBackend(tf);
  const open = (gradAccumSteps: number) => backend.train(initialState(config, 1), config, { gradAccumSteps });
  const [several, single] = [await open(parts), await open(1)];
  const kept: number[] = [];
  for (let step = 0; step < 3; step++) {
    const before: Awaited<ReturnType<typeof single.gradients>>[] = [];
    for (let k = 0; k < parts; k++) {
      const [images, shares] = part(k);
      expect(await several.pass(images, shares, 0.5)).toEqual(await single.pass(images, shares, 0.5));
      before.push(await single.gradients());
      for (const [name, { data }] of await several.gradients()) {
        const off = [...data].findIndex((got, i) => {
          const each = before.map((gradients) => gradients.get(name)?.data[i] ?? NaN);
          const mean = each.reduce((a, b) => a + b, 0) / each.length;
          const size = each.reduce((a, b) => a + Math.abs(b), 0) / each.length;
          return !(Math.abs(got - mean) <= gammaOf(IEEE)(each.length) * size);
        });
        expect([step, k, name, off]).toEqual([step, k, name, -1]);
      }
      if (k === 0) {
        await expect(several.snapshot()).rejects.toThrow(refusal(ParamError, 'snapshot', 'a finished step', '1'));
      }
    }
    // At a rate of 0 both stay where they are.
    for (const session of [several, single]) await session.optimize({ kind: 'sgd', lr: 0 });
    kept.push(tf.memory().numTensors);
  }
  expect(kept[2]).toBe(kept[1]);
  for (const session of [several, single]) session.dispose();
  expect(tf.memory().numTensors).toBe(0);
});

test("a step in micro-batches is the oracle's, masks and all", async () => {
  const dropping = { ...config, drop_rate: 0.3 };
  const options = { seed: 4, gradAccumSteps: parts };
  const mine = await tfjsTrainer(createTfjsBackend(tf), dropping, { ...options, batchSize: n * parts });
  const theirs = oracleTrainer(dropping, options);
  const outcomes = [];
  for (const trainer of [mine, theirs]) {
    const step = { lambda: 0.5, optimizer: { kind: 'sgd', lr: 0 } } as const;
    await trainer.step(x, targets, step);
    outcomes.push(await trainer.step(x, targets, step));
  }
  mine.dispose();
  const [got, want] = outcomes;
  expect(mine.evaluationBatch).toBe(n);
  expect(got.logits).toHaveLength(n * parts * 5);
  // Another mask would move the loss in its first digits; float32 does in its last.
  expect(Math.abs(got.loss - want.loss)).toBeLessThan(2 ** -16 * want.loss);
});
