/** The WebAssembly modules of this package: single kernels, inference of the deploy form, and training. */
import { openOps } from '../../src/wasm/ops/openOps.js';
import { createWasmBackend } from '../../src/wasm/inference/backend.js';
import { fit, type FitOptions } from '../../src/image/preprocess.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { quantize, scalesOf } from '../../src/io/int8.js';
import { wasmTrainer } from '../../src/train/wasmTrainer.js';
import type { Build } from '../../src/wasm/build.js';
import type { Port } from '../port.js';
import { networkWith, numberOf, pick, trainWith, type OpenTrainer } from './attributes.js';

/** @param build the plain build, or that with relaxed SIMD */
export async function openWasm(build: Build): Promise<Port> {
  const ops = await openOps({ build });
  const backend = createWasmBackend({ build });
  const open: OpenTrainer = (config, options) => wasmTrainer(config, { ...options, build });
  return {
    name: `wasm:${build}`,
    precision: 'float32',
    functions: {
      conv2d: (inputs, attributes) =>
        new Map([
          [
            'y',
            ops.conv2d(pick(inputs, 'x'), pick(inputs, 'weight'), pick(inputs, 'bias'), {
              stride: numberOf(attributes, 'stride'),
              padding: numberOf(attributes, 'padding'),
            }),
          ],
        ]),
      depthwise_conv2d: (inputs, attributes) => {
        const window = { stride: 1, padding: numberOf(attributes, 'padding') };
        return new Map([['y', ops.depthwiseConv2d(pick(inputs, 'x'), pick(inputs, 'weight'), null, window)]]);
      },
      series_activation: (inputs) => {
        const weight = pick(inputs, 'weight');
        const rectified = ops.leakyRelu(pick(inputs, 'x'), 0);
        const window = { stride: 1, padding: (weight.shape[2] - 1) / 2 };
        return new Map([['y', ops.depthwiseConv2d(rectified, weight, pick(inputs, 'bias'), window)]]);
      },
      leaky_relu: (inputs, attributes) =>
        new Map([['y', ops.leakyRelu(pick(inputs, 'x'), numberOf(attributes, 'lambda'))]]),
      max_pool2d: (inputs, attributes) => {
        const size = numberOf(attributes, 'kernel_size');
        return new Map([['y', ops.maxPool2d(pick(inputs, 'x'), { kernel_size: size, stride: size })]]);
      },
      adaptive_max_pool2d: (inputs, { output_size }) =>
        new Map([['y', ops.adaptiveMaxPool2d(pick(inputs, 'x'), { output_size: output_size as [number, number] })]]),
      global_avg_pool: (inputs) => new Map([['y', ops.globalAvgPool(pick(inputs, 'x'))]]),
      network: networkWith(backend, open),
      train: trainWith(open),
      quantize_int8(inputs) {
        const { data, shape } = pick(inputs, 'weight');
        const scale = scalesOf(data, shape[0], 'weight');
        const values = new Int8Array(data.length);
        quantize(data, scale, values);
        return new Map([
          ['values', { data: Float32Array.from(values), shape }],
          ['scale', { data: scale, shape: [shape[0]] }],
        ]);
      },
      round_float16(inputs) {
        const file = encodeSafetensors(new Map([['values', pick(inputs, 'weight')]]), { dtype: 'float16' });
        return decodeSafetensors(file).tensors;
      },
      prepare_image(inputs, attributes) {
        const { data, shape } = pick(inputs, 'image');
        const image = { data: Uint8Array.from(data), height: shape[0], width: shape[1] };
        const { height, width, data: bytes } = fit(image, attributes as Readonly<Record<keyof FitOptions, never>>);
        const plane = height * width;
        const pixels = Float32Array.from(
          { length: 3 * plane },
          (_, i) => bytes[(i % plane) * 3 + Math.floor(i / plane)],
        );
        return new Map([['pixels', { data: pixels, shape: [3, height, width] }]]);
      },
    },
  };
}
