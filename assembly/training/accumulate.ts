import { PANEL } from './adam';

/** All gradients, and their sums over the passes of a step in the same order; float32. */
@unmanaged
export class Accumulate {
  grad: usize;
  sum: usize;
  /** A multiple of 4. */
  count: i32;
  /** Passes in the sum, including the current one. */
  passes: i32;
}

/**
 *     sum ← sum + grad, or grad in the first pass        grad ← sum / passes
 *
 * 4096 gradients a panel. After every pass, `grad` holds the mean so far, so that its users need not know about passes.
 */
export function accumulate(address: usize, from: i32, to: i32): void {
  const op = changetype<Accumulate>(address);
  const first = op.passes == 1;
  const passes = f32x4.splat(<f32>op.passes);
  const last: usize = 4 * <usize>min(to * PANEL, op.count);
  for (let at: usize = 4 * <usize>(from * PANEL); at < last; at += 16) {
    const grad = v128.load(op.grad + at);
    const sum = first ? grad : f32x4.add(v128.load(op.sum + at), grad);
    v128.store(op.sum + at, sum);
    v128.store(op.grad + at, f32x4.div(sum, passes));
  }
}
