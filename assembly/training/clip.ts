import { PANEL } from './adam';
import { addSquares, lanesOf } from './squares';

/** All gradients, and the number by which they are divided to clip their norm to 1. */
@unmanaged
export class Clip {
  grad: usize;
  /** A multiple of 4. */
  count: i32;
  panels: i32;
  /** Float64: the sum of squares of each panel. */
  squares: usize;
  /** A float32: max(1, ‖g‖). */
  divisor: usize;
}

/** squares[panel] ← Σ g², 4096 gradients a panel. Loop order: four at a time, in two sums of float64. */
export function squareGradients(address: usize, from: i32, to: i32): void {
  const op = changetype<Clip>(address);
  for (let panel = from; panel < to; panel++) {
    const last: usize = 4 * <usize>min((panel + 1) * PANEL, op.count);
    let sum = f64x2.splat(0);
    for (let at: usize = 4 * <usize>(panel * PANEL); at < last; at += 16) {
      sum = addSquares(sum, v128.load(op.grad + at));
    }
    store<f64>(op.squares + 8 * <usize>panel, lanesOf(sum));
  }
}

/** divisor ← max(1, √Σ squares). One panel. Loop order: that of the panels, whichever thread computed them. */
export function clip(address: usize): void {
  const op = changetype<Clip>(address);
  let total: f64 = 0;
  for (let panel = 0; panel < op.panels; panel++) total += load<f64>(op.squares + 8 * <usize>panel);
  store<f32>(op.divisor, <f32>max<f64>(1, sqrt(total)));
}
