import { requireInteger, requireList, requireShape } from './require.js';
import { zeros, type Tensor } from './tensor.js';
import { windowMax, windowMaxBackward, windowRunnerUp, type Window } from './windowMax.js';

function windows(op: string, x: Tensor, outputSize: readonly [number, number]): [Window[], Window[]] {
  const [oh, ow] = requireList(op, 'output size', outputSize);
  requireShape(op, 'x', x, ['n', 'c', 'h', 'w']);
  requireInteger(op, 'output height', oh, 1);
  requireInteger(op, 'output width', ow, 1);
  const [n, c, h, w] = x.shape;
  // Refuses an output that is too large, before its windows are listed.
  zeros([n, c, oh, ow]);
  const along = (size: number, outputs: number): Window[] =>
    Array.from({ length: outputs }, (_, o) => [
      Math.floor((o * size) / outputs),
      Math.ceil(((o + 1) * size) / outputs),
    ]);
  return [along(h, oh), along(w, ow)];
}

/**
 * Maximum pooling to a given output size. Along each axis, output o is the maximum of the inputs
 *
 *     [ ⌊o·size/outputs⌋, ⌈(o + 1)·size/outputs⌉ )
 *
 * so that the windows cover the map; neighboring windows may overlap.
 *
 * @param x [n,c,h,w]
 * @param outputSize [oh, ow]
 * @returns y [n,c,oh,ow]
 * @throws ShapeError, ParamError
 */
export function adaptiveMaxPool2d(x: Tensor, outputSize: readonly [number, number]): Tensor {
  return windowMax(x, ...windows('adaptiveMaxPool2d', x, outputSize));
}

/**
 * Adds dy to the first maximum of each window, in scan order.
 *
 * @param dy [n,c,oh,ow]
 * @param x the input of forward [n,c,h,w]
 * @returns dx [n,c,h,w]
 */
export function adaptiveMaxPool2dBackward(dy: Tensor, x: Tensor, outputSize: readonly [number, number]): Tensor {
  const [rows, columns] = windows('adaptiveMaxPool2dBackward', x, outputSize);
  requireShape('adaptiveMaxPool2dBackward', 'dy', dy, [x.shape[0], x.shape[1], ...outputSize]);
  return windowMaxBackward(dy, x, rows, columns);
}

/** The second largest value of each window [n,c,oh,ow]; −∞ if the window has one element. */
export function adaptiveMaxPool2dRunnerUp(x: Tensor, outputSize: readonly [number, number]): Tensor {
  return windowRunnerUp(x, ...windows('adaptiveMaxPool2dRunnerUp', x, outputSize));
}
