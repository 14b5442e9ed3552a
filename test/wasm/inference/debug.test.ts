/** The debug build checks what kernels require, and says in words what was not given. */
import { instantiate } from '@assemblyscript/loader';
import { beforeAll, expect, test } from '@jest/globals';
import type { Kernels } from '../../../src/wasm/module.js';
import { resolveConfig } from '../../../src/core/config.js';
import { planLayout } from '../../../src/wasm/inference/layout.js';
import { streamOf } from '../../../src/core/weights.js';
import { loadNetwork } from '../../../src/wasm/inference/network.js';
import { allLayers } from './stages.js';
import { drawState, NARROW } from '../networks.js';
import { compile, INFERENCE } from '../compile.js';
import { judge, misfit } from '../judge.js';
import { runSample } from '../ops/memory.js';
import { TABLE } from '../ops/samples.js';

let kernels: Kernels;
beforeAll(async () => {
  const { exports } = await instantiate<Record<keyof Kernels, unknown>>(await compile('debug', INFERENCE));
  kernels = exports as Kernels;
});

test('every sample meets what its kernel requires', () => {
  for (const sample of TABLE) expect(misfit(runSample(kernels, sample).y, judge(sample.call, sample))).toBeNull();
});

test('every network meets what its kernels require', async () => {
  const debug = await compile('debug', INFERENCE);
  for (const { sizes } of NARROW) {
    const config = resolveConfig({ ...sizes, form: 'deploy' });
    const { exports } = await instantiate<Record<keyof Kernels, unknown>>(debug);
    const layout = planLayout(config);
    const network = await loadNetwork(exports as Kernels, config, layout, streamOf(drawState(config)));
    expect(() => allLayers(network)).not.toThrow();
  }
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
