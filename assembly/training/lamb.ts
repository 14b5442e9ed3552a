import { PANEL } from './adam';
import { addSquares, lanesOf } from './squares';

/** One tensor with its gradient and moments; float32. Its padding is zero, which does not change norms. */
@unmanaged
export class Lamb {
  param: usize;
  grad: usize;
  m: usize;
  v: usize;
  /** A multiple of 4. */
  count: i32;
  panels: i32;
  /** Float64 [panels][2]: the sums of squares of param and u. */
  squares: usize;
  /** Address of a float32: see clip.ts. */
  divisor: usize;
  /** The following fields are written in every step, as in adam.ts. */
  lr: f32;
  beta1: f32;
  beta2: f32;
  rest1: f32;
  rest2: f32;
  eps: f32;
  weightDecay: f32;
  correction1: f32;
  correction2: f32;
}

/**
 *     g ← grad/divisor        m ← β₁·m + (1 − β₁)·g        v ← β₂·v + (1 − β₂)·g²
 *     u = (m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + eps) + weightDecay·param
 *
 * and the sums of squares of param and u, 4096 parameters a panel.
 * Loop order: four at a time, squares in two sums of float64.
 */
export function lambMoments(address: usize, from: i32, to: i32): void {
  const op = changetype<Lamb>(address);
  const beta1 = f32x4.splat(op.beta1);
  const beta2 = f32x4.splat(op.beta2);
  const rest1 = f32x4.splat(op.rest1);
  const rest2 = f32x4.splat(op.rest2);
  const divisor = v128.load_splat<f32>(op.divisor);
  for (let panel = from; panel < to; panel++) {
    const last: usize = 4 * <usize>min((panel + 1) * PANEL, op.count);
    let ofParam = f64x2.splat(0);
    let ofUpdate = ofParam;
    for (let at: usize = 4 * <usize>(panel * PANEL); at < last; at += 16) {
      const g = f32x4.div(v128.load(op.grad + at), divisor);
      const m = f32x4.add(f32x4.mul(beta1, v128.load(op.m + at)), f32x4.mul(rest1, g));
      const v = f32x4.add(f32x4.mul(beta2, v128.load(op.v + at)), f32x4.mul(rest2, f32x4.mul(g, g)));
      v128.store(op.m + at, m);
      v128.store(op.v + at, v);
      ofParam = addSquares(ofParam, v128.load(op.param + at));
      ofUpdate = addSquares(ofUpdate, updateAt(op, at));
    }
    const squares = op.squares + 16 * <usize>panel;
    store<f64>(squares, lanesOf(ofParam));
    store<f64>(squares, lanesOf(ofUpdate), 8);
  }
}

/**
 *     param ← param − lr·r·u        r = ‖param‖/‖u‖ if weightDecay ≠ 0 and neither norm is 0, else 1
 *
 * 4096 parameters a panel; u is computed again, which is cheaper than storing it.
 * Loop order: norms panel by panel, whichever thread computed them; then four parameters at a time.
 */
export function lambMove(address: usize, from: i32, to: i32): void {
  const op = changetype<Lamb>(address);
  const step = f32x4.splat(<f32>(<f64>op.lr * trustRatio(op)));
  const last: usize = 4 * <usize>min(to * PANEL, op.count);
  for (let at: usize = 4 * <usize>(from * PANEL); at < last; at += 16) {
    v128.store(op.param + at, f32x4.sub(v128.load(op.param + at), f32x4.mul(step, updateAt(op, at))));
  }
}

function updateAt(op: Lamb, at: usize): v128 {
  const size = f32x4.add(f32x4.sqrt(f32x4.div(v128.load(op.v + at), f32x4.splat(op.correction2))), f32x4.splat(op.eps));
  const adapted = f32x4.div(f32x4.div(v128.load(op.m + at), f32x4.splat(op.correction1)), size);
  return f32x4.add(adapted, f32x4.mul(f32x4.splat(op.weightDecay), v128.load(op.param + at)));
}

function trustRatio(op: Lamb): f64 {
  if (op.weightDecay == 0) return 1;
  let ofParam: f64 = 0;
  let ofUpdate: f64 = 0;
  for (let panel = 0; panel < op.panels; panel++) {
    const squares = op.squares + 16 * <usize>panel;
    ofParam += load<f64>(squares);
    ofUpdate += load<f64>(squares, 8);
  }
  return ofParam > 0 && ofUpdate > 0 ? sqrt(ofParam) / sqrt(ofUpdate) : 1;
}
