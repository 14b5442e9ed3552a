/** Opens weights: a weight file, or shards by their index. */
import { platform } from '#runtime';
import { WeightsError } from '../core/errors.js';
import { resolveShard } from './resolveShard.js';
import { Shards } from './openShards.js';
import { MAX_HEADER, PREFIX } from './safetensorsHeader.js';
import { checkSha256, verifySha256 } from './sha256.js';
import { readShardIndex } from './shardIndex.js';
import { openSource } from './source.js';
import { resolveSourceOptions, type ResolvedSourceOptions, type SourceOptions } from './sourceOptions.js';
import type { WeightsSource } from './weightsSource.js';

export interface OpenWeightsOptions extends SourceOptions {
  /** The SHA-256 of the weight file, also of one in shards: 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
}

/** `OpenWeightsOptions`, checked and with defaults. */
export interface ResolvedWeightsOptions extends ResolvedSourceOptions {
  readonly sha256: string | null;
}

/** @throws ParamError */
export const resolveWeightsOptions = ({ sha256, ...options }: OpenWeightsOptions): ResolvedWeightsOptions => ({
  ...resolveSourceOptions(options),
  sha256: sha256 === undefined ? null : checkSha256(sha256),
});

export interface OpenedWeights {
  /** The path or URL, for errors; null if there is none. */
  readonly name: string | null;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** See `ShardReader`. */
  explain(error: unknown): Promise<unknown>;
  close(): Promise<void>;
}

const BRACE = 0x7b;
/** The longest index in bytes, enough for 100 000 shards. */
const MAX_INDEX = 2 ** 24;

/** Whether a file begins like JSON; read as the length of a header, these bytes must be too large. */
const isJson = (head: Uint8Array): boolean => {
  if (head[0] !== BRACE) return false;
  if (head.length < PREFIX) return true;
  return new DataView(head.buffer, head.byteOffset, PREFIX).getBigUint64(0, true) > BigInt(MAX_HEADER);
};

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Chunks whose first bytes can be read ahead. */
class PeekableChunks implements AsyncIterableIterator<Uint8Array> {
  readonly #rest: AsyncIterator<Uint8Array>;
  #head: Uint8Array | null = null;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#rest = chunks[Symbol.asyncIterator]();
  }

  /** At least the first `length` bytes, or all if there are fewer. They remain to be read. */
  async peek(length: number): Promise<Uint8Array> {
    let head: Uint8Array = new Uint8Array(0);
    for (;;) {
      const next = await this.#rest.next();
      if (next.done === true) break;
      // A chunk is valid until the next is requested, so only the last one needs no copy.
      head = head.length === 0 ? next.value : concat([head, next.value]);
      if (head.length >= length) break;
      head = head.slice();
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

const verify = (
  chunks: AsyncIterable<Uint8Array>,
  sha256: string | null,
  name: string | null,
): AsyncIterable<Uint8Array> => (sha256 === null ? chunks : verifySha256(chunks, sha256, name ?? 'weights'));

function openFile(file: PeekableChunks, name: string | null, sha256: string | null): OpenedWeights {
  return {
    name,
    chunks: verify(file, sha256, name),
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
    throw new WeightsError({ op: name ?? 'shards', expected: `sha256 ${sha256}`, got: `${indexHash} in the index` });
  }
  const reader = shards.read(options, name ?? 'shards');
  return {
    name,
    // The reader itself compares the shards with a hash in the index.
    chunks: verify(reader, indexHash === undefined ? sha256 : null, name),
    explain: (error) => reader.explain(error),
    close: () => reader.close(),
  };
}

/** Reads an index to its end, but not much more than `MAX_INDEX` bytes. */
async function readText(file: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of file) {
    chunks.push(chunk.slice());
    length += chunk.length;
    if (length > MAX_INDEX) break;
  }
  return new TextDecoder().decode(concat(chunks));
}

async function openIndex(
  file: PeekableChunks,
  location: string,
  options: ResolvedWeightsOptions,
): Promise<OpenedWeights> {
  const index = readShardIndex(await readText(file), location);
  const shards = new Shards(index, (name) => resolveShard(location, name, platform.readFile !== null));
  return openAllShards(shards, location, options);
}

/**
 * Opens weights and reads their first bytes.
 *
 * @throws ParamError if `source` is not a source; WeightsError if it cannot be read
 */
export async function openWeights(source: WeightsSource, options: ResolvedWeightsOptions): Promise<OpenedWeights> {
  if (source instanceof Shards) return openAllShards(source, null, options);
  const { name, chunks } = openSource(source, options);
  const file = new PeekableChunks(chunks);
  if (!isJson(await file.peek(PREFIX))) return openFile(file, name, options.sha256);
  // Shards are found relative to their index, so it must have a location.
  if (name !== null && (typeof source === 'string' || 'href' in source)) return openIndex(file, name, options);
  await file.return();
  throw new WeightsError({
    op: name ?? 'weights',
    expected: 'a weight file',
    got: 'JSON',
    hint: 'Load an index of shards by its path or URL, or by openShards.',
  });
}
