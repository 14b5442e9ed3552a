import { PANEL } from './adam';

/** Adjacent parameters, with their gradients and momentum buffers in the same order; float32. */
@unmanaged
export class Sgd {
  param: usize;
  grad: usize;
  momenta: usize;
  /** A multiple of 4. */
  count: i32;
  /** The following fields are written in every step. */
  lr: f32;
  momentum: f32;
  weightDecay: f32;
  /** Not 0: Nesterov momentum. */
  nesterov: i32;
}

/**
 *     g ← grad + weightDecay·param        b ← momentum·b + g
 *     param ← param − lr·b        nesterov: param ← param − lr·(g + momentum·b)
 *
 * 4096 parameters a panel, four at a time.
 */
export function sgd(address: usize, from: i32, to: i32): void {
  const op = changetype<Sgd>(address);
  const lr = f32x4.splat(op.lr);
  const momentum = f32x4.splat(op.momentum);
  const decay = f32x4.splat(op.weightDecay);
  const nesterov = op.nesterov != 0;
  const last: usize = 4 * <usize>min(to * PANEL, op.count);
  for (let at: usize = 4 * <usize>(from * PANEL); at < last; at += 16) {
    const p = v128.load(op.param + at);
    const g = f32x4.add(v128.load(op.grad + at), f32x4.mul(decay, p));
    const b = f32x4.add(f32x4.mul(momentum, v128.load(op.momenta + at)), g);
    v128.store(op.momenta + at, b);
    const direction = nesterov ? f32x4.add(g, f32x4.mul(momentum, b)) : b;
    v128.store(op.param + at, f32x4.sub(p, f32x4.mul(lr, direction)));
  }
}
