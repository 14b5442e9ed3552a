import { expect, test } from '@jest/globals';
import { lineOf, missing, orFailed, requiredEngines, requirementsOf, unknownEngines } from './engineReport.js';

const at = { check: 'conv2d', network: 'plain', at: '' };
const rows = [
  { ...at, worst: 0.25, ok: true },
  { ...at, worst: 2, ok: false },
];

test('engines that are required are named by a variable', () => {
  expect(requiredEngines('')).toEqual([]);
  expect(requiredEngines('cpu, webgpu,')).toEqual(['cpu', 'webgpu']);
});

test('one that nobody knows is an error, whoever is asked', () => {
  expect(unknownEngines(['cpu', 'webgpu', 'cuda', 'tensorflow', 'tfjs-node-gpu'])).toEqual(['cuda', 'tensorflow']);
});

test('one that ends before its time has failed', async () => {
  const run = await orFailed('webgpu', () => Promise.reject(new Error('its process ended with SIGSEGV')));
  expect(run.rows).toMatchObject([{ ok: false, at: 'Error: its process ended with SIGSEGV' }]);
  expect(lineOf(run)).toBe('engine=webgpu device=unknown: RAN 1 checks; failed=1 worst=Infinity');
  const whole = { engine: 'cpu', status: 'RAN', rows } as const;
  expect(await orFailed('cpu', () => Promise.resolve(whole))).toBe(whole);
});

test('a command requires what it runs, and says who runs the others', () => {
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
    // What ran in part is not whole because it is required.
    'REQUIRED wasm: RAN 2 checks, SKIPPED training: no Conv2DBackpropFilter; failed=1 worst=2.000',
    'REQUIRED vanillanet-wasm-relaxed: SKIPPED, no relaxed SIMD',
    'REQUIRED vanillanet-wasm-plain: SKIPPED, not chosen',
    'REQUIRED webgpu: not here, npm run test:engines runs it',
  ]);
});

test('a line says what became of an engine', () => {
  expect(lineOf({ engine: 'webgpu', status: 'SKIPPED', reason: 'no adapter' })).toBe(
    'SKIPPED engine=webgpu: no adapter',
  );
  expect(lineOf({ engine: 'wasm', status: 'RAN', device: 'cpu', skipped: 'training: none', rows })).toBe(
    'engine=wasm device=cpu: RAN 2 checks, SKIPPED training: none; failed=1 worst=2.000',
  );
});
