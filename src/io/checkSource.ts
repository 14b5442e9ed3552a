/** What a caller without types may pass as weights: each part of a source that is used is checked before it is used. */
import { show, tagOf } from '../core/check.js';
import { DETACHED, DETACHED_HINT, isDetached } from '../core/detached.js';
import { ParamError } from '../core/errors.js';
import type { ResponseLike, WeightsSource } from './weightsSource.js';

/** What is wrong with a value, for `got` in an error, and what to do. */
type Problem = readonly [got: string, hint?: string | undefined];

const BUFFERS = ['ArrayBuffer', 'SharedArrayBuffer'];

/** The properties of an object that make it a source, in the order in which they count. */
const KINDS = ['href', 'ok', 'stream', 'getReader', 'body'] as const;

type Properties = Readonly<Record<string | symbol, unknown>>;

const isFunction = (value: unknown): boolean => typeof value === 'function';

const withProperty = (key: string, value: unknown): Problem => [`an object whose ${key} is ${show(value)}`];

export const isStream = (value: unknown): value is { readonly getReader: unknown; readonly locked?: unknown } =>
  typeof value === 'object' && value !== null && 'getReader' in value && isFunction(value.getReader);

/** What programs hold that leads to weights, by a method that it has. */
const MISTAKES: readonly (readonly [method: string, ...problem: Problem])[] = [
  ['then', 'a Promise', 'Await it first.'],
  ['getFile', 'a handle of a file', 'Pass await handle.getFile().'],
  ['createReadStream', 'a handle of a file', 'Pass its path, or handle.createReadStream().'],
];

/** What to do about a body that was read. */
export const USED = 'Pass a new one: its bytes can be read only once.';

/** What to do about a part of a file that was not asked for. */
export const PART_HINT =
  'The request must have no Range header, and the server or cache must answer with the whole file (200).';

/** A response that states that it is only a part of its file, in words; null for another one. */
export function partOf({ status, headers }: Partial<Pick<ResponseLike, 'status' | 'headers'>>): string | null {
  // A Blob has no headers; an object of a caller without types may have others.
  if (status !== 206 || typeof headers?.get !== 'function') return null;
  const range = headers.get('content-range');
  if (range === null) return null;
  const [, from, to, all] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range) ?? [];
  return from === '0' && Number(to) + 1 === Number(all) ? null : `a part of it (status 206, content-range ${range})`;
}

function problemOfBody(body: unknown): Problem | null {
  if (!isStream(body)) return withProperty('body', body);
  return body.locked === true ? ['a body that was read already, or has a reader', USED] : null;
}

/** What is wrong with a response; null if it can be read. A body that is missing is found when it is read. */
export function problemOfResponse(response: unknown): Problem | null {
  if (typeof response !== 'object' || response === null) return [show(response)];
  const { ok, body, bodyUsed, headers } = response as Properties;
  if (typeof ok !== 'boolean') return withProperty('ok', ok);
  if (headers !== undefined && !isFunction((headers as Properties | null)?.['get'])) {
    return ['a response whose headers have no get', 'Pass new Headers(object) as its headers.'];
  }
  if (bodyUsed === true) return ['a response that was read already', USED];
  return !ok || body === null || body === undefined ? null : problemOfBody(body);
}

function problemOf(source: object): Problem | null {
  const isView = ArrayBuffer.isView(source);
  if (isView || BUFFERS.includes(tagOf(source))) {
    return isDetached(source as ArrayBufferView | ArrayBuffer) ? [DETACHED, DETACHED_HINT] : null;
  }
  const properties = source as Properties;
  const mistake = MISTAKES.find(([method]) => isFunction(properties[method]));
  if (mistake !== undefined) return [mistake[1], mistake[2]];
  if (tagOf(source) === 'Request') return ['a Request', 'Pass await fetch(request).'];
  const kind = KINDS.find((key) => key in source);
  switch (kind) {
    case 'href':
      return typeof properties[kind] === 'string' ? null : withProperty(kind, properties[kind]);
    case 'ok':
      return problemOfResponse(source);
    case 'stream':
      return isFunction(properties[kind]) ? null : withProperty(kind, properties[kind]);
    case 'getReader':
      if (!isStream(source)) return withProperty(kind, properties[kind]);
      return source.locked === true ? ['a stream that was read already, or has a reader', USED] : null;
    case 'body':
      return problemOfBody(properties[kind]);
    case undefined:
      return isFunction(properties[Symbol.asyncIterator]) ? null : [show(source)];
  }
}

/** @param op the name of the source, for the error @throws ParamError unless the value is a source */
export function checkSource(op: string, source: unknown): asserts source is WeightsSource {
  if (typeof source === 'string') return;
  const [got, hint] = (typeof source === 'object' && source !== null ? problemOf(source) : [show(source)]) ?? [];
  if (got === undefined) return;
  throw new ParamError({ op, expected: 'bytes, a path, a URL, a Response, a Blob or a stream', got, hint });
}
