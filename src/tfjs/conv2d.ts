import type { ConvParams } from '../core/ops.js';
import { runKernel, type Maps, type Tf, type Vector } from './tf.js';

/** Pads with zeros explicitly: the engines differ in which paddings their convolutions support. */
const pad = (tf: Tf, x: Maps, padding: number): Maps =>
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
  tf.fused.conv2d({ x: pad(tf, x, padding), filter: weight, strides: stride, pad: 'valid', bias });

/** The gradients dx, dw and db of `conv2d`. */
export function conv2dBackward(
  tf: Tf,
  dy: Maps,
  x: Maps,
  weight: Maps,
  { stride, padding }: ConvParams,
): { dx: Maps; dw: Maps; db: Vector } {
  const input = pad(tf, x, padding);
  const shared = { strides: [stride, stride], pad: 'valid', dataFormat: 'NHWC', dilations: [1, 1] };
  const dInput = runKernel(tf, 'Conv2DBackpropInput', { dy, filter: weight }, { ...shared, inputShape: input.shape });
  return {
    dx: padding === 0 ? dInput : tf.slice(dInput, [0, padding, padding, 0], x.shape),
    dw: runKernel(tf, 'Conv2DBackpropFilter', { x: input, dy }, { ...shared, filterShape: weight.shape }),
    db: tf.sum(dy, [0, 1, 2]),
  };
}
