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

/** Where the files of other schemes can be fetched. */
const SCHEME_HINTS: readonly (readonly [scheme: RegExp, hint: string])[] = [
  [/^s3:$/, 'Pass its https: URL (for a private bucket, one of `aws s3 presign`), or download it: aws s3 cp.'],
  [/^(gs|gcs):$/, 'Pass https://storage.googleapis.com/BUCKET/NAME, or download it: gcloud storage cp.'],
  [/^(az|abfss?|wasbs?):$/, 'Pass its https: URL with a SAS token, or download it: az storage blob download.'],
  [/^(hf|huggingface|hub):$/, 'Pass https://huggingface.co/OWNER/NAME/resolve/main/FILE.'],
  [/^(gh|github):$/, 'Pass https://raw.githubusercontent.com/OWNER/NAME/BRANCH/FILE.'],
  [/^(ftps?|sftp|scp|ssh|smb|nfs|rsync):$/, 'Download the file first, and pass its path.'],
  [/^https?:$/, 'Write two slashes after the scheme: https://HOST/FILE.'],
  [/^data:$/, 'A data: URL has a comma before its content.'],
];

/** The remedy for a location that cannot be read as a path, by its scheme; undefined for a scheme of files, or none. */
export function schemeHint(location: string): string | undefined {
  const scheme = /^[a-z][a-z\d+.-]+:/i.exec(location)?.[0].toLowerCase();
  if (scheme === undefined || isUrl(location)) return undefined;
  const hint = SCHEME_HINTS.find(([pattern]) => pattern.test(scheme))?.[1];
  if (hint !== undefined) return hint;
  if (foreignScheme(location) === null) return undefined;
  return `${scheme} is no scheme that can be read: pass a path, an http:, https:, file:, data: or blob: URL, or a fetch of your own.`;
}

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
