import { expect, test } from '@jest/globals';
import { lineOf, missing, orFailed, requiredEngines, requirementsOf, unknownEngines } from './engineReport.js';

const at = { check: 'conv2d', network: 'plain', at: '' };
const rows = [
  { ...at, worst: 0.25, ok: true },
  { ...at, worst: 2, ok: false },
];

test('REQUIRE_ENGINES is a list of names', () => {
  expect(requiredEngines('')).toEqual([]);
  expect(requiredEngines('cpu, webgpu,')).toEqual(['cpu', 'webgpu']);
});

test('unknown names are found', () => {
  expect(unknownEngines(['cpu', 'webgpu', 'cuda', 'tensorflow', 'tfjs-node-gpu'])).toEqual(['cuda', 'tensorflow']);
});

test('an engine that crashes has failed', async () => {
  const run = await orFailed('webgpu', () => Promise.reject(new Error('its process ended with SIGSEGV')));
  expect(run.rows).toMatchObject([{ ok: false, at: 'Error: its process ended with SIGSEGV' }]);
  expect(lineOf(run)).toBe('engine=webgpu device=unknown: RAN 1 checks; failed=1 worst=Infinity');
  const complete = { engine: 'cpu', status: 'RAN', rows } as const;
  expect(await orFailed('cpu', () => Promise.resolve(complete))).toBe(complete);
});

test('a command requires the engines that it runs, and names the command for the others', () => {
  const runs = [
    { engine: 'cpu', status: 'RAN', rows },
    { engine: 'wasm', status: 'RAN', rows, skipped: 'training: no Conv2DBackpropFilter' },
    { engine: 'vanillanet-wasm-relaxed', status: 'SKIPPED', reason: 'no relaxed SIMD' },
  ] as const;
  const required = ['cpu', 'wasm', 'vanillanet-wasm-relaxed', 'vanillanet-wasm-plain', 'webgpu'];
  expect(missing(runs, required, 'npm test')).toEqual(['vanillanet-wasm-relaxed', 'vanillanet-wasm-plain']);
  expect(missing(runs, required, 'npm run test:engines')).toEqual(['webgpu']);
  expect(requirementsOf(runs, required, 'npm test')).toEqual([
    'REQUIRED cpu: RAN 2 checks; failed=1 worst=2.000',
    // A required engine may still skip a part.
    'REQUIRED wasm: RAN 2 checks, SKIPPED training: no Conv2DBackpropFilter; failed=1 worst=2.000',
    'REQUIRED vanillanet-wasm-relaxed: SKIPPED, no relaxed SIMD',
    'REQUIRED vanillanet-wasm-plain: SKIPPED, not selected',
    'REQUIRED webgpu: run by npm run test:engines',
  ]);
});

test('every engine has a line', () => {
  expect(lineOf({ engine: 'webgpu', status: 'SKIPPED', reason: 'no adapter' })).toBe(
    'SKIPPED engine=webgpu: no adapter',
  );
  expect(lineOf({ engine: 'wasm', status: 'RAN', device: 'cpu', skipped: 'training: none', rows })).toBe(
    'engine=wasm device=cpu: RAN 2 checks, SKIPPED training: none; failed=1 worst=2.000',
  );
});
