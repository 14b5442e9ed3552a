import { expect, test } from '@jest/globals';
import { FRAMEWORKS } from './frameworks.js';
import { frameworkLines } from './reporter.js';

const result = (title: string, status: string) => ({ ancestorTitles: [title], status });

test('each framework has a line', () => {
  const lines = frameworkLines([
    result('PyTorch', 'passed'),
    result('PyTorch', 'failed'),
    result('PaddlePaddle', 'passed'),
    result('PaddlePaddle', 'pending'),
    result('Keras: VANILLANET_PYTHON names no Python with keras', 'pending'),
    { ancestorTitles: [], status: 'passed' },
  ]);
  expect(lines).toEqual([
    'RAN PyTorch: 2 tests, 1 failed',
    'RAN PaddlePaddle: 1 tests',
    'SKIPPED onnxruntime: no tests',
    'SKIPPED Keras: VANILLANET_PYTHON names no Python with keras',
  ]);
  const names = Object.keys(FRAMEWORKS).filter((name) => name !== 'zipfile');
  expect(lines.map((line) => line.replace(/^\w+ |:.*/g, ''))).toEqual(names);
});
