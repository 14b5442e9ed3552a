import { full, zeros, type Tensor } from './tensor.js';

/** The rows or columns [first, end) of the input in the window of one output. */
export type Window = readonly [first: number, end: number];

/** Position of a window's maximum: the first in scan order among equal values. NaN is the maximum, as in PyTorch. */
function positionOfMax(
  x: Tensor,
  image: number,
  channel: number,
  [firstRow, endRow]: Window,
  [firstColumn, endColumn]: Window,
): [row: number, column: number] {
  let [bestRow, bestColumn] = [firstRow, firstColumn];
  let best = x.get(image, channel, firstRow, firstColumn);
  for (let row = firstRow; row < endRow; row++) {
    for (let column = firstColumn; column < endColumn; column++) {
      const v = x.get(image, channel, row, column);
      if (v > best || (Number.isNaN(v) && !Number.isNaN(best))) [best, bestRow, bestColumn] = [v, row, column];
    }
  }
  return [bestRow, bestColumn];
}

/**
 * Maximum pooling over windows.
 *
 * @param x [n,c,h,w]
 * @param rows the window of each output row
 * @param columns the window of each output column
 * @returns y [n,c,rows,columns]
 */
export function windowMax(x: Tensor, rows: readonly Window[], columns: readonly Window[]): Tensor {
  const [n, c] = x.shape;
  const y = zeros([n, c, rows.length, columns.length]);
  for (let image = 0; image < n; image++) {
    for (let channel = 0; channel < c; channel++) {
      rows.forEach((rowWindow, r) => {
        columns.forEach((columnWindow, s) => {
          const [row, column] = positionOfMax(x, image, channel, rowWindow, columnWindow);
          y.set(image, channel, r, s, x.get(image, channel, row, column));
        });
      });
    }
  }
  return y;
}

/** The second largest value of each window; −∞ if the window has one element. */
export function windowRunnerUp(x: Tensor, rows: readonly Window[], columns: readonly Window[]): Tensor {
  const [n, c] = x.shape;
  const y = full([n, c, rows.length, columns.length], -Infinity);
  for (let image = 0; image < n; image++) {
    for (let channel = 0; channel < c; channel++) {
      rows.forEach((rowWindow, r) => {
        columns.forEach((columnWindow, s) => {
          const [bestRow, bestColumn] = positionOfMax(x, image, channel, rowWindow, columnWindow);
          for (let row = rowWindow[0]; row < rowWindow[1]; row++) {
            for (let column = columnWindow[0]; column < columnWindow[1]; column++) {
              if (row === bestRow && column === bestColumn) continue;
              y.set(image, channel, r, s, Math.max(y.get(image, channel, r, s), x.get(image, channel, row, column)));
            }
          }
        });
      });
    }
  }
  return y;
}

/** Adds dy to the maximum of each window; windows may overlap. */
export function windowMaxBackward(dy: Tensor, x: Tensor, rows: readonly Window[], columns: readonly Window[]): Tensor {
  const [n, c] = x.shape;
  const dx = zeros(x.shape);
  for (let image = 0; image < n; image++) {
    for (let channel = 0; channel < c; channel++) {
      rows.forEach((rowWindow, r) => {
        columns.forEach((columnWindow, s) => {
          const [row, column] = positionOfMax(x, image, channel, rowWindow, columnWindow);
          dx.set(image, channel, row, column, dx.get(image, channel, row, column) + dy.get(image, channel, r, s));
        });
      });
    }
  }
  return dx;
}
