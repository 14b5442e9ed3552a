import type * as core from '@tensorflow/tfjs-core';

/**
 * What of TensorFlow.js the network is made of. It is injected, so that whoever has
 * loaded `@tensorflow/tfjs`, `@tensorflow/tfjs-core` or `@tensorflow/tfjs-node` passes
 * that, with the engine chosen there.
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

/** What TensorFlow.js keeps in its own order: maps [n,h,w,c], kernels [kh,kw,c,k]. */
export type Maps = core.Tensor4D;
export type Vector = core.Tensor1D;
export type Matrix = core.Tensor2D;
export type TfTensor = core.Tensor;

/** Kernels of the way back that not every engine has. */
const TRAINING_KERNELS = [
  'Conv2DBackpropInput',
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'DepthwiseConv2dNativeBackpropFilter',
  'MaxPoolGrad',
] as const;

/** Those of the way back that an engine lacks: where there is none, it trains. */
export const missingKernels = (tf: Pick<Tf, 'getKernel'>, engine: string): string[] =>
  TRAINING_KERNELS.filter((name) => (tf.getKernel(name, engine) as unknown) == null);

/**
 * Runs one of the kernels of the way back. They are called by name: gradients by the
 * tape need a build of TensorFlow.js that registers them, and not every one does.
 */
export function runKernel(
  tf: Tf,
  name: (typeof TRAINING_KERNELS)[number],
  inputs: Readonly<Record<string, TfTensor>>,
  attributes: Readonly<Record<string, unknown>>,
): Maps {
  return tf.engine().runKernel(name, { ...inputs }, attributes as Parameters<ReturnType<Tf['engine']>['runKernel']>[2]);
}
