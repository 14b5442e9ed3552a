/** A file by its URL; if the connection breaks, the rest is requested. */
import { onAbort, throwIfAborted } from '../core/abort.js';
import { cancelBody } from '../core/cancel.js';
import { VanillaNetError, WeightsError } from '../core/errors.js';
import { messageOf } from '../core/messageOf.js';
import { pause } from '../core/timeout.js';
import { PART_HINT, partOf, problemOfResponse } from './checkSource.js';
import { fileVersion, isCrossOrigin, mismatch, validatorOf, type FileVersion } from './fileVersion.js';
import { displayName } from './location.js';
import { hintOf, hintOfStatus, isPermanent, reasonOf, RETRY } from './reason.js';
import { readStream, type ByteStream } from './readStream.js';
import type { ResponseLike } from './weightsSource.js';
import type { ResolvedSourceOptions } from './sourceOptions.js';
import { PROGRESS, waitFor, type WaitOptions } from './readTimeout.js';

/** Milliseconds before the second attempt in a row without progress; doubled for each further one, up to a limit. */
const PAUSE = 250;
const LONGEST_PAUSE = 8_000;

/** The state of a download: the number of bytes read, and the version of the file, null before the first response. */
export interface Position {
  readonly at: number;
  readonly version: FileVersion | null;
}

/** The name of a URL in errors. */
const nameOf = (url: string): string => displayName(url, false);

/** The value of If-Range, which the server compares before it sends only the rest; null for no such header. */
const validatorFor = (url: string, { at, version }: Position): string | null =>
  version === null || at === 0 || isCrossOrigin(url) ? null : validatorOf(version);

/** A `fetch` of the caller may return anything. @throws WeightsError unless it is a response that can be read */
function checkResponse(response: ResponseLike, url: string): ResponseLike {
  const [got, hint = 'fetch must return a Response, or a Promise of one.'] = problemOfResponse(response) ?? [];
  if (got === undefined) return response;
  throw new WeightsError({ op: nameOf(url), expected: 'a response from fetch', got, hint });
}

/** Requests the bytes of a file from a position on. @throws WeightsError if there is no response in time */
export async function requestBytes(
  url: string,
  position: Position,
  { fetch, ...wait }: Pick<ResolvedSourceOptions, 'fetch' | 'timeout' | 'signal'>,
  signal: AbortSignal,
): Promise<ResponseLike> {
  // Compressed content could not be resumed.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (position.at > 0) headers['range'] = `bytes=${position.at}-`;
  const validator = validatorFor(url, position);
  if (validator !== null) headers['if-range'] = validator;
  return checkResponse(await waitFor(fetch(url, { headers, signal }), wait, nameOf(url)), url);
}

/** Whether `content-range`, or else `content-length`, says that a response is the file from byte `at` on. */
function isRest({ headers }: ResponseLike, at: number, total: number | null): boolean {
  const range = headers?.get('content-range') ?? null;
  // Pages of other origins may not see content-range.
  if (range === null) return total !== null && Number(headers?.get('content-length') ?? null) === total - at;
  const [, from, all] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range) ?? [];
  return Number(from) === at && (all === '*' || total === null || Number(all) === total);
}

/** @throws WeightsError unless a response is the rest of the file from a position on */
export function checkRest(response: ResponseLike, { at, version }: Position, url: string): void {
  const refuse = (got: string): never => {
    const hint = 'Load it again from the start: the file has changed, or the server does not send parts of it.';
    throw new WeightsError({ op: nameOf(url), expected: `the rest of the file, from byte ${at} on`, got, hint });
  };
  const { status, headers } = response;
  if (status !== 206) refuse(`status ${status}${status === 200 ? ': it has changed, or is sent only whole' : ''}`);
  // Some servers and caches ignore If-Range.
  const other = version === null ? null : mismatch(response, version, validatorFor(url, { at, version }) !== null);
  if (other !== null) refuse(other);
  if (isRest(response, at, version?.total ?? null)) return;
  const [range, length] = [headers?.get('content-range') ?? 'none', headers?.get('content-length') ?? 'none'];
  refuse(`content-range ${range}, content-length ${length}`);
}

/** The body of a response. @throws WeightsError for an error status or a missing body */
export function bodyOf({ ok, status, body }: ResponseLike, name: string): ByteStream {
  if (!ok) {
    cancelBody(body);
    // The status of opaque responses.
    const got = status === 0 ? 'a response that may not be read (status 0)' : `status ${status}`;
    throw new WeightsError({ op: name, expected: 'a response that is OK', got, hint: hintOfStatus(status) });
  }
  // That of a caller's own fetch may be undefined.
  if (!body)
    throw new WeightsError({ op: name, expected: 'a response with a body', got: 'none', hint: 'Check the URL.' });
  return body;
}

/** @throws WeightsError for a response to a request without Range that is only a part of the file */
export function requireWhole(response: ResponseLike, name: string): void {
  const got = partOf(response);
  if (got === null) return;
  cancelBody(response.body);
  throw new WeightsError({ op: name, expected: 'the whole file', got, hint: PART_HINT });
}

/** The bytes of a response. @throws WeightsError as `bodyOf`, or for a timeout */
export async function* readResponse(
  response: ResponseLike,
  name: string,
  wait: WaitOptions,
): AsyncGenerator<Uint8Array> {
  yield* readStream(bodyOf(response, name), name, wait);
}

/** Whether a later attempt may succeed. */
const isBusy = ({ status }: ResponseLike): boolean => status >= 500 || status === 408 || status === 429;

/** The version of the file, known from the first response. @throws WeightsError unless a later one continues it */
function versionOf(response: ResponseLike, position: Position, url: string): FileVersion {
  const { at, version } = position;
  if (version !== null && isBusy(response)) {
    cancelBody(response.body);
    throw new Error(`status ${response.status}`);
  }
  if (version === null || at === 0) {
    requireWhole(response, nameOf(url));
    return fileVersion(response);
  }
  checkRest(response, position, url);
  return version;
}

/** Whether the rest can be requested after an error: of the same version, or all of the file. */
const canResume = (cause: unknown, { at, version }: Position): boolean =>
  !(cause instanceof VanillaNetError) &&
  !isPermanent(cause) &&
  version !== null &&
  (at === 0 || validatorOf(version) !== null);

/** The cause of an error; none if its message has the parts of the URL that `nameOf` hides. */
const causeOf = (url: string, cause: unknown): ErrorOptions =>
  nameOf(url) !== url && messageOf(cause).includes(url) ? {} : { cause };

/** The error for a request without a response. */
function noResponse(url: string, cause: unknown): unknown {
  if (cause instanceof VanillaNetError) return cause;
  const op = nameOf(url);
  const hint = isOpaque(cause)
    ? 'Check the URL, and whether the server allows other origins (CORS). The console of the browser has the reason.'
    : hintOf(cause);
  const got = reasonOf(cause).replaceAll(url, op);
  return new WeightsError({ op, expected: 'a response', got, hint }, causeOf(url, cause));
}

/** Browsers hide why a request failed. */
const isOpaque = (cause: unknown): boolean => /^(failed to fetch|load failed|networkerror)/i.test(messageOf(cause));

/** What to do about a broken connection; only what can be resumed is requested again. */
const hintToResume = (cause: unknown, position: Position): string =>
  canResume(cause, position)
    ? 'Try again; if the connection often breaks, increase retries.'
    : 'Try again: a load resumes only if the server sends a validator (Last-Modified, or an ETag that is not weak) and does not compress the file.';

/** The error for a connection that has broken too often. */
function brokenOff(url: string, cause: unknown, { at, version }: Position, attempts: number): unknown {
  if (cause instanceof VanillaNetError) return cause;
  const op = nameOf(url);
  const reason = reasonOf(cause).replaceAll(url, op);
  const got = `${reason}, after ${at} of ${version?.total ?? 'unknown'} bytes in ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  const known = hintOf(cause);
  const hint = known === undefined || known === RETRY ? hintToResume(cause, { at, version }) : known;
  return new WeightsError({ op, expected: 'weights to the end', got, hint }, causeOf(url, cause));
}

/**
 * The bytes of a file.
 *
 * @param onTotal called with the bytes of the file, or null if the server does not tell them, before the first chunk
 * @throws WeightsError for no response, an error status, a timeout, a file that changed meanwhile, or a connection that
 *   breaks and cannot be resumed; the reason of the signal if it is aborted
 */
export async function* fetchBytes(
  url: string,
  options: ResolvedSourceOptions,
  onTotal: (total: number | null) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  const { signal, retries } = options;
  let version: FileVersion | null = null;
  let at = 0;
  /** Attempts in a row without progress. */
  let failures = 0;
  for (let attempts = 1; ; attempts++) {
    const controller = new AbortController();
    const unlink = onAbort(signal, (reason) => {
      controller.abort(reason);
    });
    const before = at;
    try {
      const response = await requestBytes(url, { at, version }, options, controller.signal);
      version = versionOf(response, { at, version }, url);
      onTotal(version.total);
      for await (const chunk of readResponse(response, nameOf(url), options)) {
        at += chunk.length;
        yield chunk;
      }
      if (version.total === null || at >= version.total) return;
      throw new Error(`${at} of ${version.total} bytes`);
    } catch (cause) {
      throwIfAborted(signal);
      if (at - before >= PROGRESS) failures = 0;
      if (!canResume(cause, { at, version }) || failures >= retries) {
        throw version === null ? noResponse(url, cause) : brokenOff(url, cause, { at, version }, attempts);
      }
      failures++;
    } finally {
      unlink();
      controller.abort();
    }
    if (failures > 1) await pause(Math.min(LONGEST_PAUSE, PAUSE * 2 ** (failures - 2)), signal);
  }
}
