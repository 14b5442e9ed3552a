/** Tells paths from URLs. */

/** The schemes that runtimes fetch, and files. Anything else is a path: a folder may be called `model:v0`. */
const URL_SCHEME = /^(https?|data|blob|file):/i;

/** Whether a location is a URL of a scheme that can be read, not a path. */
export const isUrl = (location: string): boolean => URL_SCHEME.test(location);

export const isFileUrl = (location: string): boolean => /^file:/i.test(location);

/** The scheme of a location that looks like a URL, such as `s3://bucket/net`; null for a path and for a drive letter. */
export const foreignScheme = (location: string): string | null =>
  isUrl(location) ? null : (/^([a-z][a-z\d+.-]+:)\/\//i.exec(location)?.[1] ?? null);
