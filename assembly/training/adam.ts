/** Adjacent parameters, with their gradients and moments in the same order; float32. */
@unmanaged
export class Adam {
  param: usize;
  grad: usize;
  m: usize;
  v: usize;
  /** A multiple of 4. */
  count: i32;
  /** The following fields are written in every step. */
  lr: f32;
  beta1: f32;
  beta2: f32;
  /** 1 − β₁ and 1 − β₂, computed in float64: from a rounded β they would be off in the fifth digit. */
  rest1: f32;
  rest2: f32;
  eps: f32;
  weightDecay: f32;
  /** 1 − β₁ᵗ and 1 − β₂ᵗ. */
  correction1: f32;
  correction2: f32;
  /** Not 0: decay the parameter itself (AdamW) instead of adding the decay to its gradient. */
  decoupled: i32;
}

/** Parameters of a panel. */
export const PANEL: i32 = 4096;

/**
 *     g ← grad + weightDecay·param        decoupled: param ← param·(1 − lr·weightDecay), g ← grad
 *     m ← β₁·m + (1 − β₁)·g        v ← β₂·v + (1 − β₂)·g²
 *     param ← param − lr · (m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + eps)
 *
 * 4096 parameters a panel, four at a time.
 */
export function adam(address: usize, from: i32, to: i32): void {
  const op = changetype<Adam>(address);
  const beta1 = f32x4.splat(op.beta1);
  const beta2 = f32x4.splat(op.beta2);
  const rest1 = f32x4.splat(op.rest1);
  const rest2 = f32x4.splat(op.rest2);
  const lr = f32x4.splat(op.lr);
  const eps = f32x4.splat(op.eps);
  const correction1 = f32x4.splat(op.correction1);
  const correction2 = f32x4.splat(op.correction2);
  const coupled = f32x4.splat(op.decoupled ? 0 : op.weightDecay);
  const keep = f32x4.splat(op.decoupled ? 1 - op.lr * op.weightDecay : 1);
  const last: usize = 4 * <usize>min(to * PANEL, op.count);
  for (let at: usize = 4 * <usize>(from * PANEL); at < last; at += 16) {
    const p = f32x4.mul(v128.load(op.param + at), keep);
    const g = f32x4.add(v128.load(op.grad + at), f32x4.mul(coupled, p));
    const m = f32x4.add(f32x4.mul(beta1, v128.load(op.m + at)), f32x4.mul(rest1, g));
    const v = f32x4.add(f32x4.mul(beta2, v128.load(op.v + at)), f32x4.mul(rest2, f32x4.mul(g, g)));
    v128.store(op.m + at, m);
    v128.store(op.v + at, v);
    const size = f32x4.add(f32x4.sqrt(f32x4.div(v, correction2)), eps);
    v128.store(op.param + at, f32x4.sub(p, f32x4.mul(lr, f32x4.div(f32x4.div(m, correction1), size))));
  }
}
