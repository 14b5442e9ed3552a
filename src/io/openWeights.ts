/** Opens weights: a weight file, or shards by their index. */
import { platform } from '#runtime';
import { WeightsError } from '../core/errors.js';
import { decodeText } from '../core/text.js';
import { resolveShard } from './resolveShard.js';
import { Shards } from './openShards.js';
import { HEAD } from './fileKind.js';
import { GrowingBuffer } from './growingBuffer.js';
import { checkOnProgress, withProgress, type OnProgress, type ProgressOptions } from './progress.js';
import { isJson, otherFile, PREFIX } from './safetensorsHeader.js';
import { checkSha256, HASH_HINT, verifySha256 } from './sha256.js';
import { FORMAT, MAX_INDEX, readShardIndex } from './shardIndex.js';
import { openSource, type Source } from './source.js';
import { resolveSourceOptions, SOURCE_KEYS, type ResolvedSourceOptions, type SourceOptions } from './sourceOptions.js';
import type { WeightsSource } from './weightsSource.js';

export interface OpenWeightsOptions extends SourceOptions, ProgressOptions {
  /** The SHA-256 of the weight file, also of one in shards: 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
}

/** `OpenWeightsOptions`, checked and with defaults. */
export interface ResolvedWeightsOptions extends ResolvedSourceOptions {
  readonly sha256: string | null;
  readonly onProgress: OnProgress | undefined;
}

export const WEIGHTS_KEYS = [
  ...SOURCE_KEYS,
  'sha256',
  'onProgress',
] as const satisfies readonly (keyof OpenWeightsOptions)[];

/** @throws ParamError */
export const resolveWeightsOptions = ({
  sha256,
  onProgress,
  ...options
}: OpenWeightsOptions): ResolvedWeightsOptions => ({
  ...resolveSourceOptions(options),
  sha256: sha256 === undefined ? null : checkSha256(sha256),
  onProgress: checkOnProgress(onProgress),
});

export interface OpenedWeights {
  /** The path or URL, for errors; null if there is none. */
  readonly name: string | null;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Bytes of the weight file, null if unknown; called when the first chunk has arrived. */
  readonly total: () => number | null;
  /** The locations of the shards, or their names if they have no location; none for a single file. */
  readonly shards: readonly string[];
  /** See `ShardReader`. */
  explain(error: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** Chunks whose first bytes can be read ahead. */
export class PeekableChunks implements AsyncIterableIterator<Uint8Array> {
  readonly #rest: AsyncIterator<Uint8Array>;
  #head: Uint8Array | null = null;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#rest = chunks[Symbol.asyncIterator]();
  }

  /** At least the first `length` bytes, or all if there are fewer. They remain to be read. */
  async peek(length: number): Promise<Uint8Array> {
    const first = await this.next();
    // A chunk is valid until the next is requested, so only the last one needs no copy.
    let head: Uint8Array = first.done === true ? new Uint8Array(0) : first.value;
    if (first.done !== true && head.length < length) {
      const buffer = new GrowingBuffer();
      buffer.add(head);
      while (buffer.length < length) {
        const next = await this.#rest.next();
        if (next.done === true) break;
        buffer.add(next.value);
      }
      head = buffer.bytes;
    }
    this.#head = head;
    return head;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const head = this.#head;
    this.#head = null;
    if (head !== null) return { done: false, value: head };
    const next = await this.#rest.next();
    return next.done === true ? { done: true, value: undefined } : next;
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#rest.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The chunks of a weight file with a progress report, and compared with a hash. */
function observe(
  chunks: AsyncIterable<Uint8Array>,
  total: () => number | null,
  name: string | null,
  { sha256, onProgress }: Pick<ResolvedWeightsOptions, 'sha256' | 'onProgress'>,
): AsyncIterable<Uint8Array> {
  const verified = sha256 === null ? chunks : verifySha256(chunks, sha256, name ?? 'weights');
  return onProgress === undefined ? verified : withProgress(verified, total, onProgress);
}

function openFile(file: PeekableChunks, { name, total }: Source, options: ResolvedWeightsOptions): OpenedWeights {
  return {
    name,
    chunks: observe(file, total, name, options),
    total,
    shards: [],
    explain: (error) => Promise.resolve(error),
    close: async () => {
      await file.return();
    },
  };
}

function openAllShards(shards: Shards, name: string | null, options: ResolvedWeightsOptions): OpenedWeights {
  const { sha256 } = options;
  const indexHash = shards.index.sha256;
  if (sha256 !== null && indexHash !== undefined && indexHash !== sha256) {
    const got = `${indexHash} in the index`;
    throw new WeightsError({ op: name ?? 'shards', expected: `sha256 ${sha256}`, got, hint: HASH_HINT });
  }
  const { signal = shards.signal, onProgress = shards.onProgress } = options;
  const reader = shards.read({ ...options, signal }, name ?? 'shards');
  const total = (): number => shards.index.bytes;
  return {
    name,
    // The reader itself compares the shards with a hash in the index.
    chunks: observe(reader, total, name, { sha256: indexHash === undefined ? sha256 : null, onProgress }),
    total,
    shards: shards.index.shards.map(({ file }) => file),
    explain: (error) => reader.explain(error),
    close: () => reader.close(),
  };
}

/** Reads an index to its end, but not much more than `MAX_INDEX` bytes. */
async function readIndex(file: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const buffer = new GrowingBuffer();
  for await (const chunk of file) {
    buffer.add(chunk);
    if (buffer.length > MAX_INDEX) break;
  }
  return buffer.bytes;
}

const isJsonName = (location: string): boolean => /\.json$/i.test(location.replace(/[?#].*$/s, ''));

async function openIndex(
  file: PeekableChunks,
  location: string,
  name: string,
  options: ResolvedWeightsOptions,
): Promise<OpenedWeights> {
  const bytes = await readIndex(file);
  // In the place of a weight file, other JSON is named as what it is, such as the error of a server.
  const isOther = !isJsonName(location) && decodeText(bytes)?.includes(FORMAT) === false;
  if (isOther) throw otherFile(bytes.subarray(0, HEAD), name);
  const index = readShardIndex(bytes, name);
  const locationOf = (shard: string): string => resolveShard(location, shard, platform.readFile !== null);
  const opened = openAllShards(new Shards(index, locationOf), name, options);
  return { ...opened, shards: opened.shards.map(locationOf) };
}

/**
 * Opens weights and reads their first bytes.
 *
 * @throws ParamError if `source` is not a source; WeightsError if it cannot be read
 */
export async function openWeights(source: WeightsSource, options: ResolvedWeightsOptions): Promise<OpenedWeights> {
  if (source instanceof Shards) return openAllShards(source, null, options);
  const opened = openSource(source, options);
  const { name } = opened;
  const file = new PeekableChunks(opened.chunks);
  if (!isJson(await file.peek(PREFIX))) return openFile(file, opened, options);
  // Shards are found relative to their index, so it must have a location.
  const location = typeof source === 'string' ? source : 'href' in source ? source.href : null;
  if (name !== null && location !== null) return openIndex(file, location, name, options);
  const head = await file.peek(HEAD);
  await file.return();
  throw otherFile(head.subarray(0, HEAD), name ?? 'weights');
}
