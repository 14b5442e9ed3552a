/** Opens weights at any location: a path, a URL, or a pipe. */
import { WeightsError } from '../core/errors.js';
import { readConfig } from '../io/configMetadata.js';
import { HEAD } from '../io/fileKind.js';
import { displayName, foreignScheme, isFileUrl, isUrl } from '../io/location.js';
import { PeekableChunks } from '../io/openWeights.js';
import { headerLength, isJson, isSafetensors, PREFIX, readHeader } from '../io/safetensorsHeader.js';
import { openSource } from '../io/source.js';
import { resolveSourceOptions, type ResolvedSourceOptions } from '../io/sourceOptions.js';
import type { ResponseLike, WeightsSource } from '../io/weightsSource.js';
import { openFileAccess, type OpenAccess } from './fileAccess.js';
import { spool } from './spool.js';

/** Weights that can be read at any position, or a source that is read from its beginning to its end. */
export type OpenedLocation =
  | { readonly file: OpenAccess }
  /** Of a format that `loadModel` streams; its location if that is a URL, which is requested again. */
  | { readonly source: WeightsSource; readonly isPipe: boolean };

/** Standard input, as commands call it. */
export const STDIN = '-';

/** Whether a location is fetched: a URL, but not of a file. */
export const isRemote = (location: string): boolean =>
  !isFileUrl(location) && (isUrl(location) || foreignScheme(location) !== null);

/** Whether safetensors have the configuration of this package; what is damaged is for its reader. */
async function hasConfig(chunks: PeekableChunks, head: Uint8Array, name: string): Promise<boolean> {
  try {
    const start = PREFIX + headerLength(head, name);
    const header = (await chunks.peek(start)).subarray(PREFIX, start);
    return readConfig(readHeader(header, name, { keepsOthers: true }).metadata, name) !== null;
  } catch (error) {
    if (error instanceof WeightsError) return true;
    throw error;
  }
}

/** Whether weights are streamed: JSON, which may be an index of shards, and safetensors of this package. */
async function isStreamed(chunks: PeekableChunks, name: string): Promise<boolean> {
  const head = (await chunks.peek(HEAD)).subarray(0, HEAD);
  return isJson(head) || (isSafetensors(head) && (await hasConfig(chunks, head, name)));
}

/** The rest of a pipe as a response, so that errors have its name. */
function responseOf(chunks: AsyncIterable<Uint8Array>, url: string): ResponseLike {
  async function* copies(): AsyncGenerator<Uint8Array> {
    // A chunk is valid until the next is requested, which a stream may do ahead.
    for await (const chunk of chunks) yield chunk.slice();
  }
  return { ok: true, status: 200, url, body: ReadableStream.from(copies()) };
}

/** The file at a location; of a URL or a pipe, a copy of all. @throws WeightsError if it cannot be read */
export async function openCopy(location: string, options = resolveSourceOptions()): Promise<OpenAccess> {
  const file = isRemote(location) ? null : await openFileAccess(location);
  return file ?? spool(openSource(location, options).chunks, displayName(location));
}

/**
 * Opens a location. Of a URL or a pipe with weights that are not streamed, a copy is made, which is removed when it is
 * closed.
 *
 * @throws WeightsError if it cannot be read
 */
export async function openLocation(
  location: string,
  options: ResolvedSourceOptions = resolveSourceOptions(),
): Promise<OpenedLocation> {
  const isFetched = isRemote(location);
  const file = isFetched ? null : await openFileAccess(location);
  if (file !== null) return { file };
  const name = displayName(location);
  const chunks = new PeekableChunks(openSource(location, options).chunks);
  try {
    if (!(await isStreamed(chunks, name))) return { file: await spool(chunks, name) };
    if (!isFetched) return { source: responseOf(chunks, location), isPipe: true };
  } catch (error) {
    await chunks.return();
    throw error;
  }
  await chunks.return();
  return { source: location, isPipe: false };
}
