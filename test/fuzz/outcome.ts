/** What a call did: it accepted its input, refused it by a typed error, or broke a rule. */
import { createHash, type Hash } from 'node:crypto';
import { VanillaNetError } from '../../src/core/errors.js';
import { OracleError } from '../../reference/errors.js';

/** The most characters of a message and of a hint. */
export const MAX_MESSAGE = 4000;

/** An error that an input throws by itself, from its getters or as the reason of its signal: it passes through. */
export class CallerError extends Error {}

export type Outcome =
  | { readonly kind: 'accepted'; readonly digest: string }
  | { readonly kind: 'refused'; readonly message: string }
  /** The error of the caller itself. */
  | { readonly kind: 'caller' }
  | { readonly kind: 'fault'; readonly fault: string; readonly detail: string };

const isFilled = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** What is wrong with a typed error; null if nothing is. */
function defectOf(error: VanillaNetError | OracleError): string | null {
  const { op, expected, got, hint, message, name } = error;
  if (typeof op !== 'string') return 'an error whose op is no text';
  if (!isFilled(expected) || typeof got !== 'string') return 'an error without expected and got';
  if (message !== `${op}: expected ${expected}, got ${got}`) return 'a message that is not made of its fields';
  if (!/^[A-Z]\w+Error$/.test(name)) return `an error named ${name}`;
  // A long hint, for example with a path of many characters, is cut.
  if (hint !== undefined && !(typeof hint === 'string' && /[.?…]$/.test(hint))) return 'a hint that is no sentence';
  if (message.length > MAX_MESSAGE) return `a message of more than ${MAX_MESSAGE} characters`;
  if (hint !== undefined && hint.length > MAX_MESSAGE) return `a hint of more than ${MAX_MESSAGE} characters`;
  return null;
}

/** The line of the stack at which an error arose, without positions. */
function placeOf(error: Error): string {
  const frame = /\n\s+at (.*)/.exec(error.stack ?? '')?.[1] ?? '';
  return frame
    .replace(/\(?(file:\/\/)?[^ (]*\/(src|reference|assembly|test|node_modules)\//, '$2/')
    .replace(/[)]$/, '');
}

/** Texts of one kind of fault are equal: numbers and quoted values are left out. */
const generalize = (text: string): string =>
  text
    .slice(0, 120)
    .replace(/\d+/g, '#')
    .replace(/"[^"]*"?/g, '"…"');

/** A revoked proxy throws at every access, as a getter may; nothing can be asked of it beforehand. */
const isOfRevokedProxy = (error: unknown): boolean =>
  error instanceof TypeError && /a proxy that has been revoked/.test(error.message);

export function outcomeOfError(error: unknown): Outcome {
  if (error instanceof CallerError || isOfRevokedProxy(error)) return { kind: 'caller' };
  if (error instanceof VanillaNetError || error instanceof OracleError) {
    const defect = defectOf(error);
    const text = `${error.name}: ${error.message}${error.hint === undefined ? '' : ` | ${error.hint}`}`;
    if (defect === null) return { kind: 'refused', message: text };
    return { kind: 'fault', fault: `${defect}: ${generalize(text)}`, detail: text.slice(0, MAX_MESSAGE) };
  }
  if (!(error instanceof Error)) return { kind: 'fault', fault: `threw ${typeof error}`, detail: String(error) };
  const fault = `${error.name}: ${generalize(error.message)} at ${placeOf(error)}`;
  return { kind: 'fault', fault, detail: (error.stack ?? error.message).slice(0, MAX_MESSAGE) };
}

/** Values of a result that are compared; more would take long, and say little more. */
const MAX_VALUES = 10_000;
const MAX_BYTES = 2 ** 20;
const MAX_DEPTH = 50;

/** The bytes of a view. Those of floats have one NaN: which one is computed differs between V8's compilers. */
function bytesOf(view: ArrayBufferView): Uint8Array {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, Math.min(view.byteLength, MAX_BYTES));
  const isFloat = view instanceof Float32Array || view instanceof Float64Array;
  if (!isFloat || !view.some((v) => Number.isNaN(v))) return bytes;
  const floats = view.map((v) => (Number.isNaN(v) ? NaN : v));
  return new Uint8Array(floats.buffer, 0, bytes.length);
}

/** Adds a value to a hash: numbers to the bit, containers with their values. */
class Digest {
  readonly #hash: Hash = createHash('sha1');
  readonly #seen = new Set<object>();
  #values = 0;

  add(value: unknown, depth = 0): void {
    if (++this.#values > MAX_VALUES || depth > MAX_DEPTH) return;
    if (typeof value === 'number') this.#hash.update(Object.is(value, -0) ? '-0' : String(value));
    else if (typeof value !== 'object' || value === null) this.#hash.update(`${typeof value}:${String(value)}`);
    else this.#addObject(value, depth + 1);
  }

  #addObject(value: object, depth: number): void {
    if (this.#seen.has(value)) return;
    this.#seen.add(value);
    this.#hash.update(Object.prototype.toString.call(value));
    // Not its stack, which differs.
    if (value instanceof Error) {
      this.add(value.message);
      return;
    }
    if (ArrayBuffer.isView(value)) this.#hash.update(bytesOf(value));
    else if (value instanceof Map || value instanceof Set) for (const each of value) this.add(each, depth);
    else {
      for (const [key, { value: each }] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
        this.#hash.update(key);
        if (typeof each !== 'function') this.add(each, depth);
      }
    }
  }

  toString(): string {
    return this.#hash.digest('hex');
  }
}

export function outcomeOfResult(result: unknown): Outcome {
  const digest = new Digest();
  try {
    digest.add(result);
  } catch {
    // A result that contains a hostile value of the input, such as a proxy, or is nested too deep.
  }
  return { kind: 'accepted', digest: digest.toString() };
}
