/** Gradient accumulation on an engine of TensorFlow.js. */
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

test('gradients are the mean over the passes of the step so far, and no tensor leaks', async () => {
  const backend = createTfjsBackend(tf);
  const open = (gradAccumSteps: number) => backend.train(initialState(config, 1), config, { gradAccumSteps });
  const [several, single] = [await open(parts), await open(1)];
  const tensorCounts: number[] = [];
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
    // With a learning rate of 0 both keep their parameters.
    for (const session of [several, single]) await session.optimize({ kind: 'sgd', lr: 0 });
    tensorCounts.push(tf.memory().numTensors);
  }
  expect(tensorCounts[2]).toBe(tensorCounts[1]);
  for (const session of [several, single]) session.dispose();
  expect(tf.memory().numTensors).toBe(0);
});

test("a step in micro-batches equals the reference's, including dropout masks", async () => {
  const withDropout = { ...config, drop_rate: 0.3 };
  const options = { seed: 4, gradAccumSteps: parts };
  const tfjs = await tfjsTrainer(createTfjsBackend(tf), withDropout, { ...options, batchSize: n * parts });
  const reference = oracleTrainer(withDropout, options);
  const outcomes = [];
  for (const trainer of [tfjs, reference]) {
    const step = { lambda: 0.5, optimizer: { kind: 'sgd', lr: 0 } } as const;
    await trainer.step(x, targets, step);
    outcomes.push(await trainer.step(x, targets, step));
  }
  tfjs.dispose();
  const [actual, expected] = outcomes;
  expect(tfjs.evaluationBatch).toBe(n);
  expect(actual.logits).toHaveLength(n * parts * 5);
  // Another dropout mask would change the first digits of the loss, float32 rounding only the last ones.
  expect(Math.abs(actual.loss - expected.loss)).toBeLessThan(2 ** -16 * expected.loss);
});
