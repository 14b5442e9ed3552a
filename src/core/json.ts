/** Reads JSON of unknown origin: its size, its depth and its number of values are bounded, so that no code that walks through it overflows. */
import { isRecord, show } from './check.js';
import { DETACHED, DETACHED_HINT, isDetached } from './detached.js';
import { ParamError, type ErrorClass } from './errors.js';
import { messageOf } from './messageOf.js';
import { decodeText } from './text.js';

/** The default limit in bytes. */
export const MAX_JSON = 2 ** 24;
/** The limit of nested brackets, as in Rust's serde_json, which reads the headers of safetensors. */
export const MAX_DEPTH = 128;
/**
 * The limit of values. The smallest values take two or three characters of the text but tens of bytes in memory; an index
 * of 150,000 shards of three values has 600,000, and configurations have hundreds.
 */
export const MAX_VALUES = 2 ** 20;

export interface JsonOptions {
  /** The file or option, for errors. */
  readonly op: string;
  /** The class of errors. Default ParamError. */
  readonly Refused?: ErrorClass;
  /** What the text should be, for errors. Default `JSON`. */
  readonly expected?: string;
  /** The limit in bytes, or characters of a string. Default 16 MiB. */
  readonly limit?: number;
  /** Describes where a text is not JSON, for files that people write; by default the message of the engine does. */
  readonly describeFault?: (text: string) => { readonly got: string; readonly hint: string } | null;
  /** What to do about a text that is not JSON. */
  readonly hint?: string;
}

const [QUOTE, BACKSLASH, COLON, COMMA] = ['"', '\\', ':', ','].map((each) => each.charCodeAt(0));
/** Brackets and braces differ in one bit. */
const [BRACE_BIT, OPENING, CLOSING] = [0x20, 0x7b, 0x7d];

/** Index of the quote that ends a string, or beyond the text. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    // NaN at the end of the text.
    if (code === QUOTE || Number.isNaN(code)) return at;
    at += code === BACKSLASH ? 2 : 1;
  }
}

export interface JsonStructure {
  /** Brackets inside each other; counting stops above `MAX_DEPTH`. */
  readonly depth: number;
  /** Keys of all objects, repeated ones included. */
  readonly keys: number;
  /** At least the objects, lists and separated values; counting stops above `MAX_VALUES`. */
  readonly values: number;
}

/** Counts in one pass, without recursion, what `JSON.parse` does not report. */
export function scanJson(text: string): JsonStructure {
  let [depth, deepest, keys, values] = [0, 0, 0, 0];
  for (let at = 0; at < text.length && deepest <= MAX_DEPTH && values <= MAX_VALUES; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COLON) keys++;
    else if (code === COMMA) values++;
    else if ((code | BRACE_BIT) === OPENING) {
      // The list or object, whose first value has no comma.
      values++;
      deepest = Math.max(deepest, ++depth);
    } else if ((code | BRACE_BIT) === CLOSING) depth--;
  }
  return { depth: deepest, keys, values };
}

/** Engines quote the text in their messages; control characters would reach the terminal. */
const printable = (message: string): string => message.replace(/\p{Cc}+/gu, ' ');

/**
 * Parses JSON in UTF-8 or UTF-16, with or without a byte order mark.
 *
 * @param source the bytes of a file, or its text
 * @throws `Refused` if it is too large, nested too deeply, not text or not JSON
 */
export function parseJson(source: Uint8Array | string, options: JsonOptions): unknown {
  const { op, Refused = ParamError, expected = 'JSON', limit = MAX_JSON } = options;
  const refuse = (what: string, got: string): never => {
    throw new Refused({ op, expected: what, got });
  };
  if (typeof source !== 'string' && isDetached(source)) {
    throw new Refused({ op, expected, got: DETACHED, hint: DETACHED_HINT });
  }
  const unit = typeof source === 'string' ? 'characters' : 'bytes';
  if (source.length > limit) return refuse(`${expected} of at most ${limit} ${unit}`, `${source.length}`);
  const text = typeof source === 'string' ? source.replace(/^\uFEFF/, '') : decodeText(source);
  if (text === null) return refuse(`${expected} in UTF-8 or UTF-16`, 'bytes that are not text');
  if (text.trim() === '') return refuse(expected, source.length === 0 ? 'an empty text' : 'only white space');
  const { depth, values } = scanJson(text);
  if (depth > MAX_DEPTH) return refuse(`${expected} of at most ${MAX_DEPTH} nested levels`, 'more');
  if (values > MAX_VALUES) return refuse(`${expected} of at most ${MAX_VALUES} values`, 'more');
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const description = options.describeFault?.(text) ?? { got: printable(messageOf(cause)), hint: options.hint };
    throw new Refused({ op, expected, ...description }, { cause });
  }
}

/** As `parseJson`, for an object. @throws `Refused` also for other values */
export function parseJsonObject(source: Uint8Array | string, options: JsonOptions): Readonly<Record<string, unknown>> {
  const expected = options.expected ?? 'a JSON object';
  const value = parseJson(source, { ...options, expected });
  if (isRecord(value)) return value;
  throw new (options.Refused ?? ParamError)({ op: options.op, expected, got: show(value) });
}
