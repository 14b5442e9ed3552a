import { checkKeys, checkObject, isInteger, show } from '../core/check.js';
import { checkBytes } from '../core/checkState.js';
import { ParamError } from '../core/errors.js';
import { sha256Of } from './sha256.js';
import { FORMAT, isFileName, type ShardIndex } from './shardIndex.js';

/** The default limit of a shard: below the 25 MiB of Cloudflare's KV and static assets. */
export const SHARD = 24 * 2 ** 20;
/** The largest number of shards: their names have five digits. */
const MOST = 99_999;

export interface CutOptions {
  /** The prefix of the names of the shards. */
  readonly name: string;
  /** The maximum size of a shard in bytes. Default 24 MiB. */
  readonly limit?: number;
}

/** A weight file in shards. */
export interface ShardedFile {
  readonly index: ShardIndex;
  /** Views of the file by the names of the shards, in order. */
  readonly shards: ReadonlyMap<string, Uint8Array>;
}

/**
 * Cuts a weight file into shards of equal size, regardless of its tensors, because one tensor may be too large.
 *
 * @throws ParamError for an invalid name or limit
 */
export function cutShards(bytes: Uint8Array, options: CutOptions): ShardedFile {
  checkBytes('cutShards', bytes);
  checkKeys(checkObject('cutShards', options), ['name', 'limit'], (key) => key);
  const { name, limit = SHARD } = options;
  if (!isFileName(name)) {
    const hint = 'Omit / \\ : ? # % from the name: the shards lie beside their index.';
    throw new ParamError({ op: 'cutShards', expected: 'a file name without a folder', got: show(name), hint });
  }
  const count = isInteger(limit, { min: 1 }) ? Math.max(1, Math.ceil(bytes.length / limit)) : Infinity;
  if (count > MOST) {
    const expected = `a limit in bytes that makes at most ${MOST} shards`;
    throw new ParamError({
      op: 'cutShards',
      expected,
      got: show(limit),
      hint: 'Choose a larger limit, such as 24 * 2 ** 20.',
    });
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
