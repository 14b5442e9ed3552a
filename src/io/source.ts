/** Weights from wherever they are, as bytes in chunks. */
import { platform } from '#runtime';
import { ParamError, VanillaNetError, WeightsError } from '../core/errors.js';
import { fetchBytes, readResponse } from './fetchBytes.js';
import { validateOrCancel } from './cancelSource.js';
import { readIterable, readStream, type ByteStream } from './readStream.js';
import { reasonOf } from './reason.js';
import { sourceOptions, type SourceOptions } from './sourceOptions.js';

export type { ByteStream } from './readStream.js';

/** The part of a `Response` that is used. */
export interface ResponseLike {
  readonly ok: boolean;
  readonly status: number;
  readonly url: string;
  readonly body: ByteStream | null;
  readonly headers?: { get(name: string): string | null };
}

/**
 * Where a weight file is: its bytes; the path or URL of a file; a URL to fetch; a
 * `Response`; a `Blob` or `File`; what has a body, as R2's objects; a stream.
 */
export type WeightsSource =
  | Uint8Array
  | ArrayBuffer
  | string
  | { readonly href: string }
  | ResponseLike
  | { stream(): ByteStream }
  | { readonly body: ByteStream }
  | ByteStream
  | AsyncIterable<Uint8Array>;

/** Chunks of a file, each good until the next is asked for. */
export interface Source {
  /** What errors call it: its path or URL; null where it has none. */
  readonly name: string | null;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Whether a string or URL is to be fetched wherever there are files. */
const isRemote = (location: string): boolean => /^(?!file:)[a-z][a-z\d+.-]+:/i.test(location);

// eslint-disable-next-line @typescript-eslint/require-await -- nothing here has to be waited for
async function* once(source: ArrayBufferView | ArrayBufferLike): AsyncGenerator<Uint8Array> {
  yield ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

async function* readBlob(blob: { stream(): ByteStream }, name: string, timeout: number): AsyncGenerator<Uint8Array> {
  yield* readStream(blob.stream(), name, timeout);
}

/** Whatever goes wrong on the way, under the name of what was read. */
async function* named(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  expected = 'weights to the end',
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of chunks) {
      const given: unknown = chunk;
      if (!ArrayBuffer.isView(given) || chunk.BYTES_PER_ELEMENT !== 1) {
        throw new WeightsError({ op: name, expected: 'chunks that are Uint8Arrays', got: typeof given });
      }
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof VanillaNetError) throw cause;
    throw new WeightsError({ op: name, expected, got: reasonOf(cause) }, { cause });
  }
}

function open(source: Exclude<WeightsSource, string | { readonly href: string }>, timeout: number): Source {
  if ('byteLength' in source) return { name: null, chunks: once(source) };
  if ('ok' in source) {
    const name = source.url === '' ? null : source.url;
    return { name, chunks: readResponse(source, name ?? 'response', timeout) };
  }
  if ('stream' in source) return { name: null, chunks: readBlob(source, 'weights', timeout) };
  if ('getReader' in source) return { name: null, chunks: readStream(source, 'weights', timeout) };
  if ('body' in source) return { name: null, chunks: readStream(source.body, 'weights', timeout) };
  return { name: null, chunks: readIterable(source, 'weights', timeout) };
}

/**
 * Opens a source; nothing is read before the first chunk is asked for.
 *
 * @throws ParamError for what is none. What fails later is a WeightsError with its name.
 */
export function openSource(source: WeightsSource, options: SourceOptions = {}): Source {
  const given = validateOrCancel(source, () => sourceOptions(options));
  // A caller without types may pass anything.
  const unknown: unknown = source;
  const kinds = ['byteLength', 'href', 'ok', 'stream', 'getReader', 'body', Symbol.asyncIterator];
  const isSource = typeof unknown === 'object' && unknown !== null && kinds.some((kind) => kind in unknown);
  if (typeof source !== 'string' && !isSource) {
    const expected = 'bytes, a path, a URL, a Response, a Blob or a stream';
    throw new ParamError({ op: 'weights', expected, got: unknown === null ? 'null' : typeof unknown });
  }
  if (typeof source === 'string' || 'href' in source) {
    const location = typeof source === 'string' ? source : source.href;
    const { readFile } = platform;
    const chunks =
      readFile === null || isRemote(location)
        ? named(fetchBytes(location, given), location)
        : named(readFile(location), location, 'a readable file');
    return { name: location, chunks };
  }
  const { name, chunks } = open(source, given.timeout);
  return { name, chunks: named(chunks, name ?? 'weights') };
}
