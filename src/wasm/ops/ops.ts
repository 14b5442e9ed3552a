import { bytes } from '#wasm/plain';
import {
  adaptiveMaxPool2dShape,
  checkTensor,
  conv2dShape,
  depthwiseConv2dShape,
  globalAvgPoolShape,
  leakyReluShape,
  maxPool2dShape,
  type AdaptiveMaxPoolParams,
  type ConvParams,
  type MaxPoolParams,
} from '../../core/ops.js';
import { sizeOf, type Tensor } from '../../core/tensor.js';
import type { MapShape } from '../../core/network.js';
import { Arena } from '../arena.js';
import { run, scratchBytes, type Call } from './call.js';
import { instantiate, type Kernels, type WasmSource } from '../module.js';

/**
 * The engine's kernels one by one, on tensors in the public layout: the door for
 * whoever wants to hold a single op against something. Inputs are rounded to
 * float32, results are new; shapes and errors are those of core/ops.
 */
export interface WasmOps {
  /** y = bias + Σ weight·x: x [n,c,h,w], weight [k,c,kh,kw], bias [k] or null → [n,k,oh,ow]. */
  conv2d(x: Tensor, weight: Tensor, bias: Tensor | null, params: ConvParams): Tensor;
  /** The same with one kernel a channel: x [n,c,h,w], weight [c,1,kh,kw], bias [c] or null → [n,c,oh,ow]. */
  depthwiseConv2d(x: Tensor, weight: Tensor, bias: Tensor | null, params: ConvParams): Tensor;
  /** y = x where x > 0, λ·x elsewhere: x of any shape, λ in [0, 1]. */
  leakyRelu(x: Tensor, lambda: number): Tensor;
  /** Maxima of square windows: x [n,c,h,w] → [n,c,oh,ow]; NaN wins. */
  maxPool2d(x: Tensor, params: MaxPoolParams): Tensor;
  /** Maxima of rows [⌊i·h/oh⌋, ⌈(i+1)·h/oh⌉) and the like columns: x [n,c,h,w] → [n,c,...output_size]. */
  adaptiveMaxPool2d(x: Tensor, params: AdaptiveMaxPoolParams): Tensor;
  /** The mean of every map: x [n,c,h,w] → [n,c,1,1]. */
  globalAvgPool(x: Tensor): Tensor;
}

const mapOf = ([, c, h, w]: readonly number[]): MapShape => [c, h, w];

/** Runs a call over the images of x, which pass through one block each for x and y. */
function overImages(
  kernels: Kernels,
  call: Call,
  x: Tensor,
  shape: readonly number[],
  weight: Tensor | null = null,
  bias: Tensor | null = null,
): Tensor {
  checkTensor(call.op, 'x', x);
  if (weight !== null) checkTensor(call.op, 'weight', weight);
  if (bias !== null) checkTensor(call.op, 'bias', bias);

  const arena = new Arena(call.op, kernels.heapBase());
  const [inputSize, outputSize] = [sizeOf(call.input), sizeOf(call.output)];
  const blocks = {
    y: arena.reserveFloats(outputSize),
    x: arena.reserveFloats(inputSize),
    weight: weight === null ? 0 : arena.reserveFloats(weight.data.length),
    bias: bias === null ? 0 : arena.reserveFloats(bias.data.length),
    scratch: arena.reserve(scratchBytes(kernels, call)),
  };
  arena.commit(kernels.memory);

  const memory = new Float32Array(kernels.memory.buffer);
  if (weight !== null) memory.set(weight.data, blocks.weight / 4);
  if (bias !== null) memory.set(bias.data, blocks.bias / 4);
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i * inputSize < x.data.length; i++) {
    memory.set(x.data.subarray(i * inputSize, (i + 1) * inputSize), blocks.x / 4);
    run(kernels, call, blocks);
    data.set(memory.subarray(blocks.y / 4, blocks.y / 4 + outputSize), i * outputSize);
  }
  return { data, shape };
}

/**
 * Opens the ops on an instance of their own.
 *
 * @param source the module, where the inlined one is not wanted
 * @throws BackendUnavailableError
 */
export async function openOps(source: WasmSource = bytes): Promise<WasmOps> {
  const kernels = await instantiate(source);
  return {
    conv2d(x, weight, bias, params) {
      const shape = conv2dShape(x.shape, weight.shape, bias === null ? null : bias.shape, params);
      const [k, c, kh, kw] = weight.shape;
      const op = { op: 'conv2d', weight: [k, c, kh, kw], bias: bias !== null, ...params } as const;
      return overImages(kernels, { ...op, input: mapOf(x.shape), output: mapOf(shape) }, x, shape, weight, bias);
    },
    depthwiseConv2d(x, weight, bias, params) {
      const shape = depthwiseConv2dShape(x.shape, weight.shape, bias === null ? null : bias.shape, params);
      const [c, , kh, kw] = weight.shape;
      const op = { op: 'depthwiseConv2d', weight: [c, 1, kh, kw], bias: bias !== null, ...params } as const;
      return overImages(kernels, { ...op, input: mapOf(x.shape), output: mapOf(shape) }, x, shape, weight, bias);
    },
    leakyRelu(x, lambda) {
      const shape = leakyReluShape(x.shape, lambda);
      const map: MapShape = [sizeOf(shape), 1, 1];
      return overImages(kernels, { op: 'leakyRelu', lambda, input: map, output: map }, x, shape);
    },
    maxPool2d(x, params) {
      const shape = maxPool2dShape(x.shape, params);
      return overImages(kernels, { op: 'maxPool2d', ...params, input: mapOf(x.shape), output: mapOf(shape) }, x, shape);
    },
    adaptiveMaxPool2d(x, params) {
      const shape = adaptiveMaxPool2dShape(x.shape, params);
      const call: Call = { op: 'adaptiveMaxPool2d', ...params, input: mapOf(x.shape), output: mapOf(shape) };
      return overImages(kernels, call, x, shape);
    },
    globalAvgPool(x) {
      const shape = globalAvgPoolShape(x.shape);
      return overImages(kernels, { op: 'globalAvgPool', input: mapOf(x.shape), output: mapOf(shape) }, x, shape);
    },
  };
}
