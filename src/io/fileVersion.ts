/** Whether two responses are of the same version of a file. */
import type { ResponseLike } from './weightsSource.js';

/** What a response says about its file. */
export interface FileVersion {
  /** Bytes of the file. */
  readonly total: number | null;
  /** The headers `etag` and `last-modified`. */
  readonly tag: string | null;
  readonly modified: string | null;
}

// The ranges of compressed content are not those of the file.
const isEncoded = ({ headers }: ResponseLike): boolean =>
  (headers?.get('content-encoding') ?? 'identity') !== 'identity';

export function fileVersion(response: ResponseLike): FileVersion {
  const { headers } = response;
  if (headers === undefined || isEncoded(response)) return { total: null, tag: null, modified: null };
  const length = headers.get('content-length');
  const [tag, modified] = [headers.get('etag'), headers.get('last-modified')];
  return { total: length === null ? null : Number(length), tag, modified };
}

/** The value of If-Range; null if the file cannot be resumed. A weak tag does not promise equal bytes. */
export const validatorOf = ({ tag, modified }: FileVersion): string | null =>
  tag?.startsWith('"') === true ? tag : modified;

/**
 * The reason why a response is not of the same version, in words; null if nothing speaks against it.
 *
 * @param isConditional whether the request had If-Range
 */
export function mismatch(response: ResponseLike, version: FileVersion, isConditional: boolean): string | null {
  const [other, { tag, modified }] = [fileVersion(response), version];
  if (isEncoded(response)) return 'compressed content';
  if (tag !== null && other.tag !== null && other.tag !== tag) return `etag ${other.tag}, not ${tag}`;
  // With equal tags the dates may differ: one file on several servers.
  const hasSameTag = other.tag !== null && other.tag === validatorOf(version);
  if (!hasSameTag && modified !== null && other.modified !== null && other.modified !== modified) {
    return `last-modified ${other.modified}, not ${modified}`;
  }
  return isConditional || validatorOf(other) === validatorOf(version)
    ? null
    : 'a response without etag or last-modified';
}

/** Whether a browser would ask the other origin for permission before If-Range, which few servers grant. */
export function isCrossOrigin(url: string): boolean {
  const { location } = globalThis as { readonly location?: { readonly origin: string; readonly href: string } };
  return location !== undefined && new URL(url, location.href).origin !== location.origin;
}
