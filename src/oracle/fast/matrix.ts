/** Matrices of float64 values that are read part of a row by part of a row: their values may be computed on reading. */
import type { FloatArray } from '../../core/tensor.js';

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Writes columns [from, to) of a row to the beginning of `target`. */
  read(row: number, from: number, to: number, target: Float64Array): void;
}

/** The matrix of row-major values. */
export const matrix = (data: FloatArray, columns: number): Matrix => ({
  rows: data.length / columns,
  columns,
  read(row, from, to, target) {
    target.set(data.subarray(row * columns + from, row * columns + to));
  },
});

/** t[row]·W[row,column] */
export const scaleRows = (w: Matrix, t: Float64Array): Matrix => ({
  ...w,
  read(row, from, to, target) {
    w.read(row, from, to, target);
    const scale = t[row];
    for (let i = 0; i < to - from; i++) target[i] *= scale;
  },
});

/** |W| */
export const absolute = (w: Matrix): Matrix => ({
  ...w,
  read(row, from, to, target) {
    w.read(row, from, to, target);
    for (let i = 0; i < to - from; i++) target[i] = Math.abs(target[i]);
  },
});
