/** Tells paths from URLs, and names both in errors. */

/**
 * The URLs that runtimes read. Anything else is a path: a folder may be called `model:v0`, `http:` or `data:v0`, and
 * `c:/net` is on a drive.
 */
const URL_START = /^(https?:\/\/|data:[^,/]*(\/[^,/]*)?,|blob:|file:)/i;

/** Whether a location is a URL of a scheme that can be read, not a path. */
export const isUrl = (location: string): boolean => URL_START.test(location);

export const isFileUrl = (location: string): boolean => /^file:/i.test(location);

/** The scheme of a location that looks like a URL, such as `s3://bucket/net`; null for a path and for a drive letter. */
export const foreignScheme = (location: string): string | null =>
  isUrl(location) ? null : (/^([a-z][a-z\d+.-]+:)\/\//i.exec(location)?.[1] ?? null);

/** The longest location in an error; a longer one is shown by its two ends. */
const SHOWN = { start: 120, end: 60 };

const shorten = (text: string): string =>
  text.length <= SHOWN.start + SHOWN.end ? text : `${text.slice(0, SHOWN.start)}…${text.slice(-SHOWN.end)}`;

/** Bytes of a data: URL that are shown. */
const DATA = 40;

/**
 * A location for errors and logs: shortened, and without the user name, password, query and fragment of a URL, which may be
 * secrets.
 *
 * @param hasPaths whether a location that is not a URL is a path; otherwise it is a relative URL
 */
export function displayName(location: string, hasPaths = true): string {
  if (location === '') return '""';
  if (/^data:/i.test(location) && isUrl(location)) {
    return location.length <= DATA ? location : `${location.slice(0, DATA)}…`;
  }
  const isPath = hasPaths && !isUrl(location) && foreignScheme(location) === null;
  if (isPath || isFileUrl(location)) return shorten(location);
  const name = location.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/?#]*@/i, '$1').replace(/#.*$/s, '');
  return shorten(name.replace(/\?.*$/s, '?…'));
}
