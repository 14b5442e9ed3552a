import ndarray from '#ndarray';
import type { NdArray } from './views.js';
import { ShapeError } from './errors.js';

/** Everything here is float64 on an ndarray: activations NCHW, weights OIHW. */
export type Tensor = NdArray;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const formatShape = (shape: readonly number[]): string => `[${shape.join(',')}]`;

/** 4 GiB of float64: what is larger was meant for another machine, or is a slip. */
const MAX_SIZE = 2 ** 29;

export function zeros(shape: readonly number[]): Tensor {
  const size = sizeOf(shape);
  if (!(size <= MAX_SIZE)) throw new ShapeError('tensor', `at most ${MAX_SIZE} values`, formatShape(shape));
  return ndarray(new Float64Array(size), [...shape]);
}

export function full(shape: readonly number[], value: number): Tensor {
  const x = zeros(shape);
  x.data.fill(value);
  return x;
}

/** A tensor of these values, given in row-major order. */
export function tensor(values: ArrayLike<number>, shape: readonly number[]): Tensor {
  if (values.length !== sizeOf(shape)) {
    throw new ShapeError('tensor', `${sizeOf(shape)} values for shape ${formatShape(shape)}`, `${values.length}`);
  }
  return ndarray(Float64Array.from(values), [...shape]);
}

/** A tensor's values in row-major order, whatever view it is: a copy. */
export function valuesOf(x: Tensor): Float64Array {
  const { shape, stride, data } = x;
  const values = new Float64Array(sizeOf(shape));
  const index = shape.map(() => 0);
  let position = x.offset;
  for (let i = 0; i < values.length; i++) {
    values[i] = data[position];
    // Count up like an odometer: the last axis runs fastest.
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

/** y = f(x), element by element. */
export const map = (x: Tensor, f: (value: number) => number): Tensor => ndarray(valuesOf(x).map(f), [...x.shape]);

/** z = f(x, y), element by element; both of one shape. */
export function zip(x: Tensor, y: Tensor, f: (a: number, b: number) => number): Tensor {
  const [a, b] = [valuesOf(x), valuesOf(y)];
  return ndarray(
    a.map((value, i) => f(value, b[i])),
    [...x.shape],
  );
}

/** The largest magnitude in x. */
export const maxAbs = (x: Tensor): number => valuesOf(x).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
