/**
 * The float64 module: sums of products for the fusion, each rounded twice and in the order of the reference, so that every
 * bit is the reference's. It is built without relaxed SIMD, which would round once.
 */
export { accumulate } from './accumulate';
export { depthwise, depthwiseBackward } from './depthwise';
export { multiply } from './multiply';

/** Identifies this module among those of the package. */
export const float64: bool = true;

/** Start of free memory: constants lie below it. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether this build uses relaxed multiply-adds: never. */
export function isRelaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}
