import { expOfNegative, logOfLarge } from './exp';
import { planeBytes } from './planes';

/**
 * Cross-entropy with target distributions q over the classes, such as those of label smoothing, mixup and CutMix:
 *
 *     loss[i] = −Σ_c q[i,c] · log p[i,c]        dx[i,c] = (p[i,c]·Σ q[i,·] − q[i,c])/n
 *
 * in nats, with p the softmax of x. Computed in float64.
 */
@unmanaged
export class SoftmaxCrossEntropy {
  /** Planes of one pixel an image. */
  x: usize;
  dx: usize;
  /** Float32 [n][classes]. */
  q: usize;
  /** Float64 [n]. */
  loss: usize;
  n: i32;
  classes: i32;
}

/** Loss and gradient of images `from` to `to` (exclusive). Loop order: class by class. */
export function softmaxCrossEntropy(address: usize, from: i32, to: i32): void {
  const op = changetype<SoftmaxCrossEntropy>(address);
  const pitchBytes = planeBytes(op.n);
  for (let image = from; image < to; image++) {
    const x = op.x + 16 * <usize>image;
    const dx = op.dx + 16 * <usize>image;
    const q = op.q + 4 * <usize>(image * op.classes);
    let largest = f32.NEGATIVE_INFINITY;
    for (let c = 0; c < op.classes; c++) largest = max(largest, load<f32>(x + classAt(c, pitchBytes)));
    let total: f64 = 0;
    let weight: f64 = 0;
    let cross: f64 = 0;
    for (let c = 0; c < op.classes; c++) {
      const centered = <f64>load<f32>(x + classAt(c, pitchBytes)) - <f64>largest;
      const share = <f64>load<f32>(q + 4 * <usize>c);
      total += expOfNegative(centered);
      weight += share;
      cross += share * centered;
    }
    store<f64>(op.loss + 8 * <usize>image, weight * logOfLarge(total) - cross);
    for (let c = 0; c < op.classes; c++) {
      const at = classAt(c, pitchBytes);
      const p = expOfNegative(<f64>load<f32>(x + at) - <f64>largest) / total;
      store<f32>(dx + at, <f32>((p * weight - <f64>load<f32>(q + 4 * <usize>c)) / <f64>op.n));
    }
    clearPadding(dx, op.classes, pitchBytes);
  }
}

/** Zeroes the gradients of the channels that the network does not have, which would change their weights. */
export function clearPadding(dx: usize, classes: i32, pitchBytes: usize): void {
  for (let c = classes; c < ((classes + 7) & ~7); c++) store<f32>(dx + classAt(c, pitchBytes), 0);
}

/** Byte offset of class c from the first class of an image. */
export function classAt(c: i32, pitchBytes: usize): usize {
  return <usize>(c >> 2) * pitchBytes + 4 * <usize>(c & 3);
}
