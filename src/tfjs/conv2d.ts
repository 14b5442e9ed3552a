import type { ConvParams } from '../core/ops.js';
import { runKernel, type Maps, type Tf, type Vector } from './tf.js';

/** Engines differ in which paddings a convolution takes; zeros around the map they all take. */
const padded = (tf: Tf, x: Maps, padding: number): Maps =>
  padding === 0
    ? x
    : tf.pad(x, [
        [0, 0],
        [padding, padding],
        [padding, padding],
        [0, 0],
      ]);

/**
 * y[n,oy,ox,k] = bias[k] + Σ_{i,j,c} weight[i,j,c,k] · x[n, oy·stride − padding + i, ox·stride − padding + j, c]
 *
 * @param x [n,h,w,c]
 * @param weight [kh,kw,c,k]
 */
export const conv2d = (tf: Tf, x: Maps, weight: Maps, bias: Vector, { stride, padding }: ConvParams): Maps =>
  tf.fused.conv2d({ x: padded(tf, x, padding), filter: weight, strides: stride, pad: 'valid', bias });

/** dx, dw and db; the sums of `conv2d` the other way round. */
export function conv2dBackward(
  tf: Tf,
  dy: Maps,
  x: Maps,
  weight: Maps,
  { stride, padding }: ConvParams,
): { dx: Maps; dw: Maps; db: Vector } {
  const from = padded(tf, x, padding);
  const shared = { strides: [stride, stride], pad: 'valid', dataFormat: 'NHWC', dilations: [1, 1] };
  const around = runKernel(tf, 'Conv2DBackpropInput', { dy, filter: weight }, { ...shared, inputShape: from.shape });
  return {
    dx: padding === 0 ? around : tf.slice(around, [0, padding, padding, 0], x.shape),
    dw: runKernel(tf, 'Conv2DBackpropFilter', { x: from, dy }, { ...shared, filterShape: weight.shape }),
    db: tf.sum(dy, [0, 1, 2]),
  };
}
