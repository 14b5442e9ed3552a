/** Weights from any source, as chunks of bytes. */
import { platform } from '#runtime';
import { show } from '../core/check.js';
import { ParamError, VanillaNetError, WeightsError } from '../core/errors.js';
import { fetchBytes, readResponse } from './fetchBytes.js';
import { readIterable, readStream, type ByteStream } from './readStream.js';
import { reasonOf } from './reason.js';
import { resolveSourceOptions, type ResolvedSourceOptions } from './sourceOptions.js';
import type { WeightsSource } from './weightsSource.js';

/** The chunks of a file; each is valid until the next is requested. */
export interface Source {
  /** The path or URL, for errors; null if there is none. */
  readonly name: string | null;
  readonly chunks: AsyncIterable<Uint8Array>;
}

type Location = string | { readonly href: string };

/** Keys of the kinds of objects that are sources. */
const KINDS = ['byteLength', 'href', 'ok', 'stream', 'getReader', 'body', Symbol.asyncIterator];

/** A caller without types may pass anything. @throws ParamError */
function checkSource(source: unknown): void {
  if (typeof source === 'string') return;
  if (typeof source === 'object' && source !== null && KINDS.some((kind) => kind in source)) return;
  const expected = 'bytes, a path, a URL, a Response, a Blob or a stream';
  throw new ParamError({ op: 'weights', expected, got: show(source) });
}

const isLocation = (source: WeightsSource): source is Location => typeof source === 'string' || 'href' in source;

/** Whether a location is to be fetched even if the runtime has files. */
const isRemote = (location: string): boolean => /^(?!file:)[a-z][a-z\d+.-]+:/i.test(location);

// eslint-disable-next-line @typescript-eslint/require-await -- nothing has to be awaited
async function* once(source: ArrayBufferView | ArrayBufferLike): AsyncGenerator<Uint8Array> {
  yield ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

/** `stream()` is called when the first chunk is requested. */
async function* readBlob(blob: { stream(): ByteStream }, timeout: number): AsyncGenerator<Uint8Array> {
  yield* readStream(blob.stream(), 'weights', timeout);
}

function openLocation(location: string, options: ResolvedSourceOptions): Source {
  const { readFile } = platform;
  const chunks =
    readFile === null || isRemote(location)
      ? withName(fetchBytes(location, options), location)
      : withName(readFile(location), location, 'a readable file');
  return { name: location, chunks };
}

function openObject(source: Exclude<WeightsSource, Location>, timeout: number): Source {
  if ('byteLength' in source) return { name: null, chunks: once(source) };
  if ('ok' in source) {
    const name = source.url === '' ? null : source.url;
    return { name, chunks: readResponse(source, name ?? 'response', timeout) };
  }
  if ('stream' in source) return { name: null, chunks: readBlob(source, timeout) };
  if ('getReader' in source) return { name: null, chunks: readStream(source, 'weights', timeout) };
  if ('body' in source) return { name: null, chunks: readStream(source.body, 'weights', timeout) };
  return { name: null, chunks: readIterable(source, 'weights', timeout) };
}

/** The same chunks; other errors become WeightsErrors with the name of the source. */
async function* withName(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  expected = 'weights to the end',
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of chunks) {
      const value: unknown = chunk;
      if (!ArrayBuffer.isView(value) || chunk.BYTES_PER_ELEMENT !== 1) {
        throw new WeightsError({ op: name, expected: 'chunks that are Uint8Arrays', got: typeof value });
      }
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof VanillaNetError) throw cause;
    throw new WeightsError({ op: name, expected, got: reasonOf(cause) }, { cause });
  }
}

/**
 * Opens a source; it is not read before the first chunk is requested.
 *
 * @throws ParamError if `source` is not a source. Errors while reading are WeightsErrors with its name.
 */
export function openSource(source: WeightsSource, options: ResolvedSourceOptions = resolveSourceOptions()): Source {
  checkSource(source);
  if (isLocation(source)) return openLocation(typeof source === 'string' ? source : source.href, options);
  const { name, chunks } = openObject(source, options.timeout);
  return { name, chunks: withName(chunks, name ?? 'weights') };
}
