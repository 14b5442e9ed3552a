/** The training module: forward and backward pass, loss and optimizers, compiled into a program as in ../inference. */
import { runProgram as run, serve as serveRegions } from '../shared/team';
import { runRegion } from './region';

export { packLanes } from '../shared/packLanes';
export { stop } from '../shared/team';
export { runRegion };

/** Identifies this module among those of the package. */
export const training: bool = true;

/** Runs regions `first` to `last` (exclusive) of a program, and returns how far it came: see ../shared/team.ts. */
export function runProgram(program: usize, scratch: usize, first: i32, last: i32, mayWait: bool): i32 {
  return run(runRegion, program, scratch, first, last, mayWait);
}

/** Runs panels for the calling thread's program until `stop`, as thread number `self`. */
export function serve(program: usize, scratch: usize, self: i32): void {
  serveRegions(runRegion, program, scratch, self);
}

/** Start of free memory: constants lie below it, which only the debug build has. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether this build uses relaxed multiply-adds, whose last digits depend on the machine. */
export function isRelaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}
