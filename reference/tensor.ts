import ndarray from '#ndarray';
import type { NdArray } from './views.js';
import { ShapeError } from './errors.js';
import { requireSizes, requireTensor, show } from './require.js';

/** A float64 `ndarray`. Activations are NCHW, weights OIHW. */
export type Tensor = NdArray;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const formatShape = (shape: readonly number[]): string => `[${shape.join(',')}]`;

/** 1 GiB of float64. A larger tensor is probably a mistake. */
const MAX_SIZE = 2 ** 27;

/** A tensor of zeros. @throws ShapeError above 2²⁷ values */
export function zeros(shape: readonly number[]): Tensor {
  requireSizes('tensor', shape);
  const size = sizeOf(shape);
  if (!(size <= MAX_SIZE)) throw new ShapeError('tensor', `at most ${MAX_SIZE} values`, formatShape(shape));
  return ndarray(new Float64Array(size), [...shape]);
}

export function full(shape: readonly number[], value: number): Tensor {
  const x = zeros(shape);
  x.data.fill(value);
  return x;
}

/** Numbers in an array. @throws ShapeError for anything else */
function requireValues(values: ArrayLike<number>): void {
  const isArray = Array.isArray(values) || (ArrayBuffer.isView(values) && !(values instanceof DataView));
  if (isArray && Array.prototype.every.call(values, (value) => typeof value === 'number')) return;
  throw new ShapeError('tensor', 'values, an array of numbers', show(values));
}

/**
 * A tensor of a copy of the values.
 *
 * @param values in row-major order
 * @throws ShapeError if their number does not fit the shape
 */
export function tensor(values: ArrayLike<number>, shape: readonly number[]): Tensor {
  requireSizes('tensor', shape);
  requireValues(values);
  if (values.length !== sizeOf(shape)) {
    throw new ShapeError('tensor', `${sizeOf(shape)} values for shape ${formatShape(shape)}`, `${values.length}`);
  }
  // An array whose memory was transferred has no values, and cannot be iterated.
  return ndarray(values.length === 0 ? new Float64Array(0) : Float64Array.from(values), [...shape]);
}

/** A copy of a tensor's values in row-major order, for any strides. */
export function valuesOf(x: Tensor): Float64Array {
  requireTensor('valuesOf', 'x', x);
  const { shape, stride, data } = x;
  const values = new Float64Array(sizeOf(shape));
  const index = shape.map(() => 0);
  let position = x.offset;
  for (let i = 0; i < values.length; i++) {
    values[i] = data[position];
    // Increments the index like an odometer: the last axis changes fastest.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]++;
      position += stride[axis];
      if (index[axis] < shape[axis]) break;
      position -= stride[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return values;
}

/** y = f(x), elementwise. */
export const map = (x: Tensor, f: (value: number) => number): Tensor => ndarray(valuesOf(x).map(f), [...x.shape]);

/** z = f(x, y), elementwise; x and y have the same shape. */
export function zip(x: Tensor, y: Tensor, f: (a: number, b: number) => number): Tensor {
  const [a, b] = [valuesOf(x), valuesOf(y)];
  return ndarray(
    a.map((value, i) => f(value, b[i])),
    [...x.shape],
  );
}

/** max |x| */
export const maxAbs = (x: Tensor): number => valuesOf(x).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
