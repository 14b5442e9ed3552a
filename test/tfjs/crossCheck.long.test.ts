/** All checks of the engines that `npm test` compares with the reference in brief: every λ and training, a thousand runs for leaks. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { IEEE } from '../judges/arithmetic.js';
import { crossCheck } from './cross/crossCheck.js';
import { PARTS } from './cross/engine.js';
import { TRAJECTORIES } from './cross/steps.js';
import { wasmSections } from './cross/wasmRows.js';
import { BUILDS } from '../wasm/builds.js';

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

test.each(BUILDS)('vanillanet wasm, %s, equals the reference within the float32 bounds', async (build) => {
  const steps = [];
  for (const { name, run } of wasmSections(build)) {
    const rows = await run();
    expect([name, rows.length]).not.toEqual([name, 0]);
    expect([name, rows.filter(({ ok }) => !ok)]).toEqual([name, []]);
    steps.push(...rows.filter(({ check }) => check.includes('steps')));
  }
  expect(steps).toHaveLength(TRAJECTORIES.length);
});
