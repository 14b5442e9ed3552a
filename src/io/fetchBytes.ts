/** A file by its URL; if the connection breaks, the rest is requested. */
import { VanillaNetError, WeightsError } from '../core/errors.js';
import { cancelBody } from '../core/cancel.js';
import { fileVersion, isCrossOrigin, mismatch, validatorOf, type FileVersion } from './fileVersion.js';
import { reasonOf } from './reason.js';
import { readStream, type ByteStream } from './readStream.js';
import type { ResponseLike } from './weightsSource.js';
import type { ResolvedSourceOptions } from './sourceOptions.js';
import { withReadTimeout } from './readTimeout.js';

/** Milliseconds before the second attempt in a row without a byte; doubled for each further one. */
const PAUSE = 250;

/** The state of a download: the number of bytes read, and the version of the file, null before the first response. */
export interface Position {
  readonly at: number;
  readonly version: FileVersion | null;
}

/** The value of If-Range, which the server compares before it sends only the rest; null for no such header. */
const validatorFor = (url: string, { at, version }: Position): string | null =>
  version === null || at === 0 || isCrossOrigin(url) ? null : validatorOf(version);

/** Requests the bytes of a file from a position on. @throws WeightsError if there is no response in time */
export function requestBytes(
  url: string,
  position: Position,
  { fetch, timeout }: Pick<ResolvedSourceOptions, 'fetch' | 'timeout'>,
  signal: AbortSignal,
): Promise<ResponseLike> {
  // Compressed content could not be resumed.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (position.at > 0) headers['range'] = `bytes=${position.at}-`;
  const validator = validatorFor(url, position);
  if (validator !== null) headers['if-range'] = validator;
  return withReadTimeout(fetch(url, { headers, signal }), timeout, url);
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
    throw new WeightsError({ op: url, expected: `the rest of the file, from byte ${at} on`, got });
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
    throw new WeightsError({ op: name, expected: 'a response that is OK', got: `status ${status}` });
  }
  if (body === null) throw new WeightsError({ op: name, expected: 'a response with a body', got: 'none' });
  return body;
}

/** The bytes of a response. @throws WeightsError as `bodyOf`, or for a timeout */
export async function* readResponse(response: ResponseLike, name: string, timeout: number): AsyncGenerator<Uint8Array> {
  yield* readStream(bodyOf(response, name), name, timeout);
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
  if (version === null || at === 0) return fileVersion(response);
  checkRest(response, position, url);
  return version;
}

/** Whether the rest can be requested after an error: of the same version, or all of the file. */
const canResume = (cause: unknown, { at, version }: Position): boolean =>
  !(cause instanceof VanillaNetError) && version !== null && (at === 0 || validatorOf(version) !== null);

/** The error for a request without a response. */
const asNoResponse = (url: string, cause: unknown): unknown =>
  cause instanceof VanillaNetError
    ? cause
    : new WeightsError({ op: url, expected: 'a response', got: reasonOf(cause) }, { cause });

/**
 * The bytes of a file.
 *
 * @throws WeightsError for no response, an error status, a timeout, or a file that changed meanwhile; the error of
 *   `fetch` if the connection breaks and cannot be resumed
 */
export async function* fetchBytes(url: string, options: ResolvedSourceOptions): AsyncGenerator<Uint8Array> {
  let version: FileVersion | null = null;
  let at = 0;
  /** Attempts in a row without a byte. */
  let failures = 0;
  for (;;) {
    const controller = new AbortController();
    const before = at;
    try {
      const response = await requestBytes(url, { at, version }, options, controller.signal);
      version = versionOf(response, { at, version }, url);
      for await (const chunk of readResponse(response, url, options.timeout)) {
        at += chunk.length;
        yield chunk;
      }
      if (version.total === null || at >= version.total) return;
      throw new Error(`${at} of ${version.total} bytes`);
    } catch (cause) {
      if (at > before) failures = 0;
      if (!canResume(cause, { at, version }) || failures >= options.retries) {
        throw version === null ? asNoResponse(url, cause) : cause;
      }
      failures++;
    } finally {
      controller.abort();
    }
    if (failures > 1) await new Promise((resolve) => setTimeout(resolve, PAUSE * 2 ** (failures - 2)));
  }
}
