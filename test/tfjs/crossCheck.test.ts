/**
 * Compares the engines that need no further packages with the reference in brief: TensorFlow.js' cpu and wasm, and both
 * builds of the WebAssembly engine. crossCheck.long.test.ts has all checks, and `npm run test:engines` the other engines.
 */
import { bytes as relaxed } from '#wasm/train-relaxed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { fileURLToPath } from 'node:url';
import { validates } from '../../src/wasm/module.js';
import { IEEE } from '../judges/arithmetic.js';
import { PARTS } from './cross/engine.js';
import { missingTrainingKernels, sectionsOf } from './cross/crossCheck.js';
import type { Row } from './cross/row.js';
import { wasmSections } from './cross/wasmRows.js';
import {
  COMMANDS,
  lineOf,
  missing,
  requiredEngines,
  requirementsOf,
  unknownEngines,
  writeReport,
  type EngineRun,
} from './engineReport.js';

const REPORT = fileURLToPath(new URL('../../dist/reports/engines-in-tests.json', import.meta.url));

const HERE = 'npm test';

const runs: EngineRun[] = COMMANDS['npm run test:engines'].map((engine) => ({
  engine,
  status: 'SKIPPED',
  reason: 'npm run test:engines runs it',
}));

afterAll(() => {
  const required = requiredEngines();
  process.stdout.write(`${[...runs.map(lineOf), ...requirementsOf(runs, required, HERE)].join('\n')}\n`);
  writeReport(REPORT, runs);
  expect({ unknown: unknownEngines(required), skipped: missing(runs, required, HERE) }).toEqual({
    unknown: [],
    skipped: [],
  });
});

const failures = (rows: readonly Row[]): string[] =>
  rows.filter(({ ok }) => !ok).map(({ check, network, worst, at }) => `${check}, ${network}: ${worst} at ${at}`);

describe.each(['cpu', 'wasm'])('tfjs %s', (name) => {
  const engine = { tf, parts: PARTS, arithmetic: IEEE, ties: 'first' } as const;
  const rows: Row[] = [];

  beforeAll(async () => {
    expect(await tf.setBackend(name)).toBe(true);
  });

  afterAll(() => {
    const kernels = missingTrainingKernels(engine);
    const skipped = kernels.length === 0 ? {} : { skipped: `training: no ${kernels.join(', ')}` };
    runs.push({ engine: name, status: 'RAN', device: 'cpu', isHardware: false, rows, ...skipped });
  });

  // The backend must be active to list its kernels, so the sections are determined within the test.
  test('equals the reference within the float32 bounds', async () => {
    for (const { name: section, run } of sectionsOf(engine, { brief: true })) {
      const sectionRows = await run();
      rows.push(...sectionRows);
      expect([section, sectionRows.length]).not.toEqual([section, 0]);
      expect([section, ...failures(sectionRows)]).toEqual([section]);
    }
    expect(rows.some(({ check }) => check === 'conv2d backward')).toBe(name === 'cpu');
    expect(tf.memory().numTensors).toBe(0);
  });
});

describe.each(['plain', 'relaxed'] as const)('vanillanet wasm, %s', (build) => {
  const engine = `vanillanet-wasm-${build}`;
  const reason = 'this runtime has no relaxed SIMD';
  const runsHere = build === 'plain' || validates(relaxed);
  if (!runsHere) runs.push({ engine, status: 'SKIPPED', reason });

  (runsHere ? test : test.skip)(
    runsHere ? 'equals the reference within the float32 bounds' : `equals the reference: ${reason}`,
    async () => {
      const rows: Row[] = [];
      runs.push({ engine, status: 'RAN', device: 'cpu', isHardware: false, rows });
      for (const { name, run } of wasmSections(build, { brief: true })) {
        const sectionRows = await run();
        rows.push(...sectionRows);
        expect([name, sectionRows.length]).not.toEqual([name, 0]);
        expect([name, ...failures(sectionRows)]).toEqual([name]);
      }
    },
  );
});
