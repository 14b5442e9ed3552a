import { uniform } from './philox.js';
import { requireRange, requireSameShape } from './require.js';
import { tensor, zeros, zip, type Tensor } from './tensor.js';

/**
 * Draws a mask: element i is 0 if `uniform(seed, stream, i)` < rate, else 1.
 *
 * @param rate probability of a zero, in [0, 1)
 */
export function dropoutMask(shape: readonly number[], rate: number, seed: number, stream: number): Tensor {
  requireRange('dropoutMask', 'rate', rate, 0, 1, true);
  const { size } = zeros(shape);
  const mask = Float64Array.from({ length: size }, (_, i) => (uniform(seed, stream, i) < rate ? 0 : 1));
  return tensor(mask, shape);
}

/**
 * Dropout in training (Srivastava et al., JMLR 15, 2014):
 *
 *     y = x · mask / (1 − rate)
 *
 * The expected value of y is x. In evaluation, dropout is the identity, and this is not called.
 *
 * @param x any shape
 * @param mask of x's shape, zeros and ones
 * @param rate probability of a zero, in [0, 1)
 * @throws ShapeError, ParamError
 */
export function dropout(x: Tensor, mask: Tensor, rate: number): Tensor {
  requireRange('dropout', 'rate', rate, 0, 1, true);
  requireSameShape('dropout', 'mask', mask, 'x', x);
  return zip(x, mask, (v, keep) => (v * keep) / (1 - rate));
}

/** dx = dy · mask / (1 − rate) */
export function dropoutBackward(dy: Tensor, mask: Tensor, rate: number): Tensor {
  requireRange('dropoutBackward', 'rate', rate, 0, 1, true);
  requireSameShape('dropoutBackward', 'mask', mask, 'dy', dy);
  return zip(dy, mask, (g, keep) => (g * keep) / (1 - rate));
}
