/**
 * A weight file in shards, for hosts with small size limits, and their index:
 *
 *     {"format": "vanillanet-shards", "version": 1, "bytes": …, "sha256": …,
 *      "shards": [{"file": "net-00001-of-00002.bin", "bytes": …, "sha256": …}, …]}
 */
import { WeightsError } from '../core/errors.js';
import { parseJson } from '../core/json.js';
import { isRecord, show, tagOf } from '../core/check.js';
import { jsonKind } from './fileKind.js';
import { isSha256 } from './sha256.js';

export interface Shard {
  /** A name without a folder: shards are beside their index. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ShardIndex {
  readonly format: 'vanillanet-shards';
  readonly version: 1;
  /** Of the whole file, the concatenation of the shards. */
  readonly bytes: number;
  /** Of the whole file; may be absent if there is only one shard. */
  readonly sha256?: string | undefined;
  readonly shards: readonly Shard[];
}

export const FORMAT = 'vanillanet-shards';
/** The longest index in bytes, enough for 100 000 shards. */
export const MAX_INDEX = 2 ** 24;

/** Whether a name stays in the folder of the index and has no special characters of URLs. */
export const isFileName = (name: unknown): name is string =>
  typeof name === 'string' && /^(?!\.\.?$)[^/\\:?#%\p{Cc}]+$/u.test(name);

const isCount = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0;

const isText = (input: unknown): input is string | Uint8Array =>
  typeof input === 'string' || tagOf(input) === 'Uint8Array';

/**
 * Checks an index of shards.
 *
 * @param input JSON, as text or bytes, or the parsed value
 * @param name of the index in errors
 * @throws WeightsError
 */
export function readShardIndex(input: unknown, name = 'shards'): ShardIndex {
  const hint = 'Copy the index again, or write it again: vanillanet pack IN OUT.json --shard.';
  const refuse = (expected: string, got: string): never => {
    throw new WeightsError({ op: name, expected, got, hint });
  };
  const index = isText(input)
    ? parseJson(input, {
        op: name,
        Refused: WeightsError,
        expected: 'an index of shards in JSON',
        limit: MAX_INDEX,
        hint,
      })
    : input;
  if (!isRecord(index)) return refuse('an index of shards', show(index));
  const { format, version, bytes, sha256, shards } = index;
  if (format !== FORMAT) {
    const kind = jsonKind(index);
    const expected = `an index of shards (format "${FORMAT}")`;
    throw new WeightsError({ op: name, expected, got: kind.name, hint: kind.hint });
  }
  if (version !== 1) return refuse(`format "${FORMAT}" of version 1`, `version ${show(version)}`);
  if (!Array.isArray(shards)) return refuse('a list of shards', show(shards));
  if (sha256 !== undefined && !isSha256(sha256)) return refuse('a sha256 of 64 hexadecimal digits', show(sha256));
  // Not `map`, which would pass over holes.
  const checkedShards = Array.from(shards, (shard: unknown, i): Shard => {
    if (!isRecord(shard)) return refuse(`shard ${i} with file, bytes and sha256`, show(shard));
    const { file, bytes: length, sha256: hash } = shard;
    if (!isFileName(file)) return refuse(`a file name without a folder for shard ${i}`, show(file));
    if (!isCount(length)) return refuse(`a number of bytes for ${file}`, show(length));
    if (!isSha256(hash)) return refuse(`a sha256 of 64 hexadecimal digits for ${file}`, show(hash));
    return { file, bytes: length, sha256: hash.toLowerCase() };
  });
  const files = new Set<string>();
  for (const { file } of checkedShards) {
    if (files.has(file)) return refuse('each shard once', `${file} twice`);
    files.add(file);
  }
  if (sha256 !== undefined && checkedShards.length === 1 && sha256.toLowerCase() !== checkedShards[0].sha256) {
    return refuse(`sha256 ${checkedShards[0].sha256}, that of the only shard`, show(sha256));
  }
  if (sha256 === undefined && checkedShards.length > 1) {
    return refuse('a sha256 of the whole file, which shows the order of the shards', 'none');
  }
  const sum = checkedShards.reduce((all, shard) => all + shard.bytes, 0);
  if (bytes !== sum) return refuse(`${sum} bytes, those of all shards`, show(bytes));
  return { format: FORMAT, version: 1, bytes: sum, sha256: sha256?.toLowerCase(), shards: checkedShards };
}
