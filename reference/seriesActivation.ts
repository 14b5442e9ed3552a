import { batchNorm, batchNormBackward, type BatchNormOptions, type BatchNormParameters } from './batchNorm.js';
import type { BatchNormResult, BatchNormSaved } from './batchNorm.js';
import { depthwiseConv2d, depthwiseConv2dBackward } from './depthwiseConv2d.js';
import { leakyRelu, leakyReluBackward } from './leakyRelu.js';
import { requireShape } from './require.js';
import type { Tensor } from './tensor.js';

/** n of a (2n+1)x(2n+1) kernel: the padding that keeps the map's size. */
function halfWidth(weight: Tensor): number {
  requireShape('seriesActivation', 'weight', weight, ['c', 1, weight.shape[2], weight.shape[2]]);
  return (weight.shape[2] - 1) / 2;
}

export interface SeriesActivationSaved {
  readonly x: Tensor;
  /** max(x, 0) */
  readonly rectified: Tensor;
  readonly batchNorm: BatchNormSaved;
}

/**
 * The series activation in its train form (arXiv 2305.12972, eq. 5, as the
 * official code computes it):
 *
 *     y = BN( Σ_{i,j ∈ {−n…n}} a[c,i,j] · max(x[n, c, h+i, w+j], 0) )
 *
 * that is ReLU, a depthwise (2n+1)x(2n+1) convolution with padding n and no bias,
 * and a batch normalization. The paper writes a·A(x + b), with the bias inside
 * the ReLU; the code has it outside, in the normalization, and so has this.
 *
 * @param x [n,c,h,w]
 * @param weight a [c,1,2n+1,2n+1]
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

/** The three backward passes in reverse. `dgamma`, `dbeta` belong to the normalization. */
export function seriesActivationBackward(
  dy: Tensor,
  weight: Tensor,
  gamma: Tensor,
  { x, rectified, batchNorm: saved }: SeriesActivationSaved,
): { dx: Tensor; dw: Tensor; dgamma: Tensor; dbeta: Tensor } {
  const bn = batchNormBackward(dy, gamma, saved);
  const conv = depthwiseConv2dBackward(bn.dx, rectified, weight, { padding: halfWidth(weight) });
  return { dx: leakyReluBackward(conv.dx, x, 0), dw: conv.dw, dgamma: bn.dw, dbeta: bn.db };
}
