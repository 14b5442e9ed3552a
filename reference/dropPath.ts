import { dropout, dropoutBackward } from './dropout.js';
import { ShapeError } from './errors.js';
import { requireRange, requireShape, requireTensor } from './require.js';
import { formatShape, zeros, type Tensor } from './tensor.js';

/** Repeats the mask's value of each sample over all elements of the sample. */
function spread(op: string, mask: Tensor, name: string, x: Tensor): Tensor {
  requireTensor(op, name, x);
  const { shape } = x;
  if (shape.length === 0) throw new ShapeError(op, 'x [n,…]', `x ${formatShape(shape)}`);
  requireShape(op, 'mask', mask, [shape[0]]);
  const full = zeros(shape);
  const sample = full.size / shape[0];
  for (let i = 0; i < full.size; i++) full.data[i] = mask.get(Math.floor(i / sample));
  return full;
}

/**
 * Stochastic depth (Huang et al., arXiv 1603.09382), which drops whole samples:
 *
 *     y[i] = x[i] · mask[i] / (1 − rate)
 *
 * VanillaNet does not use it, because it has no shortcut around a dropped layer; the article defines it.
 *
 * @param x [n, …]
 * @param mask [n], zeros and ones: `dropoutMask([n], rate, seed, stream)`
 * @param rate probability of a zero, in [0, 1)
 * @throws ShapeError, ParamError
 */
export function dropPath(x: Tensor, mask: Tensor, rate: number): Tensor {
  requireRange('dropPath', 'rate', rate, 0, 1, true);
  return dropout(x, spread('dropPath', mask, 'x', x), rate);
}

/** dx[i] = dy[i] · mask[i] / (1 − rate) */
export function dropPathBackward(dy: Tensor, mask: Tensor, rate: number): Tensor {
  requireRange('dropPathBackward', 'rate', rate, 0, 1, true);
  return dropoutBackward(dy, spread('dropPathBackward', mask, 'dy', dy), rate);
}
