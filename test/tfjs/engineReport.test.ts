import { expect, test } from '@jest/globals';
import { lineOf, missing, requiredEngines } from './engineReport.js';

test('engines that are required are named by a variable', () => {
  expect(requiredEngines('')).toEqual([]);
  expect(requiredEngines('cpu, webgpu,')).toEqual(['cpu', 'webgpu']);
});

test('a required engine that was skipped, or that nobody knows, is missing', () => {
  const runs = [
    { engine: 'cpu', status: 'RAN' },
    { engine: 'webgpu', status: 'SKIPPED', reason: 'no adapter' },
  ] as const;
  expect(missing(runs, ['cpu'])).toEqual([]);
  expect(missing(runs, ['webgpu', 'cpu', 'cuda'])).toEqual(['webgpu', 'cuda']);
});

test('a line says what became of an engine', () => {
  const at = { check: 'conv2d', network: 'plain', at: '' };
  const rows = [
    { ...at, worst: 0.25, ok: true },
    { ...at, worst: 2, ok: false },
  ];
  expect(lineOf({ engine: 'webgpu', status: 'SKIPPED', reason: 'no adapter' })).toBe(
    'SKIPPED engine=webgpu: no adapter',
  );
  expect(lineOf({ engine: 'wasm', status: 'RAN', device: 'cpu', skipped: 'training: none', rows })).toBe(
    'RAN engine=wasm device=cpu checks=2 failed=1 worst=2.000 SKIPPED training: none',
  );
});
