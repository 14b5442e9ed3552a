/**
 * Where a shard lies: in its index's folder, or on its server under the same path.
 *
 * @param hasPaths whether a location that is no URL is the path of a file; elsewhere it is a URL without an origin
 */
export function resolveShard(location: string, file: string, hasPaths: boolean): string {
  if (URL.canParse(location) && !/^[a-z]:[\\/]/i.test(location)) return new URL(encodeURI(file), location).href;
  if (hasPaths) return location.replace(/[^/\\]*$/, '') + file;
  // A query may hold slashes.
  return location.replace(/[?#].*$/s, '').replace(/[^/\\]*$/, '') + encodeURI(file);
}
