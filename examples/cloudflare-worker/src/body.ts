import { HttpError } from './httpError.js';
import type { Limits } from './limits.js';

/** Hands over a request's body as it comes, until it is too long or too late. */
async function receive(request: Request, { MAX_BYTES, UPLOAD_MS }: Limits, take: (chunk: Uint8Array) => void) {
  const tooLarge = (): HttpError => new HttpError(413, `expected a body of at most ${MAX_BYTES} bytes`);
  if (Number(request.headers.get('Content-Length') ?? 0) > MAX_BYTES) throw tooLarge();
  if (request.body === null) return;

  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort();
    // The read that waits ends with this.
    reader.cancel().catch(() => undefined);
  }, UPLOAD_MS);
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done && late.signal.aborted) throw new Error('cancelled');
      if (done) return;
      length += value.length;
      // Whoever declares no length is counted.
      if (length > MAX_BYTES) throw tooLarge();
      take(value);
    }
  } catch (error) {
    reader.cancel().catch(() => undefined);
    if (late.signal.aborted) throw new HttpError(408, `expected the body within ${UPLOAD_MS} ms`);
    throw error instanceof HttpError ? error : new HttpError(400, 'the body broke off');
  } finally {
    clearTimeout(timer);
  }
}

/** All of a request's body, of which never more than the limit is held. */
export async function readBody(request: Request, limits: Limits): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  await receive(request, limits, (chunk) => chunks.push(chunk));
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Lets a body pass by: a client that is still sending when the connection closes may never see its answer. */
export const passBody = (request: Request, limits: Limits): Promise<void> => receive(request, limits, () => undefined);
