/**
 * The ops module: one kernel for each op of the reference, on one image in NCHW order. Inference and training do not
 * use it. Arguments come in one order: outputs, inputs, scratch, scalars. Every pointer is a byte address that is a
 * multiple of 16; the null pointer means no bias.
 */
export { adaptiveMaxPool2d } from './adaptiveMaxPool2d';
export { conv2d, conv2dScratch } from './conv2d';
export { depthwiseConv2d, depthwiseConv2dScratch } from './depthwiseConv2d';
export { globalAvgPool } from './globalAvgPool';
export { leakyRelu } from './leakyRelu';
export { maxPool2d } from './maxPool2d';

/** Identifies this module among those of the package. */
export const ops: bool = true;

/** Start of free memory: constants lie below it. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether this build uses relaxed multiply-adds, whose last digits depend on the machine. */
export function isRelaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}
