import { PANEL } from './adam';

/** Gradients side by side, and their sum over passes in a block of the same order; float32. */
@unmanaged
export class Accumulate {
  grad: usize;
  sum: usize;
  /** A multiple of 4. */
  count: i32;
  /** That are in the sum, with this one. */
  passes: i32;
}

/**
 *     sum ← sum + grad, or grad in the first pass        grad ← sum / passes
 *
 * 4096 gradients a panel. Order: pass by pass. Behind every pass the gradients are the mean
 * so far, so that whoever uses them need not know of passes.
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
