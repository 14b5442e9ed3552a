import { checkObject, checkOptions } from '../../core/check.js';
import {
  adaptiveMaxPool2dShape,
  checkTensor,
  operandShape,
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
import { resolveBuild, type BuildChoice } from '../build.js';
import { checkIdentity } from '../identity.js';
import { compile, instantiate, type WasmSource } from '../module.js';
import { opsBytesOf } from './build.js';
import { OPS, type OpsExports } from './kernels.js';
import { runOp, scratchBytes, type OpCall } from './opCall.js';

/**
 * The ops of the network as WebAssembly kernels, one call each, on tensors in NCHW order. For teaching, benchmarks and
 * comparisons with other implementations: inference fuses these steps and does not call them. Inputs are rounded to
 * float32; the result is a new tensor. Shapes and errors are those of the reference's ops.
 */
export interface WasmOps {
  /**
   * y[n,k,·] = bias[k] + Σ_{c,i,j} weight[k,c,i,j] · x[n,c, ·stride − padding + (i,j)].
   *
   * @param x [n,c,h,w]
   * @param weight [k,c,kh,kw]
   * @param bias [k] or null
   * @returns [n,k,oh,ow] with oh = ⌊(h + 2·padding − kh)/stride⌋ + 1
   * @throws ShapeError, ParamError
   */
  conv2d(x: Tensor, weight: Tensor, bias: Tensor | null, params: ConvParams): Tensor;
  /**
   * As `conv2d` with one kernel for each channel.
   *
   * @param x [n,c,h,w]
   * @param weight [c,1,kh,kw]
   * @param bias [c] or null
   * @returns [n,c,oh,ow]
   * @throws ShapeError, ParamError
   */
  depthwiseConv2d(x: Tensor, weight: Tensor, bias: Tensor | null, params: ConvParams): Tensor;
  /**
   * y = x if x > 0, else λ·x.
   *
   * @param x of any shape
   * @param lambda slope in [0, 1]
   * @throws ShapeError, ParamError
   */
  leakyRelu(x: Tensor, lambda: number): Tensor;
  /**
   * The maximum of each square window; NaN propagates.
   *
   * @param x [n,c,h,w]
   * @returns [n,c,oh,ow] with oh = ⌊(h − kernel_size)/stride⌋ + 1
   * @throws ShapeError, ParamError
   */
  maxPool2d(x: Tensor, params: MaxPoolParams): Tensor;
  /**
   * The maximum over rows [⌊i·h/oh⌋, ⌈(i+1)·h/oh⌉) and the corresponding columns; NaN propagates.
   *
   * @param x [n,c,h,w]
   * @returns [n,c,...output_size]
   * @throws ShapeError, ParamError
   */
  adaptiveMaxPool2d(x: Tensor, params: AdaptiveMaxPoolParams): Tensor;
  /**
   * The mean of each map.
   *
   * @param x [n,c,h,w]
   * @returns [n,c,1,1]
   * @throws ShapeError
   */
  globalAvgPool(x: Tensor): Tensor;
}

/** Options of `openOps`. */
export interface OpenOpsOptions {
  /** Default `plain`, whose results are the same on every machine. Ignored if `source` is set. */
  readonly build?: BuildChoice | undefined;
  /** The package's ops-plain.wasm or ops-relaxed.wasm: its bytes, or the compiled module. */
  readonly source?: WasmSource | undefined;
}

const mapOf = ([, c, h, w]: readonly number[]): MapShape => [c, h, w];

/** Runs a call on every image of x; one block each for x and y serves all images. */
function runOnImages(
  kernels: OpsExports,
  call: OpCall,
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
    runOp(kernels, call, blocks);
    data.set(memory.subarray(blocks.y / 4, blocks.y / 4 + outputSize), i * outputSize);
  }
  return { data, shape };
}

async function openModule(build: BuildChoice, source: WasmSource | undefined): Promise<OpsExports> {
  if (source === undefined) return instantiate(OPS, opsBytesOf(resolveBuild(build, opsBytesOf('relaxed'))));
  const module = await compile(source);
  checkIdentity(module);
  return instantiate(OPS, module);
}

/**
 * Creates an instance of the ops module.
 *
 * @throws ParamError for an unknown build
 * @throws BackendUnavailableError if the module does not run here, or is not the ops module of this version
 */
export async function openOps(options: OpenOpsOptions = {}): Promise<WasmOps> {
  const { build = 'plain', source } = checkOptions(options, ['build', 'source']);
  const kernels = await openModule(build, source);
  return {
    conv2d(x, weight, bias, params) {
      const [input, kernel] = [operandShape('conv2d', 'x', x), operandShape('conv2d', 'weight', weight)];
      const { stride, padding } = checkObject('conv2d: params', params);
      const biasShape = bias === null ? null : operandShape('conv2d', 'bias', bias);
      const shape = conv2dShape(input, kernel, biasShape, { stride, padding });
      const [k, c, kh, kw] = kernel;
      const op = { op: 'conv2d', weight: [k, c, kh, kw], bias: bias !== null, stride, padding } as const;
      return runOnImages(kernels, { ...op, input: mapOf(input), output: mapOf(shape) }, x, shape, weight, bias);
    },
    depthwiseConv2d(x, weight, bias, params) {
      const name = 'depthwiseConv2d';
      const [input, kernel] = [operandShape(name, 'x', x), operandShape(name, 'weight', weight)];
      const { stride, padding } = checkObject(`${name}: params`, params);
      const biasShape = bias === null ? null : operandShape(name, 'bias', bias);
      const shape = depthwiseConv2dShape(input, kernel, biasShape, { stride, padding });
      const [c, , kh, kw] = kernel;
      const op = { op: name, weight: [c, 1, kh, kw], bias: bias !== null, stride, padding } as const;
      return runOnImages(kernels, { ...op, input: mapOf(input), output: mapOf(shape) }, x, shape, weight, bias);
    },
    leakyRelu(x, lambda) {
      const shape = leakyReluShape(operandShape('leakyRelu', 'x', x), lambda);
      const map: MapShape = [sizeOf(shape), 1, 1];
      return runOnImages(kernels, { op: 'leakyRelu', lambda, input: map, output: map }, x, shape);
    },
    maxPool2d(x, params) {
      const input = operandShape('maxPool2d', 'x', x);
      const { kernel_size, stride } = checkObject('maxPool2d: params', params);
      const shape = maxPool2dShape(input, { kernel_size, stride });
      const op = { op: 'maxPool2d', kernel_size, stride } as const;
      return runOnImages(kernels, { ...op, input: mapOf(input), output: mapOf(shape) }, x, shape);
    },
    adaptiveMaxPool2d(x, params) {
      const input = operandShape('adaptiveMaxPool2d', 'x', x);
      const { output_size } = checkObject('adaptiveMaxPool2d: params', params);
      const shape = adaptiveMaxPool2dShape(input, { output_size });
      const size = [shape[2], shape[3]] as const;
      const call: OpCall = { op: 'adaptiveMaxPool2d', output_size: size, input: mapOf(input), output: mapOf(shape) };
      return runOnImages(kernels, call, x, shape);
    },
    globalAvgPool(x) {
      const input = operandShape('globalAvgPool', 'x', x);
      const shape = globalAvgPoolShape(input);
      return runOnImages(kernels, { op: 'globalAvgPool', input: mapOf(input), output: mapOf(shape) }, x, shape);
    },
  };
}
