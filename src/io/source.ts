/** Weights from any source, as chunks of bytes. */
import { platform } from '#runtime';
import { throwIfAborted } from '../core/abort.js';
import { show } from '../core/check.js';
import { ParamError, VanillaNetError, WeightsError } from '../core/errors.js';
import { checkSource, isStream } from './checkSource.js';
import { RUN_HINT } from './fileKind.js';
import { fetchBytes, readResponse, requireWhole } from './fetchBytes.js';
import { fileVersion } from './fileVersion.js';
import { displayName, foreignScheme, isFileUrl, isUrl, schemeHint } from './location.js';
import type { WaitOptions } from './readTimeout.js';
import { readIterable, readStream, type ByteStream } from './readStream.js';
import { hintOf, isFolder, reasonOf } from './reason.js';
import { resolveSourceOptions, type ResolvedSourceOptions } from './sourceOptions.js';
import type { ResponseLike, WeightsSource } from './weightsSource.js';

/** The chunks of a file; each is valid until the next is requested. */
export interface Source {
  /** The path or URL, for errors; null if there is none. */
  readonly name: string | null;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Bytes of the file, null if unknown; called when the first chunk has arrived. */
  readonly total: () => number | null;
}

type Location = string | { readonly href: string };

const isLocation = (source: WeightsSource): source is Location => typeof source === 'string' || 'href' in source;

/** Whether a location is to be fetched even if the runtime has files. */
const isRemote = (location: string, { hasOwnFetch }: ResolvedSourceOptions): boolean =>
  (isUrl(location) && !isFileUrl(location)) || (hasOwnFetch && foreignScheme(location) !== null);

// eslint-disable-next-line @typescript-eslint/require-await -- nothing has to be awaited
async function* once(source: ArrayBufferView | ArrayBufferLike): AsyncGenerator<Uint8Array> {
  yield ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

/** `stream()` is called when the first chunk is requested. */
async function* readBlob(blob: { stream(): ByteStream }, op: string, wait: WaitOptions): AsyncGenerator<Uint8Array> {
  const stream = blob.stream();
  if (!isStream(stream)) throw new ParamError({ op, expected: 'a stream from stream()', got: show(stream) });
  yield* readStream(stream, op, wait);
}

/** The response of a caller, who may have asked for a part. */
async function* readWhole(response: ResponseLike, name: string, wait: WaitOptions): AsyncGenerator<Uint8Array> {
  requireWhole(response, name);
  yield* readResponse(response, name, wait);
}

function openLocation(location: string, options: ResolvedSourceOptions): Source {
  const { readFile } = platform;
  let total: number | null = null;
  const onTotal = (bytes: number | null): void => {
    total = bytes;
  };
  const { signal } = options;
  if (readFile === null || isRemote(location, options)) {
    // No path: a URL, which is relative if the runtime has no files.
    const name = displayName(location, false);
    const chunks = namedErrors(fetchBytes(location, options, onTotal), name, { signal });
    return { name, chunks, total: () => total };
  }
  const name = displayName(location);
  const chunks = readIterable(readFile(location, onTotal), name, { timeout: Infinity, signal });
  const errors = { signal, expected: 'a readable file', hint: schemeHint(location) };
  return { name, chunks: namedErrors(chunks, name, errors), total: () => total };
}

const UNKNOWN = (): null => null;

/** A size that an object states. */
const sizeOf = (source: object): number | null =>
  'size' in source && typeof source.size === 'number' ? source.size : null;

function openObject(source: Exclude<WeightsSource, Location>, op: string, wait: WaitOptions): Source {
  if ('byteLength' in source) return { name: null, chunks: once(source), total: () => source.byteLength };
  if ('ok' in source) {
    // A response of a fetch of the caller's own may have no URL.
    const { url } = source as { readonly url?: unknown };
    const name = typeof url === 'string' && url !== '' ? displayName(url) : null;
    const chunks = readWhole(source, name ?? 'response', wait);
    return { name, chunks, total: () => fileVersion(source).total };
  }
  if ('stream' in source) return { name: null, chunks: readBlob(source, op, wait), total: () => sizeOf(source) };
  if ('getReader' in source) return { name: null, chunks: readStream(source, op, wait), total: UNKNOWN };
  if ('body' in source) {
    return { name: null, chunks: readStream(source.body, op, wait), total: () => sizeOf(source) };
  }
  return { name: null, chunks: readIterable(source, op, wait), total: UNKNOWN };
}

const chunkHint = (chunk: unknown): string | undefined =>
  typeof chunk === 'string' ? 'Read the stream without an encoding.' : undefined;

interface ErrorOptions {
  readonly signal: AbortSignal | undefined;
  readonly expected?: string;
  readonly hint?: string | undefined;
}

/** What to do about a failed reading. A folder may be that of a run. */
const weightsHintOf = (cause: unknown): string | undefined =>
  isFolder(cause) ? `Pass a file in it. ${RUN_HINT}` : hintOf(cause);

/** The same chunks; other errors become WeightsErrors with the name of the source. */
async function* namedErrors(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  { signal, expected = 'weights to the end', hint }: ErrorOptions,
): AsyncGenerator<Uint8Array> {
  try {
    throwIfAborted(signal);
    for await (const chunk of chunks) {
      const value: unknown = chunk;
      if (!ArrayBuffer.isView(value) || chunk.BYTES_PER_ELEMENT !== 1) {
        throw new WeightsError({
          op: name,
          expected: 'chunks that are Uint8Arrays',
          got: typeof value,
          hint: chunkHint(value),
        });
      }
      yield chunk;
      throwIfAborted(signal);
    }
  } catch (cause) {
    throwIfAborted(signal);
    if (cause instanceof VanillaNetError) throw cause;
    throw new WeightsError({ op: name, expected, got: reasonOf(cause), hint: hint ?? weightsHintOf(cause) }, { cause });
  }
}

/**
 * Opens a source; it is not read before the first chunk is requested.
 *
 * @param op names a source that has no path or URL in errors
 * @throws ParamError if `source` is not a source. Errors while reading are WeightsErrors with its name.
 */
export function openSource(
  source: WeightsSource,
  options: ResolvedSourceOptions = resolveSourceOptions(),
  op = 'weights',
): Source {
  // A caller without types may pass anything.
  checkSource(op, source);
  if (isLocation(source)) return openLocation(typeof source === 'string' ? source : source.href, options);
  const { chunks, ...rest } = openObject(source, op, options);
  return { ...rest, chunks: namedErrors(chunks, rest.name ?? op, options) };
}
