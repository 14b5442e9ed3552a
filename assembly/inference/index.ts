/**
 * What the module exports. Every kernel's arguments come in one order: outputs,
 * inputs, scratch, scalars; every pointer is a byte address on a multiple of 16.
 */
import { runRegion } from './region';
import { runProgram as run, serve as help } from '../shared/team';

export { adaptiveMaxPool2d } from '../ops/adaptiveMaxPool2d';
export { conv2d, conv2dScratch } from '../ops/conv2d';
export { depthwiseConv2d, depthwiseConv2dScratch } from '../ops/depthwiseConv2d';
export { globalAvgPool } from '../ops/globalAvgPool';
export { leakyRelu } from '../ops/leakyRelu';
export { maxPool2d } from '../ops/maxPool2d';
export { packLanes } from '../shared/packLanes';
export { runRegion } from './region';
export { stop } from '../shared/team';

export function runProgram(program: usize, scratch: usize, first: i32, last: i32, mayWait: bool): void {
  run(runRegion, program, scratch, first, last, mayWait);
}

export function serve(program: usize, scratch: usize, self: i32): void {
  help(runRegion, program, scratch, self);
}

/** Where free memory begins: below lie the constants, of which only the debug build has any. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether this build's multiply-adds are fused where the machine can: its last digits depend on the machine. */
export function isRelaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}
