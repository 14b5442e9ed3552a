/** All checks of the engines that `npm test` compares with the reference in brief: every training, and a thousand runs for leaks. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { IEEE } from '../judges/arithmetic.js';
import { crossCheck } from './cross/crossCheck.js';
import { PARTS } from './cross/engine.js';
import { TRAJECTORIES } from './cross/steps.js';

test.each([
  ['cpu', TRAJECTORIES.length],
  ['wasm', 0],
])('tfjs %s equals the reference within the float32 bounds', async (name, trainings) => {
  expect(await tf.setBackend(name)).toBe(true);
  const rows = await crossCheck({ tf, parts: PARTS, arithmetic: IEEE, ties: 'first' });
  expect(rows.filter(({ ok }) => !ok)).toEqual([]);
  expect(rows.filter(({ check }) => check.includes('steps'))).toHaveLength(trainings);
  expect(tf.memory().numTensors).toBe(0);
});
