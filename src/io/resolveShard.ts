/**
 * The location of a shard: beside its index, in the same folder or under the same URL.
 *
 * @param hasPaths whether a location that is not a URL is a path; otherwise it is a relative URL
 */
export function resolveShard(location: string, file: string, hasPaths: boolean): string {
  if (URL.canParse(location) && !/^[a-z]:[\\/]/i.test(location)) return new URL(encodeURI(file), location).href;
  if (hasPaths) return location.replace(/[^/\\]*$/, '') + file;
  // A query may contain slashes.
  return location.replace(/[?#].*$/s, '').replace(/[^/\\]*$/, '') + encodeURI(file);
}
