import { uniform } from './philox.js';
import { requireRange, requireShape } from './require.js';
import { sizeOf, tensor, zip, type Tensor } from './tensor.js';

/** A mask of this shape: 0 with probability `rate`, else 1; element i is drawn at `uniform(seed, stream, i)`. */
export function dropoutMask(shape: readonly number[], rate: number, seed: number, stream: number): Tensor {
  requireRange('dropoutMask', 'rate', rate, 0, 1, true);
  const mask = Float64Array.from({ length: sizeOf(shape) }, (_, i) => (uniform(seed, stream, i) < rate ? 0 : 1));
  return tensor(mask, shape);
}

/**
 * Dropout in training: y = x · mask / (1 − rate), so that the expected value of y
 * is x. In eval dropout is the identity, and is not called.
 *
 * @param x any shape
 * @param mask of x's shape, zeros and ones
 * @param rate probability of a zero, in [0, 1)
 */
export function dropout(x: Tensor, mask: Tensor, rate: number): Tensor {
  requireRange('dropout', 'rate', rate, 0, 1, true);
  requireShape('dropout', 'mask', mask, x.shape);
  return zip(x, mask, (v, kept) => (v * kept) / (1 - rate));
}

/** dx = dy · mask / (1 − rate): the same map as forward. */
export function dropoutBackward(dy: Tensor, mask: Tensor, rate: number): Tensor {
  requireRange('dropoutBackward', 'rate', rate, 0, 1, true);
  requireShape('dropoutBackward', 'mask', mask, dy.shape);
  return zip(dy, mask, (g, kept) => (g * kept) / (1 - rate));
}
