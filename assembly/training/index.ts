/** What the training module exports: a network of its own kernels, run as ../index.ts runs its. */
import { runProgram as run, serve as help } from '../shared/team';
import { runRegion } from './region';

export { packLanes } from '../shared/packLanes';
export { stop } from '../shared/team';
export { runRegion };

export function runProgram(program: usize, scratch: usize, first: i32, last: i32, mayWait: bool): void {
  run(runRegion, program, scratch, first, last, mayWait);
}

export function serve(program: usize, scratch: usize, self: i32): void {
  help(runRegion, program, scratch, self);
}

export function heapBase(): usize {
  return __heap_base;
}

export function isRelaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}
