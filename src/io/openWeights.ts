/** A source of which is known whether it is a weight file or an index of shards. */
import { platform } from '#runtime';
import { WeightsError } from '../core/errors.js';
import { resolveShard } from './resolveShard.js';
import { validateOrCancel } from './cancelSource.js';
import { Shards, type ShardReader } from './openShards.js';
import { MAX_HEADER, PREFIX } from './safetensorsHeader.js';
import { checkSha256, verifySha256 } from './sha256.js';
import { readShardIndex } from './shardIndex.js';
import { openSource, type WeightsSource } from './source.js';
import type { SourceOptions } from './sourceOptions.js';

export interface OpenWeightsOptions extends SourceOptions {
  /** What the weight file must be, of shards all together: 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
}

export interface OpenedWeights {
  /** What errors call them; null where they have no name. */
  readonly name: string | null;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** See `ShardReader`. */
  blame(error: unknown): Promise<unknown>;
  close(): Promise<void>;
}

const BRACE = 0x7b;
/** An index of a million shards is no index. */
const MAX_INDEX = 2 ** 24;

/** Whether a file begins as JSON, and not as a length that a header can have. */
const isJson = (head: Uint8Array): boolean => {
  if (head[0] !== BRACE) return false;
  if (head.length < PREFIX) return true;
  return new DataView(head.buffer, head.byteOffset, PREFIX).getBigUint64(0, true) > BigInt(MAX_HEADER);
};

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

const whole = (
  name: string | null,
  chunks: AsyncIterable<Uint8Array>,
  sha256: string | null,
): Pick<OpenedWeights, 'name' | 'chunks'> => ({
  name,
  chunks: sha256 === null ? chunks : verifySha256(chunks, sha256, name ?? 'weights'),
});

function openAll(shards: Shards, name: string | null, sha256: string | null, options: SourceOptions): OpenedWeights {
  const told = shards.index.sha256;
  if (sha256 !== null && told !== undefined && told !== sha256) {
    throw new WeightsError({ op: name ?? 'shards', expected: `sha256 ${sha256}`, got: `${told} in the index` });
  }
  const reader: ShardReader = shards.read(options, name ?? 'shards');
  const chunks = { [Symbol.asyncIterator]: () => reader };
  return {
    // What the index tells is held against the shards there.
    ...whole(name, chunks, told === undefined ? sha256 : null),
    blame: (error) => reader.blame(error),
    close: () => reader.close(),
  };
}

/**
 * Opens weights, of which the first bytes are read.
 *
 * @throws ParamError for what is no source or option; WeightsError for what cannot be read.
 */
export async function openWeights(source: WeightsSource, options: OpenWeightsOptions): Promise<OpenedWeights> {
  const { sha256: given } = options;
  const sha256 = given === undefined ? null : validateOrCancel(source, () => checkSha256(given));
  if (source instanceof Shards) return openAll(source, null, sha256, options);

  const { name, chunks } = openSource(source, options);
  const iterator = chunks[Symbol.asyncIterator]();
  const next = async (): Promise<Uint8Array | null> => {
    const result = await iterator.next();
    return result.done === true ? null : result.value;
  };
  let head: Uint8Array = (await next()) ?? new Uint8Array(0);
  while (head.length < PREFIX) {
    // What came is good until more is asked for.
    const kept = head.slice();
    const more = await next();
    head = more === null ? kept : joined(kept, more);
    if (more === null) break;
  }
  if (isJson(head)) {
    try {
      let text: Uint8Array = head.slice();
      for (let more = await next(); more !== null && text.length <= MAX_INDEX; more = await next()) {
        text = joined(text, more);
      }
      const isNamed = typeof source === 'string' || 'href' in source;
      if (!isNamed) {
        const expected = 'weights; an index of shards is opened by its path or URL, or by openShards';
        throw new WeightsError({ op: name ?? 'weights', expected, got: 'JSON' });
      }
      const location = name ?? '';
      const index = readShardIndex(new TextDecoder().decode(text), location);
      const shards = new Shards(index, (file) => resolveShard(location, file, platform.readFile !== null));
      return openAll(shards, location, sha256, options);
    } finally {
      await iterator.return?.();
    }
  }

  let first: Uint8Array | null = head;
  const rest: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => rest,
    next: async () => {
      if (first === null) return iterator.next();
      const value = first;
      first = null;
      return { done: false, value };
    },
    return: async () => {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
  return {
    ...whole(name, rest, sha256),
    blame: (error) => Promise.resolve(error),
    close: async () => {
      await iterator.return?.();
    },
  };
}
