/**
 * What the module exports. Every kernel's arguments come in one order: outputs,
 * inputs, scratch, scalars; every pointer is a byte address on a multiple of 16.
 */
export { adaptiveMaxPool2d } from './adaptiveMaxPool2d';
export { conv2d, conv2dScratch } from './conv2d';
export { depthwiseConv2d, depthwiseConv2dScratch } from './depthwiseConv2d';
export { globalAvgPool } from './globalAvgPool';
export { leakyRelu } from './leakyRelu';
export { maxPool2d } from './maxPool2d';
export { packLanes } from './packLanes';
export { runRegion } from './region';
export { runProgram, serve, stop } from './team';

/** Where free memory begins: below lie the constants, of which only the debug build has any. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether this build's multiply-adds are fused where the machine can: its last digits depend on the machine. */
export function isRelaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}
