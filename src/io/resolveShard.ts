import { WeightsError } from '../core/errors.js';
import { foreignScheme, isUrl } from './location.js';

/**
 * The location of a shard: beside its index, in the same folder or under the same URL.
 *
 * @param hasPaths whether a location that is not a URL is a path; otherwise it is a relative URL
 * @throws WeightsError for a URL that has no folder: data: and blob:
 */
export function resolveShard(location: string, file: string, hasPaths: boolean): string {
  if (isUrl(location) || foreignScheme(location) !== null) {
    const relative = encodeURI(file);
    if (URL.canParse(relative, location)) return new URL(relative, location).href;
    const hint = 'Pass the shards by openShards(index, open).';
    throw new WeightsError({ op: file, expected: 'an index with shards beside it', got: location.slice(0, 40), hint });
  }
  if (hasPaths) return location.replace(/[^/\\]*$/, '') + file;
  // A query may contain slashes.
  return location.replace(/[?#].*$/s, '').replace(/[^/\\]*$/, '') + encodeURI(file);
}
