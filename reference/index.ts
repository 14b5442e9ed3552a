/**
 * Every operation of VanillaNet, forward and backward, in float64 on `ndarray`s, in the order of the
 * equations; the network as a list of layers; and the fusion.
 *
 * @module vanillanet/reference
 */
export * from './errors.js';
export { tensor, zeros, valuesOf, type Tensor } from './tensor.js';
export { conv2d, conv2dBackward, type ConvOptions, type ConvGradients } from './conv2d.js';
export { depthwiseConv2d, depthwiseConv2dBackward } from './depthwiseConv2d.js';
export * from './batchNorm.js';
export { leakyRelu, leakyReluBackward } from './leakyRelu.js';
export { maxPool2d, maxPool2dBackward, type MaxPoolOptions } from './maxPool2d.js';
export { adaptiveMaxPool2d, adaptiveMaxPool2dBackward } from './adaptiveMaxPool2d.js';
export { globalAvgPool, globalAvgPoolBackward } from './globalAvgPool.js';
export { dropout, dropoutBackward, dropoutMask } from './dropout.js';
export { dropPath, dropPathBackward } from './dropPath.js';
export { softmax, softmaxBackward, logSoftmax, logSoftmaxBackward } from './softmax.js';
export { labelSmoothingCrossEntropy, labelSmoothingCrossEntropyBackward } from './labelSmoothingCrossEntropy.js';
export { crossEntropy, crossEntropyBackward } from './crossEntropy.js';
export { bceWithLogits, bceWithLogitsBackward } from './bceWithLogits.js';
export * from './adam.js';
export * from './sgd.js';
export * from './lamb.js';
export * from './layerScale.js';
export * from './ema.js';
export * from './cosineAnnealing.js';
export * from './lambdaSchedule.js';
export { philox4x32, uniform } from './philox.js';
export * from './normal.js';
export * from './truncatedNormal.js';
export * from './seriesActivation.js';
export { config, variant, VARIANTS, type Config } from './config.js';
export { type Layer, type Mode, type State, type Trace } from './layers.js';
export { block } from './block.js';
export * from './vanillaNet.js';
export * from './initialize.js';
export { accumulate, type AccumulateResult, type AccumulateOptions } from './accumulate.js';
export * from './trainStep.js';
export * from './fuse.js';
export * from './deviation.js';
export { BY_SHADERS, FLUSHING, TO_NEAREST, type Rounding } from './rounding.js';
export * from './float32Bound.js';
