/** Shards as one weight file; each is compared with the index while it is read. */
import { BackendUnavailableError, VanillaNetError, WeightsError } from '../core/errors.js';
import { cancelSource } from './cancelSource.js';
import { reasonOf } from './reason.js';
import { Sha256 } from './sha256.js';
import { readShardIndex, type Shard, type ShardIndex } from './shardIndex.js';
import { openSource, type Source } from './source.js';
import { resolveSourceOptions, type ResolvedSourceOptions } from './sourceOptions.js';
import { withReadTimeout } from './readTimeout.js';
import type { WeightsSource } from './weightsSource.js';

/** Returns the shard of a name, for example from KV, R2, a cache or a server; null or undefined if there is none. */
export type OpenShard = (file: string) => WeightsSource | null | undefined | Promise<WeightsSource | null | undefined>;

const END = { done: true, value: undefined } as const;

/** The bytes of all shards in order. */
export class ShardReader implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #index: ShardIndex;
  readonly #open: OpenShard;
  readonly #options: ResolvedSourceOptions;
  readonly #name: string;
  readonly #remaining: Shard[];
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
    this.#remaining = [...index.shards];
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
    const shard = this.#remaining.shift();
    return (this.#current = shard === undefined ? null : this.#bytesOf(shard));
  }

  #mismatch(op: string, expected: string, got: string): WeightsError {
    const error = new WeightsError({ op, expected, got });
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
    let count = 0;
    try {
      for await (const chunk of chunks) {
        count += chunk.length;
        if (count > shard.bytes) throw this.#mismatch(op, `${shard.bytes} bytes`, 'more');
        hash.update(chunk);
        yield chunk;
      }
    } catch (error) {
      throw name === null ? this.#withName(error, op) : error;
    }
    this.#checkShard(shard, op, count, hash.digest());
  }

  /** Streams have no name, so their errors get that of the shard. */
  #withName(error: unknown, op: string): unknown {
    if (!(error instanceof WeightsError) || this.#mismatches.has(error)) return error;
    const { expected, got } = error;
    return new WeightsError({ op, expected, got }, { cause: error });
  }

  #checkShard({ bytes, sha256 }: Shard, op: string, count: number, got: string): void {
    const other = this.#index.shards.find((each) => each.sha256 === got);
    const which = other === undefined ? '' : `: that is ${other.file}`;
    if (count < bytes) throw this.#mismatch(op, `${bytes} bytes`, `${count}${which}`);
    if (got !== sha256) throw this.#mismatch(op, `sha256 ${sha256}`, `${got}${which}`);
  }

  async #openShard(file: string): Promise<Source> {
    const opening = this.#callOpen(file);
    const source = await withReadTimeout(opening, this.#options.timeout, file).catch((error: unknown) => {
      // A source that comes after the timeout is canceled.
      opening.then(cancelSource, () => undefined);
      throw error;
    });
    return openSource(source, this.#options);
  }

  async #callOpen(file: string): Promise<WeightsSource> {
    try {
      const source = await this.#open(file);
      if (source !== null && source !== undefined) return source;
    } catch (cause) {
      if (cause instanceof VanillaNetError) throw cause;
      throw new WeightsError({ op: file, expected: 'a shard', got: reasonOf(cause) }, { cause });
    }
    throw new WeightsError({ op: file, expected: 'a shard', got: 'none' });
  }
}

/** An index of shards and where they are. */
export class Shards implements AsyncIterable<Uint8Array> {
  readonly index: ShardIndex;
  readonly #open: OpenShard;

  constructor(index: ShardIndex, open: OpenShard) {
    this.index = index;
    this.#open = open;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const reader = this.read(resolveSourceOptions());
    try {
      yield* reader;
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
 * A weight file in shards, for `loadModel`.
 *
 *     const index = await env.KV.get('net.json', 'json');
 *     const model = await loadModel(openShards(index, (file) => env.KV.get(file, 'stream')));
 *
 * If the weights are invalid, all shards are read before the error is thrown, because they may be in the wrong order.
 *
 * @param index the index that `pack --shard` writes, as text or parsed
 * @param open returns the shard of a name
 * @throws WeightsError if the index is invalid. Errors while reading name the shard.
 */
export const openShards = (index: unknown, open: OpenShard): AsyncIterable<Uint8Array> =>
  new Shards(readShardIndex(index), open);
