/** The debug build checks the arguments of each kernel. */
import { instantiate } from '@assemblyscript/loader';
import { beforeAll, expect, test } from '@jest/globals';
import type { OpsExports } from '../../../src/wasm/ops/kernels.js';
import { compile, OPS_ENTRY } from '../compile.js';
import { judge, findMismatch } from '../judge.js';
import { runSample } from './memory.js';
import { TABLE } from './samples.js';

let kernels: OpsExports;
beforeAll(async () => {
  const { exports } = await instantiate<Record<keyof OpsExports, unknown>>(await compile('debug', OPS_ENTRY));
  kernels = exports as OpsExports;
});

test('every sample passes valid arguments to its kernel', () => {
  for (const sample of TABLE) expect(findMismatch(runSample(kernels, sample).y, judge(sample.call, sample))).toBeNull();
});

test.each([
  [
    'conv2d: pointers must lie on multiples of 16',
    () => {
      kernels.conv2d(1028, 2048, 4096, 0, 8192, 1, 1, 1, 1, 1, 1, 1, 0);
    },
  ],
  [
    'conv2d: stride must be at least 1',
    () => {
      kernels.conv2d(1024, 2048, 4096, 0, 8192, 1, 1, 1, 1, 1, 1, 0, 0);
    },
  ],
  [
    'conv2d: the kernel must fit into the padded map',
    () => {
      kernels.conv2d(1024, 2048, 4096, 0, 8192, 1, 2, 2, 1, 3, 3, 1, 0);
    },
  ],
  [
    'depthwiseConv2d: pointers must lie on multiples of 16',
    () => {
      kernels.depthwiseConv2d(1024, 2048, 4096, 8, 8192, 1, 1, 1, 1, 1, 1, 0);
    },
  ],
  [
    'leakyRelu: pointers must lie on multiples of 16',
    () => {
      kernels.leakyRelu(1024, 2052, 4, 0);
    },
  ],
  [
    'maxPool2d: the window must fit into the map',
    () => {
      kernels.maxPool2d(1024, 2048, 1, 1, 3, 2, 2);
    },
  ],
  [
    'adaptiveMaxPool2d: sizes must be at least 1',
    () => {
      kernels.adaptiveMaxPool2d(1024, 2048, 1, 4, 4, 0, 1);
    },
  ],
  [
    'globalAvgPool: the map must be at least 1x1',
    () => {
      kernels.globalAvgPool(1024, 2048, 1, 0, 4);
    },
  ],
])('%s', (message, call) => {
  expect(call).toThrow(message);
});
