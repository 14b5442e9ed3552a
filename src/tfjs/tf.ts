import type * as core from '@tensorflow/tfjs-core';

/**
 * The functions of TensorFlow.js that the backend uses. The caller passes the module, which may be `@tensorflow/tfjs`,
 * `@tensorflow/tfjs-core` or `@tensorflow/tfjs-node`, after choosing its engine.
 */
export type Tf = Pick<
  typeof core,
  | 'abs'
  | 'add'
  | 'argMax'
  | 'concat'
  | 'conv2d'
  | 'depthwiseConv2d'
  | 'dispose'
  | 'div'
  | 'engine'
  | 'exp'
  | 'fused'
  | 'getBackend'
  | 'getKernel'
  | 'greater'
  | 'keep'
  | 'log'
  | 'max'
  | 'maxPool'
  | 'maximum'
  | 'minimum'
  | 'mean'
  | 'memory'
  | 'mul'
  | 'neg'
  | 'oneHot'
  | 'ones'
  | 'pad'
  | 'relu'
  | 'reshape'
  | 'setBackend'
  | 'slice'
  | 'sqrt'
  | 'square'
  | 'sub'
  | 'sum'
  | 'tensor'
  | 'tidy'
  | 'transpose'
  | 'where'
  | 'zeros'
>;

/** Maps [n,h,w,c] or kernels [kh,kw,c,k]: the orders of TensorFlow.js. */
export type Maps = core.Tensor4D;
export type Vector = core.Tensor1D;
export type Matrix = core.Tensor2D;
export type TfTensor = core.Tensor;

/** The kernels of the backward pass that some engines lack. */
const TRAINING_KERNELS = [
  'Conv2DBackpropInput',
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'DepthwiseConv2dNativeBackpropFilter',
  'MaxPoolGrad',
] as const;

/** The kernels of the backward pass that an engine lacks. If there are none, it can train. */
export const missingKernels = (tf: Pick<Tf, 'getKernel'>, engine: string): string[] =>
  TRAINING_KERNELS.filter((name) => (tf.getKernel(name, engine) as unknown) == null);

/**
 * Runs a kernel of the backward pass by its name. The gradients of TensorFlow.js' tape are not used: not every build
 * registers them.
 */
export function runKernel(
  tf: Tf,
  name: (typeof TRAINING_KERNELS)[number],
  inputs: Readonly<Record<string, TfTensor>>,
  attributes: Readonly<Record<string, unknown>>,
): Maps {
  return tf.engine().runKernel(name, { ...inputs }, attributes as Parameters<ReturnType<Tf['engine']>['runKernel']>[2]);
}
