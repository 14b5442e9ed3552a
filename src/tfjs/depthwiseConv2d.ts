import { runKernel, type Maps, type Tf, type Vector } from './tf.js';

/**
 * Convolves each channel with its own kernel. Zero padding keeps the size:
 *
 *     y[n,oy,ox,c] = bias[c] + Σ_{i,j} weight[i,j,c,0] · x[n, oy − m + i, ox − m + j, c]        kernels (2m+1) x (2m+1)
 *
 * @param x [n,h,w,c]
 * @param weight [kh,kw,c,1]
 * @param bias null if a batch norm follows
 */
export function depthwiseConv2d(tf: Tf, x: Maps, weight: Maps, bias: Vector | null): Maps {
  if (bias === null) return tf.depthwiseConv2d(x, weight, 1, 'same');
  return tf.fused.depthwiseConv2d({ x, filter: weight, strides: 1, pad: 'same', bias });
}

/** The gradients dx, dw and db of `depthwiseConv2d`. */
export function depthwiseConv2dBackward(tf: Tf, dy: Maps, x: Maps, weight: Maps): { dx: Maps; dw: Maps; db: Vector } {
  const shared = { strides: [1, 1], pad: 'same', dilations: [1, 1] };
  return {
    dx: runKernel(tf, 'DepthwiseConv2dNativeBackpropInput', { dy, filter: weight }, { ...shared, inputShape: x.shape }),
    dw: runKernel(tf, 'DepthwiseConv2dNativeBackpropFilter', { x, dy }, { ...shared, filterShape: weight.shape }),
    db: tf.sum(dy, [0, 1, 2]),
  };
}
