/** The weight file that shards are together, each held against the index as it comes. */
import { BackendUnavailableError, VanillaNetError, WeightsError } from '../core/errors.js';
import { cancelSource } from './cancelSource.js';
import { reasonOf } from './reason.js';
import { Sha256 } from './sha256.js';
import { readShardIndex, type Shard, type ShardIndex } from './shardIndex.js';
import { openSource, type WeightsSource } from './source.js';
import { sourceOptions, type SourceOptions } from './sourceOptions.js';
import { withReadTimeout } from './readTimeout.js';

/** Gives the shard of a name: what KV, R2, a cache or a server answers, nothing where there is none. */
export type OpenShard = (file: string) => WeightsSource | null | undefined | Promise<WeightsSource | null | undefined>;

/** Shards on their way in. */
export interface ShardReader extends AsyncIterator<Uint8Array, undefined> {
  /** Does nothing: whoever refuses what has come may be told why by `blame`. */
  return(): Promise<IteratorResult<Uint8Array, undefined>>;
  /**
   * What is to blame for an error of whoever read: a shard that is not what it should be makes
   * nonsense of weights before its last byte tells, so that is read on to its end.
   */
  blame(error: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export class Shards implements AsyncIterable<Uint8Array> {
  readonly index: ShardIndex;
  readonly #open: OpenShard;
  /** What was said of shards that are not what they should be. */
  readonly #misfits = new WeakSet<WeightsError>();

  constructor(index: ShardIndex, open: OpenShard) {
    this.index = index;
    this.#open = open;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const reader = this.read({});
    try {
      for (;;) {
        const next = await reader.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await reader.close();
    }
  }

  /** @param name how errors call all of them together */
  read(options: SourceOptions, name = 'shards'): ShardReader {
    const { shards, sha256 } = this.index;
    const waiting = [...shards];
    // Shards that are each right may be in a wrong order; one alone has its own hash.
    const whole = sha256 === undefined || shards.length === 1 ? null : new Sha256();
    let isChecked = false;
    const check = (): void => {
      if (whole === null || isChecked) return;
      isChecked = true;
      const got = whole.digest();
      if (got === sha256) return;
      const error = new WeightsError({ op: name, expected: `shards that are sha256 ${sha256} in their order`, got });
      this.#misfits.add(error);
      throw error;
    };
    let current: AsyncGenerator<Uint8Array> | null = null;
    /** Whether it was the reading that failed: whoever reads was told why. */
    let hasFailed = false;
    const end = { done: true, value: undefined } as const;
    const reader: ShardReader = {
      next: async () => {
        for (;;) {
          if (current === null) {
            const shard = waiting.shift();
            if (shard === undefined) {
              check();
              return end;
            }
            current = this.#bytesOf(shard, options);
          }
          hasFailed = true;
          const next = await current.next();
          hasFailed = false;
          if (next.done !== true) {
            whole?.update(next.value);
            return next;
          }
          current = null;
        }
      },
      return: () => Promise.resolve(end),
      blame: async (error) => {
        // What is not there has nothing to do with what has come; all else may have, a limit that is exceeded, too.
        if (error instanceof BackendUnavailableError || current === null || hasFailed) return error;
        // Nor can more than this shard have to do with what is no matter of its bytes, such as a limit.
        const rest = error instanceof WeightsError ? reader : current;
        try {
          for (let more = true; more;) more = (await rest.next()).done !== true;
          return error;
        } catch (cause) {
          // One that comes no further says nothing of what came.
          return cause instanceof WeightsError && this.#misfits.has(cause) ? cause : error;
        }
      },
      close: async () => {
        await current?.return(undefined);
        current = null;
      },
    };
    return reader;
  }

  async *#bytesOf(shard: Shard, options: SourceOptions): AsyncGenerator<Uint8Array> {
    const { file, bytes, sha256 } = shard;
    const { timeout } = sourceOptions(options);
    const opening = this.#opened(file);
    const source = await withReadTimeout(opening, timeout, file).catch((error: unknown) => {
      // One that is late has somebody at its other end all the same.
      opening.then(cancelSource, () => undefined);
      throw error;
    });
    const { name, chunks } = openSource(source, options);
    const op = name ?? file;
    const hash = new Sha256();
    const misfit = (expected: string, got: string): WeightsError => {
      const error = new WeightsError({ op, expected, got });
      this.#misfits.add(error);
      return error;
    };
    let count = 0;
    try {
      for await (const chunk of chunks) {
        count += chunk.length;
        if (count > bytes) throw misfit(`${bytes} bytes`, 'more');
        hash.update(chunk);
        yield chunk;
      }
    } catch (error) {
      // Streams have no name of their own; this is the shard's.
      if (error instanceof WeightsError && name === null && !this.#misfits.has(error)) {
        const { expected, got } = error;
        throw new WeightsError({ op, expected, got }, { cause: error });
      }
      throw error;
    }
    const got = hash.digest();
    const other = this.index.shards.find((each) => each.sha256 === got);
    const whose = other === undefined ? '' : `: that is ${other.file}`;
    if (count < bytes) throw misfit(`${bytes} bytes`, `${count}${whose}`);
    if (got !== sha256) throw misfit(`sha256 ${sha256}`, `${got}${whose}`);
  }

  async #opened(file: string): Promise<WeightsSource> {
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

/**
 * A weight file whose shards lie where `open` finds them, for `loadModel`.
 *
 *     const index = await env.KV.get('net.json', 'json');
 *     const model = await loadModel(openShards(index, (file) => env.KV.get(file, 'stream')));
 *
 * What is refused is read to its end first: it may be that its shards are in a wrong order.
 *
 * @param index what `pack --shard` wrote: JSON, or what it means
 * @throws WeightsError for an index that is none. What fails later is one that names the shard.
 */
export const openShards = (index: unknown, open: OpenShard): AsyncIterable<Uint8Array> =>
  new Shards(readShardIndex(index), open);
