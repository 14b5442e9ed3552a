import { expOfNegative, logOfOnePlus } from './exp';
import { planeBytes } from './planes';
import { classAt, clearPadding, SoftmaxCrossEntropy } from './softmaxCrossEntropy';

/**
 * Binary cross-entropy of each class independently, with the operands of `SoftmaxCrossEntropy`:
 *
 *     loss[i] = mean over c of −q·log σ(x) − (1 − q)·log(1 − σ(x))        dx[i,c] = (σ(x) − q)/(n·classes)
 *
 * in nats. Computed in float64 from e = exp(−|x|), which does not overflow.
 * Images `from` to `to` (exclusive). Loop order: class by class.
 */
export function bceWithLogits(address: usize, from: i32, to: i32): void {
  const op = changetype<SoftmaxCrossEntropy>(address);
  const pitchBytes = planeBytes(op.n);
  const count = <f64>op.n * <f64>op.classes;
  for (let image = from; image < to; image++) {
    const dx = op.dx + 16 * <usize>image;
    const q = op.q + 4 * <usize>(image * op.classes);
    let total: f64 = 0;
    for (let c = 0; c < op.classes; c++) {
      const at = classAt(c, pitchBytes);
      const x = <f64>load<f32>(op.x + 16 * <usize>image + at);
      const share = <f64>load<f32>(q + 4 * <usize>c);
      const e = expOfNegative(-abs(x));
      // A sum of positive terms: max(x, 0) − q·x would lose digits.
      total += (x > 0 ? (1 - share) * x : -share * x) + logOfOnePlus(e);
      store<f32>(dx + at, <f32>(((x > 0 ? 1 / (1 + e) : e / (1 + e)) - share) / count));
    }
    store<f64>(op.loss + 8 * <usize>image, total / <f64>op.classes);
    clearPadding(dx, op.classes, pitchBytes);
  }
}
