/** Shards as one weight file; each is compared with the index while it is read. */
import { BackendUnavailableError, VanillaNetError, WeightsError } from '../core/errors.js';
import { throwIfAborted } from '../core/abort.js';
import { checkFunction, checkKeys, checkObject } from '../core/check.js';
import { cancelSource } from './cancelSource.js';
import { HEAD, textKind } from './fileKind.js';
import { hintOf, reasonOf } from './reason.js';
import { Sha256 } from './sha256.js';
import { readShardIndex, type Shard, type ShardIndex } from './shardIndex.js';
import { openSource, type Source } from './source.js';
import { checkOnProgress, withProgress, type OnProgress, type ProgressOptions } from './progress.js';
import { resolveSourceOptions, SOURCE_KEYS, type ResolvedSourceOptions, type SourceOptions } from './sourceOptions.js';
import { waitFor } from './readTimeout.js';
import type { WeightsSource } from './weightsSource.js';

/**
 * Returns the shard of a name, for example from KV, R2, a cache or a server; null or undefined if there is none. The
 * signal is that of the load, if it has one.
 */
export type OpenShard = (
  file: string,
  options: { readonly signal: AbortSignal | undefined },
) => WeightsSource | null | undefined | Promise<WeightsSource | null | undefined>;

const SHARD_HINT = 'Copy the shards and their index again, or write them again: vanillanet pack IN OUT.json --shard.';

const END = { done: true, value: undefined } as const;

/** The first bytes of a shard, which show what it is. */
class Head {
  readonly #bytes = new Uint8Array(HEAD);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  add(chunk: Uint8Array): void {
    if (this.#length === HEAD) return;
    const part = chunk.subarray(0, HEAD - this.#length);
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
  }
}

/** The bytes of all shards in order. */
export class ShardReader implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #index: ShardIndex;
  readonly #open: OpenShard;
  readonly #options: ResolvedSourceOptions;
  readonly #name: string;
  /** Shards that were opened. */
  #opened = 0;
  /** Shards by their hashes, to name the one that came in the place of another. */
  readonly #byHash: ReadonlyMap<string, Shard>;
  /** Of all bytes: the shards may be in the wrong order. Null if the hash of the only shard is enough. */
  #hash: Sha256 | null;
  #current: AsyncGenerator<Uint8Array> | null = null;
  /** Whether reading failed, so that the caller has the right error already. */
  #hasFailed = false;
  /** Errors that say that a shard differs from the index. */
  readonly #mismatches = new WeakSet<WeightsError>();

  constructor(index: ShardIndex, open: OpenShard, options: ResolvedSourceOptions, name: string) {
    this.#index = index;
    this.#open = open;
    this.#options = options;
    this.#name = name;
    this.#byHash = new Map(index.shards.map((shard) => [shard.sha256, shard]));
    this.#hash = index.sha256 === undefined || index.shards.length === 1 ? null : new Sha256();
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const shard = this.#current ?? this.#nextShard();
      if (shard === null) {
        this.#checkOrder();
        return END;
      }
      this.#hasFailed = true;
      const next = await shard.next();
      this.#hasFailed = false;
      if (next.done !== true) {
        this.#hash?.update(next.value);
        return { done: false, value: next.value };
      }
      this.#current = null;
    }
  }

  /** Does nothing, so that `explain` can read on after the caller has stopped. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    return Promise.resolve(END);
  }

  /**
   * The cause of an error of the caller. A wrong shard makes weights invalid before its last byte shows that its
   * hash differs; so the rest is read, and a difference from the index replaces the error.
   */
  async explain(error: unknown): Promise<unknown> {
    // A missing backend has nothing to do with the bytes. Everything else may, even an exceeded limit.
    if (error instanceof BackendUnavailableError || this.#current === null || this.#hasFailed) return error;
    if (this.#options.signal?.aborted === true) return error;
    // Errors other than about weights can only come from the current shard.
    const rest = error instanceof WeightsError ? this : this.#current;
    try {
      while ((await rest.next()).done !== true);
      return error;
    } catch (cause) {
      // Other errors, such as a lost connection, do not explain the caller's.
      return cause instanceof WeightsError && this.#mismatches.has(cause) ? cause : error;
    }
  }

  async close(): Promise<void> {
    await this.#current?.return(undefined);
    this.#current = null;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #nextShard(): AsyncGenerator<Uint8Array> | null {
    const { shards } = this.#index;
    if (this.#opened === shards.length) return (this.#current = null);
    return (this.#current = this.#bytesOf(shards[this.#opened++]));
  }

  #mismatch(op: string, expected: string, got: string, hint = SHARD_HINT): WeightsError {
    const error = new WeightsError({ op, expected, got, hint });
    this.#mismatches.add(error);
    return error;
  }

  /** After the last shard, once. */
  #checkOrder(): void {
    const got = this.#hash?.digest();
    this.#hash = null;
    const { sha256 } = this.#index;
    if (got === undefined || got === sha256) return;
    throw this.#mismatch(this.#name, `shards that are sha256 ${sha256 ?? ''} in their order`, got);
  }

  async *#bytesOf(shard: Shard): AsyncGenerator<Uint8Array> {
    const { name, chunks } = await this.#openShard(shard.file);
    const op = name ?? shard.file;
    const hash = new Sha256();
    const head = new Head();
    let count = 0;
    try {
      for await (const chunk of chunks) {
        count += chunk.length;
        head.add(chunk);
        if (count > shard.bytes) throw this.#otherShard(shard, op, 'more', head);
        hash.update(chunk);
        yield chunk;
      }
    } catch (error) {
      throw name === null ? this.#withName(error, op) : error;
    }
    this.#checkShard(shard, op, count, hash.digest(), head);
  }

  /** Streams have no name, so their errors get that of the shard. */
  #withName(error: unknown, op: string): unknown {
    if (!(error instanceof WeightsError) || error.op === op || this.#mismatches.has(error)) return error;
    const { expected, got, hint } = error;
    return new WeightsError({ op, expected, got, hint }, { cause: error });
  }

  /** @throws WeightsError unless the bytes of a shard are those of the index */
  #checkShard(shard: Shard, op: string, count: number, got: string, head: Head): void {
    if (count === shard.bytes && got === shard.sha256) return;
    const other = this.#byHash.get(got);
    const which = other === undefined ? '' : `: that is ${other.file}`;
    if (count < shard.bytes) throw this.#otherShard(shard, op, `${count}${which}`, head);
    throw this.#mismatch(op, `sha256 ${shard.sha256}`, `${got}${which}`, textKind(head.bytes)?.hint);
  }

  /** The error for a shard of another length: if it is text, such as a page of the server, that is what to say. */
  #otherShard({ bytes }: Shard, op: string, got: string, head: Head): WeightsError {
    const text = textKind(head.bytes);
    return this.#mismatch(op, `${bytes} bytes`, text === null ? got : `${got}: ${text.name}`, text?.hint);
  }

  async #openShard(file: string): Promise<Source> {
    const opening = this.#callOpen(file);
    const source = await waitFor(opening, this.#options, file).catch((error: unknown) => {
      // A source that comes after the timeout is canceled.
      opening.then(cancelSource, () => undefined);
      throw error;
    });
    return openSource(source, this.#options, file);
  }

  async #callOpen(file: string): Promise<WeightsSource> {
    try {
      const source = await this.#open(file, { signal: this.#options.signal });
      if (source !== null && source !== undefined) return source;
    } catch (cause) {
      throwIfAborted(this.#options.signal);
      if (cause instanceof VanillaNetError) throw cause;
      throw new WeightsError({ op: file, expected: 'a shard', got: reasonOf(cause), hint: hintOf(cause) }, { cause });
    }
    const hint = 'Store each shard under the name that the index has for it; open must return its bytes.';
    throw new WeightsError({ op: file, expected: 'a shard', got: 'none', hint });
  }
}

export interface OpenShardsOptions extends SourceOptions, ProgressOptions {}

/** An index of shards and where they are. */
export class Shards implements AsyncIterable<Uint8Array> {
  readonly index: ShardIndex;
  readonly onProgress: OnProgress | undefined;
  readonly signal: AbortSignal | undefined;
  readonly #open: OpenShard;
  readonly #options: ResolvedSourceOptions;

  /** @throws ParamError for an invalid option */
  constructor(index: ShardIndex, open: OpenShard, { onProgress, ...options }: OpenShardsOptions = {}) {
    this.index = index;
    this.#open = checkFunction('open', open);
    this.#options = resolveSourceOptions(options);
    this.onProgress = checkOnProgress(onProgress);
    this.signal = this.#options.signal;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const reader = this.read(this.#options);
    const { onProgress } = this;
    try {
      yield* onProgress === undefined ? reader : withProgress(reader, () => this.index.bytes, onProgress);
    } finally {
      await reader.close();
    }
  }

  /** @param name of the shards together, for errors */
  read(options: ResolvedSourceOptions, name = 'shards'): ShardReader {
    return new ShardReader(this.index, this.#open, options, name);
  }
}

/**
 * A weight file in shards, for `loadModel`, or to iterate over its bytes.
 *
 *     const index = await env.KV.get('net.json', 'json');
 *     const model = await loadModel(openShards(index, (file) => env.KV.get(file, 'stream')));
 *
 * If the weights are invalid, all shards are read before the error is thrown, because they may be in the wrong order.
 *
 * @param index the index that `pack --shard` writes, as text, bytes or parsed
 * @param open returns the shard of a name
 * @param options how shards are read. Of `loadModel`, the options take precedence; `signal` and `onProgress` here apply if
 *   they are not passed there.
 * @throws WeightsError if the index is invalid; ParamError for an invalid option. Errors while reading name the shard.
 */
export function openShards(
  index: unknown,
  open: OpenShard,
  options: OpenShardsOptions = {},
): AsyncIterable<Uint8Array> {
  checkKeys(checkObject('options', options), [...SOURCE_KEYS, 'onProgress'], (key) => key);
  return new Shards(readShardIndex(index), open, options);
}
