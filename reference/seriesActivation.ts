import { batchNorm, batchNormBackward, type BatchNormOptions, type BatchNormParameters } from './batchNorm.js';
import type { BatchNormResult, BatchNormSaved } from './batchNorm.js';
import { depthwiseConv2d, depthwiseConv2dBackward } from './depthwiseConv2d.js';
import { leakyRelu, leakyReluBackward } from './leakyRelu.js';
import { requireOptions, requireShape, requireTensor } from './require.js';
import type { Tensor } from './tensor.js';

/** n of a (2n+1)x(2n+1) kernel, which is also the padding that keeps the size of the map. */
function halfWidth(weight: Tensor): number {
  requireTensor('seriesActivation', 'weight', weight);
  const [, , size = 0] = weight.shape;
  requireShape('seriesActivation', 'weight', weight, ['c', 1, size, size]);
  return (weight.shape[2] - 1) / 2;
}

/** What forward saves for backward. */
export interface SeriesActivationSaved {
  readonly x: Tensor;
  /** max(x, 0) */
  readonly rectified: Tensor;
  readonly batchNorm: BatchNormSaved;
}

/**
 * The series activation in the train form (arXiv 2305.12972, eq. 5, as in the official code):
 *
 *     y = BN( Σ_{i,j ∈ {−n…n}} a[c,i,j] · max(x[n, c, h+i, w+j], 0) )
 *
 * It is a ReLU, a depthwise (2n+1)x(2n+1) convolution with padding n and without a bias, and a batch normalization.
 * The paper writes a·A(x + b), with the bias b inside the ReLU. The official code has the bias after the convolution,
 * as the β of the normalization; so does this function.
 *
 * @param x [n,c,h,w]
 * @param weight a [c,1,2n+1,2n+1]
 * @param bn parameters of the batch normalization
 * @returns y [n,c,h,w], what backward needs, and the running statistics after this batch (new tensors)
 * @throws ShapeError, ParamError
 */
export function seriesActivation(
  x: Tensor,
  weight: Tensor,
  bn: BatchNormParameters,
  options: BatchNormOptions,
): Omit<BatchNormResult, 'saved'> & { saved: SeriesActivationSaved } {
  const rectified = leakyRelu(x, 0);
  const mixed = depthwiseConv2d(rectified, weight, null, { padding: halfWidth(weight) });
  const result = batchNorm(mixed, bn, options);
  return { ...result, saved: { x, rectified, batchNorm: result.saved } };
}

/**
 * The backward passes of the three parts, in reverse order.
 *
 * @param dy [n,c,h,w]
 * @param gamma γ of the normalization [c]
 * @returns dx [n,c,h,w], dw [c,1,2n+1,2n+1], and the gradients of the normalization's γ and β [c]
 */
export function seriesActivationBackward(
  dy: Tensor,
  weight: Tensor,
  gamma: Tensor,
  saved: SeriesActivationSaved,
): { dx: Tensor; dw: Tensor; dgamma: Tensor; dbeta: Tensor } {
  const { x, rectified, batchNorm: bnSaved } = requireOptions('seriesActivationBackward', 'saved', saved);
  const bn = batchNormBackward(dy, gamma, bnSaved);
  const conv = depthwiseConv2dBackward(bn.dx, rectified, weight, { padding: halfWidth(weight) });
  return { dx: leakyReluBackward(conv.dx, x, 0), dw: conv.dw, dgamma: bn.dw, dbeta: bn.db };
}
