import { ShapeError } from './errors.js';
import { requireInteger, requireOptions, requireShape } from './require.js';
import { formatShape, type Tensor } from './tensor.js';
import { windowMax, windowMaxBackward, windowRunnerUp, type Window } from './windowMax.js';

export interface MaxPoolOptions {
  /** k, the height and width of a window. */
  readonly kernelSize: number;
  /** Default: `kernelSize`, so that windows do not overlap. */
  readonly stride?: number;
}

function windows(op: string, x: Tensor, options: MaxPoolOptions): [Window[], Window[]] {
  const { kernelSize, stride = kernelSize } = requireOptions(op, 'options', options, ['kernelSize', 'stride']);
  requireShape(op, 'x', x, ['n', 'c', 'h', 'w']);
  requireInteger(op, 'kernelSize', kernelSize, 1);
  requireInteger(op, 'stride', stride, 1);
  const [, , h, w] = x.shape;
  if (h < kernelSize || w < kernelSize) {
    throw new ShapeError(op, `a map of at least ${kernelSize}x${kernelSize}`, `x ${formatShape(x.shape)}`);
  }
  const along = (size: number): Window[] =>
    Array.from({ length: Math.floor((size - kernelSize) / stride) + 1 }, (_, o) => [
      o * stride,
      o * stride + kernelSize,
    ]);
  return [along(h), along(w)];
}

/**
 * Maximum pooling without padding:
 *
 *     y[n,c,oh,ow] = max over i, j < k of x[n, c, oh·s + i, ow·s + j]
 *
 * Rows and columns at the end that do not fill a window are dropped.
 *
 * @param x [n,c,h,w]
 * @returns y [n,c,oh,ow] with oh = ⌊(h − k)/s⌋ + 1, ow alike
 * @throws ShapeError if the map is smaller than the window, ParamError
 */
export function maxPool2d(x: Tensor, options: MaxPoolOptions): Tensor {
  return windowMax(x, ...windows('maxPool2d', x, options));
}

/**
 * Adds dy to the first maximum of each window, in scan order.
 *
 * @param dy [n,c,oh,ow]
 * @param x the input of forward [n,c,h,w]
 * @returns dx [n,c,h,w]
 */
export function maxPool2dBackward(dy: Tensor, x: Tensor, options: MaxPoolOptions): Tensor {
  const [rows, columns] = windows('maxPool2dBackward', x, options);
  requireShape('maxPool2dBackward', 'dy', dy, [x.shape[0], x.shape[1], rows.length, columns.length]);
  return windowMaxBackward(dy, x, rows, columns);
}

/** The second largest value of each window [n,c,oh,ow]; −∞ if the window has one element. */
export function maxPool2dRunnerUp(x: Tensor, options: MaxPoolOptions): Tensor {
  return windowRunnerUp(x, ...windows('maxPool2dRunnerUp', x, options));
}
