/** The errors of the ops: classes and messages. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { ParamError, ShapeError } from '../../../src/core/errors.js';
import { sizeOf, type Tensor } from '../../../src/core/tensor.js';
import { openOps, type WasmOps } from '../../../src/wasm/ops/openOps.js';

const t = (...shape: number[]): Tensor => ({ shape, data: new Float32Array(Math.max(0, sizeOf(shape))) });
const plain = { stride: 1, padding: 0 };

type Row = readonly [message: string, type: typeof ShapeError | typeof ParamError, call: (ops: WasmOps) => unknown];

// prettier-ignore
const ROWS: readonly Row[] = [
  ['conv2d: expected x of shape [n,c,h,w], every size at least 1, got x [3,4,4]', ShapeError, (ops) => ops.conv2d(t(3, 4, 4), t(2, 3, 1, 1), null, plain)],
  ['conv2d: expected x of shape [n,c,h,w], every size at least 1, got x [0,3,4,4]', ShapeError, (ops) => ops.conv2d(t(0, 3, 4, 4), t(2, 3, 1, 1), null, plain)],
  ['conv2d: expected weight of shape [k,c,kh,kw], every size at least 1, got weight [2,3]', ShapeError, (ops) => ops.conv2d(t(1, 3, 4, 4), t(2, 3), null, plain)],
  ['conv2d: expected x channels equal to weight input channels, got x [1,3,8,8], weight [16,4,1,1]: 3 ≠ 4', ShapeError, (ops) => ops.conv2d(t(1, 3, 8, 8), t(16, 4, 1, 1), null, plain)],
  ['conv2d: expected bias [2] or null, got bias [3]', ShapeError, (ops) => ops.conv2d(t(1, 3, 4, 4), t(2, 3, 1, 1), t(3), plain)],
  ['conv2d: expected a map of at least 5x3, the kernel, got x [1,1,2,2] with padding 1: 4x4', ShapeError, (ops) => ops.conv2d(t(1, 1, 2, 2), t(1, 1, 5, 3), null, { stride: 1, padding: 1 })],
  ['conv2d: expected stride an integer from 1 to 16777216, got stride 0', ParamError, (ops) => ops.conv2d(t(1, 3, 4, 4), t(2, 3, 1, 1), null, { stride: 0, padding: 0 })],
  ['conv2d: expected stride an integer from 1 to 16777216, got stride 4294967296', ParamError, (ops) => ops.conv2d(t(1, 3, 4, 4), t(2, 3, 1, 1), null, { stride: 2 ** 32, padding: 0 })],
  ['conv2d: expected padding an integer from 0 to 16777216, got padding 0.5', ParamError, (ops) => ops.conv2d(t(1, 3, 4, 4), t(2, 3, 1, 1), null, { stride: 1, padding: 0.5 })],
  ['conv2d: expected x of 48 elements for its shape [1,3,4,4], got 47 elements', ShapeError, (ops) => ops.conv2d({ shape: [1, 3, 4, 4], data: new Float32Array(47) }, t(2, 3, 1, 1), null, plain)],
  ['conv2d: expected weight of 6 elements for its shape [2,3,1,1], got 7 elements', ShapeError, (ops) => ops.conv2d(t(1, 3, 4, 4), { shape: [2, 3, 1, 1], data: new Float32Array(7) }, null, plain)],
  ['conv2d: expected what fits into 4096 MiB of WebAssembly memory, got at least', ParamError, (ops) => ops.conv2d(t(1, 1, 1, 1), t(1, 1, 1, 1), null, { stride: 1, padding: 2 ** 20 })],
  ['conv2d: expected what fits into 4096 MiB of WebAssembly memory, got at least', ParamError, (ops) => ops.conv2d(t(1, 1, 2000, 2000), t(1, 1, 40, 40), null, plain)],

  ['depthwiseConv2d: expected weight of shape [c,1,kh,kw], every size at least 1, got weight [3,3,3]', ShapeError, (ops) => ops.depthwiseConv2d(t(1, 3, 4, 4), t(3, 3, 3), null, plain)],
  ['depthwiseConv2d: expected weight [3,1,kh,kw], one kernel for each channel of x, got x [1,3,4,4], weight [4,1,3,3]', ShapeError, (ops) => ops.depthwiseConv2d(t(1, 3, 4, 4), t(4, 1, 3, 3), null, plain)],
  ['depthwiseConv2d: expected weight [3,1,kh,kw], one kernel for each channel of x, got x [1,3,4,4], weight [3,3,3,3]', ShapeError, (ops) => ops.depthwiseConv2d(t(1, 3, 4, 4), t(3, 3, 3, 3), null, plain)],
  ['depthwiseConv2d: expected bias [3] or null, got bias [1,3]', ShapeError, (ops) => ops.depthwiseConv2d(t(1, 3, 4, 4), t(3, 1, 3, 3), t(1, 3), plain)],
  ['depthwiseConv2d: expected padding an integer from 0 to 16777216, got padding -1', ParamError, (ops) => ops.depthwiseConv2d(t(1, 3, 4, 4), t(3, 1, 3, 3), null, { stride: 1, padding: -1 })],

  ['leakyRelu: expected lambda in [0, 1], got lambda -0.1', ParamError, (ops) => ops.leakyRelu(t(3), -0.1)],
  ['leakyRelu: expected lambda in [0, 1], got lambda NaN', ParamError, (ops) => ops.leakyRelu(t(3), NaN)],
  ['leakyRelu: expected x with every size at least 1, got x [2,0]', ShapeError, (ops) => ops.leakyRelu(t(2, 0), 0)],

  ['maxPool2d: expected a map of at least 2x2, the kernel, got x [1,3,1,4] with padding 0: 1x4', ShapeError, (ops) => ops.maxPool2d(t(1, 3, 1, 4), { kernel_size: 2, stride: 2 })],
  ['maxPool2d: expected kernel_size an integer from 1 to 16777216, got kernel_size 0', ParamError, (ops) => ops.maxPool2d(t(1, 3, 4, 4), { kernel_size: 0, stride: 2 })],
  ['maxPool2d: expected stride an integer from 1 to 16777216, got stride 1.5', ParamError, (ops) => ops.maxPool2d(t(1, 3, 4, 4), { kernel_size: 2, stride: 1.5 })],

  ['adaptiveMaxPool2d: expected output_size[1] an integer from 1 to 16777216, got output_size[1] 0', ParamError, (ops) => ops.adaptiveMaxPool2d(t(1, 3, 4, 4), { output_size: [2, 0] })],
  ['globalAvgPool: expected x of shape [n,c,h,w], every size at least 1, got x [3,4,4,1.5]', ShapeError, (ops) => ops.globalAvgPool({ shape: [3, 4, 4, 1.5], data: new Float32Array(72) })],
];

let ops: WasmOps;
beforeAll(async () => {
  ops = await openOps();
});

describe('refuses', () => {
  test.each(ROWS)('%s', (message, type, call) => {
    expect(() => call(ops)).toThrow(type);
    expect(() => call(ops)).toThrow(message);
  });
});

test('leakyRelu accepts any shape, including []', () => {
  expect(ops.leakyRelu({ shape: [], data: Float32Array.of(-4) }, 0.25)).toEqual({
    shape: [],
    data: Float32Array.of(-1),
  });
  expect(ops.leakyRelu({ shape: [3], data: Float64Array.of(-1, 0, 2) }, 0).data).toEqual(Float32Array.of(-0, 0, 2));
});

test('a result does not change when the next op runs', () => {
  const first = ops.leakyRelu({ shape: [2], data: Float32Array.of(-1, 1) }, 1);
  ops.conv2d(t(1, 8, 64, 64), t(64, 8, 3, 3), null, plain);
  expect(first.data).toEqual(Float32Array.of(-1, 1));
});
