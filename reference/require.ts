import { ParamError, ShapeError } from './errors.js';
import { formatShape, type Tensor } from './tensor.js';

/**
 * Checks the shape of a tensor. Letters stand for any size ≥ 1:
 * `requireShape('conv2d', 'weight', w, ['k', c, 'kh', 'kw'])`.
 *
 * @throws ShapeError
 */
export function requireShape(op: string, name: string, x: Tensor, shape: readonly (number | string)[]): void {
  const fits =
    x.shape.length === shape.length &&
    shape.every((s, i) => (typeof s === 'string' ? x.shape[i] >= 1 : x.shape[i] === s));
  if (!fits) throw new ShapeError(op, `${name} [${shape.join(',')}]`, `${name} ${formatShape(x.shape)}`);
}

/** Checks that a value is an integer ≥ min. @throws ParamError */
export function requireInteger(op: string, name: string, value: number, min: number): void {
  if (!Number.isSafeInteger(value) || value < min) {
    throw new ParamError(op, `${name} an integer >= ${min}`, `${name} = ${value}`);
  }
}

/** Checks that a value is a number in [low, high], or in [low, high) if `open`. @throws ParamError */
export function requireRange(op: string, name: string, value: number, low: number, high: number, open = false): void {
  const inside = typeof value === 'number' && value >= low && (open ? value < high : value <= high);
  if (!inside) {
    throw new ParamError(op, `${name} in [${low}, ${high}${open ? ')' : ']'}`, `${name} = ${value}`);
  }
}
