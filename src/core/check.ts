/**
 * Checks of options and parameters. Each takes the name that the error reports and a value of
 * unknown type, because callers may not use TypeScript; it returns the value with its type or
 * throws a ParamError.
 */
import { ParamError } from './errors.js';
import { nearestKey } from './nearestName.js';

export { nearestName } from './nearestName.js';

/** Ends of an interval: `min` and `max` belong to it, `above` and `below` do not. */
export interface Range {
  readonly min?: number;
  readonly above?: number;
  /** Infinity allows Infinity; otherwise a value must be finite. */
  readonly max?: number;
  readonly below?: number;
}

const SHOWN_LENGTH = 80;

const shorten = (text: string): string => (text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text);

/** A value in at most 80 characters, as JSON if possible, for `got` in an error. */
export function show(value: unknown): string {
  if (typeof value === 'string') return shorten(JSON.stringify(value.slice(0, SHOWN_LENGTH + 1)));
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (ArrayBuffer.isView(value)) return tagOf(value);
  try {
    return shorten(Array.isArray(value) ? showList(value.slice(0, SHOWN_LENGTH)) : (stringify(value) ?? tagOf(value)));
  } catch {
    // A BigInt, or a property that throws.
    return tagOf(value);
  }
}

/** A value that may be missing, for `got` in an error. */
export const showField = (value: unknown): string => (value === undefined ? 'nothing' : show(value));

/** JSON, but with NaN and Infinity, which JSON turns into null. */
const showList = (values: readonly unknown[]): string =>
  `[${values.map((each) => (typeof each === 'number' ? String(each) : stringify(each))).join(',')}]`;

/** The beginning of a value as JSON: the work does not grow with its size or depth, which may be those of a hostile file. */
function stringify(value: unknown): string | undefined {
  let visits = 0;
  const bound = (_: string, part: unknown): unknown => {
    if (++visits > SHOWN_LENGTH) return undefined;
    if (typeof part === 'string' || Array.isArray(part)) return part.slice(0, SHOWN_LENGTH + 1) as unknown;
    if (ArrayBuffer.isView(part)) return tagOf(part);
    return isRecord(part) ? firstProperties(part) : part;
  };
  return JSON.stringify(value, bound);
}

/** The first properties of an object, of which there may be millions. */
function firstProperties(value: object): object {
  const properties: Record<string, unknown> = {};
  let count = 0;
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    if (++count > SHOWN_LENGTH) break;
    Object.defineProperty(properties, key, { value: (value as Record<string, unknown>)[key], enumerable: true });
  }
  return properties;
}

/** The class of a built-in object, also of one from another realm, which `instanceof` does not recognize. */
export function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value).slice('[object '.length, -1);
  } catch {
    // A proxy, or a tag that throws.
    return 'Object';
  }
}

/** Whether a value is an object with keys: not null, not an array. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const refuse = (op: string, expected: string, value: unknown, hint?: string): never => {
  throw new ParamError({ op, expected, got: show(value), hint });
};

const contains = ({ min, above, max, below }: Range, value: number): boolean =>
  (Number.isFinite(value) || (value === Infinity && max === Infinity)) &&
  (min === undefined || value >= min) &&
  (above === undefined || value > above) &&
  (max === undefined || value <= max) &&
  (below === undefined || value < below);

/** `in [0, 1)`, `>= 0`, `> 0`, … */
function rangeText({ min, above, max, below }: Range): string {
  const low = min ?? above;
  const high = max === Infinity ? undefined : (max ?? below);
  if (low !== undefined && high !== undefined) {
    return ` in ${min === undefined ? '(' : '['}${low}, ${high}${max === undefined ? ')' : ']'}`;
  }
  if (low !== undefined) return ` ${min === undefined ? '>' : '>='} ${low}`;
  return high === undefined ? '' : ` ${max === undefined ? '<' : '<='} ${high}`;
}

/** A finite number in a range. @param noun for the error, such as `milliseconds` @throws ParamError */
export function checkNumber(op: string, value: unknown, range: Range = {}, noun = 'a number'): number {
  return typeof value === 'number' && contains(range, value) ? value : refuse(op, `${noun}${rangeText(range)}`, value);
}

/** An integer in a range. @throws ParamError */
export function checkInteger(op: string, value: unknown, range: Range = {}): number {
  return isInteger(value, range) ? value : refuse(op, `an integer${rangeText(range)}`, value);
}

/** Whether a value is an integer in a range. */
export const isInteger = (value: unknown, range: Range = {}): value is number =>
  Number.isSafeInteger(value) && contains(range, value as number);

/** @throws ParamError */
export function checkBoolean(op: string, value: unknown): boolean {
  return typeof value === 'boolean' ? value : refuse(op, 'true or false', value);
}

/** @throws ParamError */
export function checkFunction<T>(op: string, value: T): T & ((...args: never[]) => unknown) {
  return typeof value === 'function' ? (value as T & ((...args: never[]) => unknown)) : refuse(op, 'a function', value);
}

/** An object with keys. @throws ParamError */
export function checkObject<T>(op: string, value: T): T & object {
  const unknown: unknown = value;
  return isRecord(unknown) ? (value as T & object) : refuse(op, 'an object', value);
}

/** One of some names; the hint is the nearest name if there is a near one. @throws ParamError */
export function checkOneOf<T extends string>(op: string, value: unknown, names: readonly T[]): T {
  const match = names.find((name) => name === value);
  return (
    match ?? refuse(op, namesText(names), value, typeof value === 'string' ? nearestHint(value, names) : undefined)
  );
}

/** An object without unknown keys. @param op returns the name in the error, from the key @throws ParamError */
export function checkKeys(object: object, keys: readonly string[], op: (key: string) => string): void {
  for (const key of Object.keys(object)) {
    if (keys.includes(key)) continue;
    const expected = `one of the keys ${keys.join(', ')}`;
    throw new ParamError({ op: op(key), expected, got: 'an unknown key', hint: nearestHint(key, keys) });
  }
}

/** The options of a function: an object without unknown keys. @throws ParamError */
export function checkOptions<T>(options: T, keys: readonly string[], op = 'options'): T & object {
  const object = checkObject(op, options);
  checkKeys(object, keys, (key) => key);
  return object;
}

const namesText = (names: readonly string[]): string =>
  names.length === 2 ? names.map((name) => `'${name}'`).join(' or ') : `one of ${names.join(', ')}`;

function nearestHint(name: string, names: readonly string[]): string | undefined {
  const nearest = nearestKey(name, names);
  return nearest === undefined ? undefined : `Did you mean ${nearest}?`;
}
