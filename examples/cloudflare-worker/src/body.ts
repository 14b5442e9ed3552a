import { HttpError, unavailable } from './httpError.js';
import type { Limits } from './limits.js';
import { release } from './release.js';

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
      if (done && late.signal.aborted) throw new Error('canceled');
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

/** Lets a body pass by that nobody has asked for: a connection where one is left unread is closed, and with it the next request. */
export async function discard(request: Request, limits: Limits): Promise<void> {
  if (!request.bodyUsed) await receive(request, limits, () => undefined);
}

/** Bytes of all bodies that are here, whole or in part: a client that sends one byte and waits is in nobody's way. */
let held = 0;

interface Own {
  /** What of `held` is this body's. */
  bytes: number;
  /** Whether there was no more room for it. */
  refused: boolean;
}

/** All of a request's body. */
async function readBody(request: Request, limits: Limits, own: Own): Promise<Uint8Array> {
  let chunks: Uint8Array[] = [];
  await receive(request, limits, (chunk) => {
    own.refused ||= held + chunk.length > limits.HELD_BYTES;
    const more = own.refused ? -own.bytes : chunk.length;
    held += more;
    own.bytes += more;
    // The rest passes by: a client that is still sending when the connection closes may never see its answer.
    if (own.refused) chunks = [];
    else chunks.push(chunk);
  });
  if (own.refused) throw unavailable('too many images are coming at once');
  const bytes = new Uint8Array(own.bytes);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Does something with a request's body, which counts as held until that is done. */
export async function withBody<T>(
  request: Request,
  limits: Limits,
  use: (bytes: Uint8Array) => Promise<T>,
): Promise<T> {
  const own = { bytes: 0, refused: false };
  try {
    const bytes = await readBody(request, limits, own);
    return await use(bytes).finally(() => {
      release(bytes);
    });
  } finally {
    held -= own.bytes;
  }
}
