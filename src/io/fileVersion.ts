/** Whether two answers are of the same file. */
import type { ResponseLike } from './source.js';

/** What an answer says of its file. */
export interface FileVersion {
  readonly total: number | null;
  readonly tag: string | null;
  readonly modified: string | null;
}

// What is compressed on the way has other bytes than those that would be asked for.
const isEncoded = ({ headers }: ResponseLike): boolean =>
  (headers?.get('content-encoding') ?? 'identity') !== 'identity';

export function fileVersion(response: ResponseLike): FileVersion {
  const { headers } = response;
  if (headers === undefined || isEncoded(response)) return { total: null, tag: null, modified: null };
  const length = headers.get('content-length');
  const [tag, modified] = [headers.get('etag'), headers.get('last-modified')];
  return { total: length === null ? null : Number(length), tag, modified };
}

/**
 * By which a server knows whether it is still the same; null where it cannot be continued. A weak
 * tag is that of something like it.
 */
export const validatorOf = ({ tag, modified }: FileVersion): string | null =>
  tag?.startsWith('"') === true ? tag : modified;

/**
 * Why an answer is not of the same file, in words; null where nothing says so.
 *
 * @param wasAsked whether the server was asked to look for itself
 */
export function mismatch(response: ResponseLike, file: FileVersion, wasAsked: boolean): string | null {
  const [found, { tag, modified }] = [fileVersion(response), file];
  if (isEncoded(response)) return 'one that is compressed';
  if (tag !== null && found.tag !== null && found.tag !== tag) return `etag ${found.tag}, not ${tag}`;
  // The same tag is the same file, whatever a server of many has for its date.
  const isTagged = found.tag !== null && found.tag === validatorOf(file);
  if (!isTagged && modified !== null && found.modified !== null && found.modified !== modified) {
    return `last-modified ${found.modified}, not ${modified}`;
  }
  return wasAsked || validatorOf(found) === validatorOf(file) ? null : 'one that does not say whether it is the same';
}

/**
 * Whether a browser would ask another origin first whether it may send If-Range, which few allow;
 * what is asked of a range alone is not asked for.
 */
export function isCrossOrigin(url: string): boolean {
  const { location } = globalThis as { readonly location?: { readonly origin: string; readonly href: string } };
  return location !== undefined && new URL(url, location.href).origin !== location.origin;
}
