/**
 * A weight file in pieces that small places take, and the index of them:
 *
 *     {"format": "vanillanet-shards", "version": 1, "bytes": …, "sha256": …,
 *      "shards": [{"file": "net-00001-of-00002.bin", "bytes": …, "sha256": …}, …]}
 */
import { WeightsError } from '../core/errors.js';
import { messageOf } from '../core/messageOf.js';
import { isRecord, show } from '../core/check.js';
import { isSha256 } from './sha256.js';

export interface Shard {
  /** A name without a folder: shards lie beside their index. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ShardIndex {
  readonly format: 'vanillanet-shards';
  readonly version: 1;
  /** Of the whole file, which the shards are in their order. */
  readonly bytes: number;
  /** Of a single shard it has that one's. */
  readonly sha256?: string | undefined;
  readonly shards: readonly Shard[];
}

export const FORMAT = 'vanillanet-shards';

/** Nothing that would lead out of the index's folder, or be something else in a URL. */
export const isFileName = (name: unknown): name is string =>
  typeof name === 'string' && /^(?!\.\.?$)[^/\\:?#%\p{Cc}]+$/u.test(name);

const isCount = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0;

/**
 * An index, of which everything is checked.
 *
 * @param given JSON, or what it means
 * @param name how errors call it
 * @throws WeightsError
 */
export function readShardIndex(given: unknown, name = 'shards'): ShardIndex {
  const refuse = (expected: string, got: string, cause?: unknown): never => {
    throw new WeightsError({ op: name, expected, got }, { cause });
  };
  let index = given;
  if (typeof given === 'string') {
    try {
      index = JSON.parse(given) as unknown;
    } catch (cause) {
      return refuse('an index of shards in JSON', messageOf(cause), cause);
    }
  }
  if (!isRecord(index)) return refuse('an index of shards', show(index));
  const { format, version, bytes, sha256, shards } = index;
  if (format !== FORMAT || version !== 1) {
    return refuse(`format "${FORMAT}" of version 1`, `${show(format)} of version ${show(version)}`);
  }
  if (!Array.isArray(shards)) return refuse('a list of shards', show(shards));
  if (sha256 !== undefined && !isSha256(sha256)) return refuse('a sha256 of 64 hexadecimal digits', show(sha256));
  const checked = shards.map((shard: unknown, i): Shard => {
    if (!isRecord(shard)) return refuse(`shard ${i} with file, bytes and sha256`, show(shard));
    const { file, bytes: length, sha256: hash } = shard;
    if (!isFileName(file)) return refuse(`a file name without a folder for shard ${i}`, show(file));
    if (!isCount(length)) return refuse(`a number of bytes for ${file}`, show(length));
    if (!isSha256(hash)) return refuse(`a sha256 of 64 hexadecimal digits for ${file}`, show(hash));
    return { file, bytes: length, sha256: hash.toLowerCase() };
  });
  const twice = checked.find(({ file }, i) => checked.findIndex((other) => other.file === file) !== i);
  if (twice !== undefined) return refuse('each shard once', `${twice.file} twice`);
  if (sha256 !== undefined && checked.length === 1 && sha256.toLowerCase() !== checked[0].sha256) {
    return refuse(`sha256 ${checked[0].sha256}, that of the only shard`, show(sha256));
  }
  if (sha256 === undefined && checked.length > 1) {
    return refuse('a sha256 of the whole file, which tells the order of its shards', 'none');
  }
  const sum = checked.reduce((all, shard) => all + shard.bytes, 0);
  if (bytes !== sum) return refuse(`${sum} bytes, those of all shards`, show(bytes));
  return { format: FORMAT, version: 1, bytes: sum, sha256: sha256?.toLowerCase(), shards: checked };
}
