/** Checks of arguments, which may be of any type, because callers may not use TypeScript. */
import { ParamError, ShapeError, WeightsError } from './errors.js';
import type { NdArray as Tensor } from './views.js';

type State = ReadonlyMap<string, Tensor>;

/** Values of a list that `show` prints, and characters of a text. */
const SHOWN = 16;

/** A value for `got` in an error. It runs no code of the value, and stays short. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 5 * SHOWN));
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value))
    return `[${value.slice(0, SHOWN).map(showPart).join(',')}${value.length > SHOWN ? ',…' : ''}]`;
  return ArrayBuffer.isView(value) ? 'a typed array' : 'an object';
}

const showPart = (value: unknown): string => (typeof value === 'object' && value !== null ? '…' : String(value));

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** The most axes of a tensor, as in NumPy. */
const MAX_AXES = 32;

/** `every` would pass over holes. */
const areSizes = (shape: unknown): shape is number[] =>
  Array.isArray(shape) && shape.length <= MAX_AXES && !shape.includes(undefined) && shape.every(isCount);

/** A list of sizes: at most 32 integers ≥ 0. @throws ShapeError */
export function requireSizes(op: string, shape: readonly number[]): void {
  if (!areSizes(shape)) throw new ShapeError(op, 'a shape of integers >= 0', show(shape));
}

/** Whether every element of a view is in its data. */
function isInside({ data, shape, stride, offset }: Tensor): boolean {
  if (shape.includes(0)) return true;
  let [first, last] = [offset, offset];
  shape.forEach((size, axis) => {
    const reach = (size - 1) * stride[axis];
    if (reach < 0) first += reach;
    else last += reach;
  });
  return first >= 0 && last < data.length;
}

const isTensor = (x: unknown): x is Tensor =>
  isObject(x) &&
  ArrayBuffer.isView(x['data']) &&
  areSizes(x['shape']) &&
  Array.isArray(x['stride']) &&
  x['stride'].every(Number.isSafeInteger) &&
  x['stride'].length === x['shape'].length &&
  Number.isSafeInteger(x['offset']) &&
  typeof x['get'] === 'function' &&
  isInside(x as unknown as Tensor);

/** Checks that a value is a tensor of this folder, or a view of one. @throws ShapeError */
export function requireTensor(op: string, name: string, x: Tensor): void {
  const value: unknown = x;
  if (isTensor(value)) return;
  const hint = 'Make it by tensor(values, shape).';
  throw new ShapeError(op, `${name}, an ndarray of float64 values`, show(value), hint);
}

/**
 * Checks the shape of a tensor. Letters stand for any size ≥ 1:
 * `requireShape('conv2d', 'weight', w, ['k', c, 'kh', 'kw'])`.
 *
 * @throws ShapeError
 */
export function requireShape(op: string, name: string, x: Tensor, shape: readonly (number | string)[]): void {
  requireTensor(op, name, x);
  const fits =
    x.shape.length === shape.length &&
    shape.every((s, i) => (typeof s === 'string' ? x.shape[i] >= 1 : x.shape[i] === s));
  if (!fits) throw new ShapeError(op, `${name} ${show(shape)}`, `${name} ${show(x.shape)}`);
}

/** Checks that two tensors have the same shape. @throws ShapeError */
export function requireSameShape(op: string, name: string, x: Tensor, other: string, y: Tensor): void {
  requireTensor(op, other, y);
  requireShape(op, name, x, y.shape);
}

/**
 * An object of options or saved values.
 *
 * @param keys the names of the options; by default any
 * @throws ParamError for anything else, and for an unknown key
 */
export function requireOptions<T>(op: string, name: string, options: T, keys?: readonly string[]): T & object {
  const value: unknown = options;
  if (!isObject(value) || Array.isArray(value)) throw new ParamError(op, `${name}, an object`, show(value));
  const unknown = keys && Object.keys(value).find((key) => !keys.includes(key));
  if (keys === undefined || unknown === undefined) return options as T & object;
  const expected = `${name} with the keys ${keys.join(', ')}`;
  throw new ParamError(op, expected, `the unknown key ${show(unknown)}`, nearestHint(unknown, keys));
}

/** The name that differs in the fewest letters, if it is near. */
function nearestHint(name: string, names: readonly string[]): string | undefined {
  const distances = names.map((each) => editDistance(name.toLowerCase(), each.toLowerCase()));
  const least = Math.min(...distances);
  return least <= Math.min(3, name.length / 3) ? `Did you mean ${names[distances.indexOf(least)]}?` : undefined;
}

/** Characters to insert, delete or replace, and neighbors to exchange (Damerau and Levenshtein). */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const [row, above] = [[i], rows[i - 1]];
    for (let j = 1; j <= b.length; j++) {
      const replacement = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchange = isExchange ? rows[i - 2][j - 2] + 1 : Infinity;
      row.push(Math.min(replacement, exchange, above[j] + 1, row[j - 1] + 1));
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}

/** A list. @throws ParamError for anything else */
export function requireList<T extends readonly unknown[]>(op: string, name: string, list: T): T {
  if (Array.isArray(list)) return list;
  throw new ParamError(op, `${name}, a list`, show(list));
}

/** A text. @throws ParamError for anything else */
export function requireText(op: string, name: string, text: string): string {
  if (typeof text === 'string') return text;
  throw new ParamError(op, `${name}, a string`, show(text));
}

/** A set of names. @throws ParamError for anything else */
export function requireNames(op: string, name: string, names: ReadonlySet<string>): ReadonlySet<string> {
  const value: unknown = names;
  if (isObject(value) && typeof value['has'] === 'function') return names;
  throw new ParamError(op, `${name}, a Set of names`, show(names));
}

/** True or false. @throws ParamError for anything else */
export function requireBoolean(op: string, name: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value;
  throw new ParamError(op, `${name} true or false`, `${name} = ${show(value)}`);
}

/** One of some words. @throws ParamError for anything else */
export function requireOneOf<T extends string>(op: string, name: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value;
  const expected = words.map((word) => `'${word}'`).join(' or ');
  const hint = typeof value === 'string' ? nearestHint(value, words) : undefined;
  throw new ParamError(op, expected, `${name} = ${show(value)}`, hint);
}

/** Tensors by name. @throws WeightsError for anything else */
export function requireState(op: string, name: string, state: State): State {
  const value: unknown = state;
  const isMap = isObject(value) && typeof value['get'] === 'function' && Symbol.iterator in value;
  if (!isMap) throw new WeightsError(op, `${name}, a Map of tensors by name`, show(value));
  for (const [key, tensor] of state) requireTensor(op, requireText(op, 'names in a state', key), tensor);
  return state;
}

/** Checks that a value is an integer ≥ min. @throws ParamError */
export function requireInteger(op: string, name: string, value: number, min: number): void {
  if (!Number.isSafeInteger(value) || value < min) {
    throw new ParamError(op, `${name} an integer >= ${min}`, `${name} = ${show(value)}`);
  }
}

/** Checks that a value is a number in [low, high], or in [low, high) if `open`. @throws ParamError */
export function requireRange(op: string, name: string, value: number, low: number, high: number, open = false): void {
  const inside = typeof value === 'number' && value >= low && (open ? value < high : value <= high);
  if (inside) return;
  const range = high === Infinity ? `>= ${low}` : `in [${low}, ${high}${open ? ')' : ']'}`;
  throw new ParamError(op, `${name} ${range}`, `${name} = ${show(value)}`);
}

/** Checks that a value is a finite number ≥ 0. @throws ParamError */
export function requireNonNegative(op: string, name: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw new ParamError(op, `${name} >= 0`, `${name} = ${show(value)}`);
}

/** Checks that a value is a finite number > 0. @throws ParamError */
export function requirePositive(op: string, name: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new ParamError(op, `${name} > 0`, `${name} = ${show(value)}`);
}

/** Checks that a value is a number; infinity and NaN are numbers. @throws ParamError */
export function requireNumber(op: string, name: string, value: number): void {
  if (typeof value !== 'number') throw new ParamError(op, `${name} a number`, `${name} = ${show(value)}`);
}
