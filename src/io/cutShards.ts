import { ParamError } from '../core/errors.js';
import { sha256Of } from './sha256.js';
import { FORMAT, isFileName, type ShardIndex } from './shardIndex.js';

/** Below the 25 MiB of Cloudflare's KV and static assets. */
export const SHARD = 24 * 2 ** 20;
/** Names count to five digits. */
const MOST = 99_999;

export interface CutOptions {
  /** What the shards' names begin with. */
  readonly name: string;
  /** Bytes of a shard at most; 24 MiB where it is not given. */
  readonly limit?: number;
}

/** A file in pieces, with their index. */
export interface Cut {
  readonly index: ShardIndex;
  /** Views of the file, by their names, in order. */
  readonly shards: ReadonlyMap<string, Uint8Array>;
}

/**
 * Cuts a weight file: not between tensors, of which one alone may be too large.
 *
 * @throws ParamError for a name that is no file's, or a limit that is none
 */
export function cutShards(bytes: Uint8Array, { name, limit = SHARD }: CutOptions): Cut {
  if (!isFileName(name)) {
    throw new ParamError({ op: 'cutShards', expected: 'a file name without a folder', got: String(name) });
  }
  const count = Math.max(1, Math.ceil(bytes.length / limit));
  if (!Number.isSafeInteger(limit) || limit < 1 || count > MOST) {
    const expected = `a limit in bytes that makes at most ${MOST} shards`;
    throw new ParamError({ op: 'cutShards', expected, got: String(limit) });
  }
  const digits = (n: number): string => String(n).padStart(5, '0');
  const shards = new Map(
    Array.from({ length: count }, (_, i) => [
      `${name}-${digits(i + 1)}-of-${digits(count)}.bin`,
      bytes.subarray(i * limit, (i + 1) * limit),
    ]),
  );
  const index: ShardIndex = {
    format: FORMAT,
    version: 1,
    bytes: bytes.length,
    sha256: sha256Of(bytes),
    shards: [...shards].map(([file, part]) => ({ file, bytes: part.length, sha256: sha256Of(part) })),
  };
  return { index, shards };
}
