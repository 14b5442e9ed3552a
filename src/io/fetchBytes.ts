/** A file by its URL: where the connection breaks, the rest of it is asked for. */
import { VanillaNetError, WeightsError } from '../core/errors.js';
import { cancelBody } from '../core/cancel.js';
import { fileVersion, isCrossOrigin, mismatch, validatorOf, type FileVersion } from './fileVersion.js';
import { readStream } from './readStream.js';
import type { ResponseLike } from './source.js';
import type { Fetching } from './sourceOptions.js';
import { withReadTimeout } from './readTimeout.js';

/** Milliseconds before the second fruitless question; twice as many before each further one. */
const PAUSE = 250;

/** The bytes of an answer. @throws WeightsError for one without */
export async function* readResponse(response: ResponseLike, name: string, timeout: number): AsyncGenerator<Uint8Array> {
  if (!response.ok) {
    cancelBody(response.body);
    throw new WeightsError({ op: name, expected: 'a response that is OK', got: `status ${response.status}` });
  }
  if (response.body === null) {
    throw new WeightsError({ op: name, expected: 'a response with a body', got: 'none' });
  }
  yield* readStream(response.body, name, timeout);
}

/** Whether it may be better in a moment. */
const isBusy = ({ status }: ResponseLike): boolean => status >= 500 || status === 408 || status === 429;

/** @throws WeightsError for an answer that does not go on from there */
function checkGoesOn(
  response: ResponseLike,
  { at, file, wasAsked }: { readonly at: number; readonly file: FileVersion; readonly wasAsked: boolean },
  name: string,
): void {
  const { total } = file;
  const { status, headers } = response;
  const expected = `the rest of the file, from byte ${at} on`;
  if (status !== 206) {
    const why = status === 200 ? ': it has changed, or is sent only whole' : '';
    throw new WeightsError({ op: name, expected, got: `status ${status}${why}` });
  }
  // Servers and caches there are that do not look at If-Range.
  const other = mismatch(response, file, wasAsked);
  if (other !== null) throw new WeightsError({ op: name, expected, got: other });
  // Not every page may see it; then the length says as much.
  const range = headers?.get('content-range') ?? null;
  const length = headers?.get('content-length') ?? null;
  const [, from, all] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range ?? '') ?? [];
  const isRest =
    range === null
      ? total !== null && Number(length) === total - at
      : Number(from) === at && (all === '*' || total === null || Number(all) === total);
  if (isRest) return;
  throw new WeightsError({
    op: name,
    expected,
    got: `content-range ${range ?? 'none'}, content-length ${length ?? 'none'}`,
  });
}

/**
 * @throws WeightsError for an answer that is none, one that stalls, or a file that has
 *   changed meanwhile; what the network says, where it breaks off and cannot be continued
 */
export async function* fetchBytes(url: string, { fetch, timeout, retries }: Fetching): AsyncGenerator<Uint8Array> {
  let file: FileVersion | null = null;
  let at = 0;
  for (let fruitless = 0; ;) {
    const controller = new AbortController();
    const before = at;
    try {
      const headers: Record<string, string> = { 'accept-encoding': 'identity' };
      if (at > 0) headers['range'] = `bytes=${at}-`;
      const validator = file === null || at === 0 || isCrossOrigin(url) ? null : validatorOf(file);
      if (validator !== null) headers['if-range'] = validator;
      const response: ResponseLike = await withReadTimeout(
        fetch(url, { headers, signal: controller.signal }),
        timeout,
        url,
      );
      if (file !== null && isBusy(response)) {
        cancelBody(response.body);
        throw new Error(`status ${response.status}`);
      }
      if (file === null || at === 0) file = fileVersion(response);
      else checkGoesOn(response, { at, file, wasAsked: validator !== null }, url);
      for await (const chunk of readResponse(response, url, timeout)) {
        at += chunk.length;
        yield chunk;
      }
      if (file.total === null || at >= file.total) return;
      throw new Error(`${at} of ${file.total} bytes`);
    } catch (cause) {
      if (at > before) fruitless = 0;
      const canGoOn = file !== null && (at === 0 || validatorOf(file) !== null);
      if (cause instanceof VanillaNetError || !canGoOn || fruitless >= retries) throw cause;
      fruitless++;
    } finally {
      controller.abort();
    }
    if (fruitless > 1) await new Promise((resolve) => setTimeout(resolve, PAUSE * 2 ** (fruitless - 2)));
  }
}
