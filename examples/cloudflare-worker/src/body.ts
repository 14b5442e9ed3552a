import { HttpError, unavailable } from './httpError.js';
import type { Limits } from './limits.js';
import { release } from './release.js';

/** Passes a request's body on chunk by chunk. @throws HttpError if it is too long or too slow */
async function receive(request: Request, { MAX_BYTES, UPLOAD_MS }: Limits, take: (chunk: Uint8Array) => void) {
  const tooLarge = (): HttpError => new HttpError(413, `expected a body of at most ${MAX_BYTES} bytes`);
  if (Number(request.headers.get('Content-Length') ?? 0) > MAX_BYTES) throw tooLarge();
  if (request.body === null) return;

  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort();
    // Ends the pending read.
    reader.cancel().catch(() => undefined);
  }, UPLOAD_MS);
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done && late.signal.aborted) throw new Error('canceled');
      if (done) return;
      length += value.length;
      // Content-Length may be missing.
      if (length > MAX_BYTES) throw tooLarge();
      take(value);
    }
  } catch (error) {
    reader.cancel().catch(() => undefined);
    if (late.signal.aborted) throw new HttpError(408, `expected the body within ${UPLOAD_MS} ms`);
    throw error instanceof HttpError ? error : new HttpError(400, 'the body is incomplete');
  } finally {
    clearTimeout(timer);
  }
}

/** Reads and ignores a body that was not read: otherwise the connection is closed, and the client's next request fails. */
export async function discard(request: Request, limits: Limits): Promise<void> {
  if (!request.bodyUsed) await receive(request, limits, () => undefined);
}

/** The bytes in memory of all bodies, complete or not. A client that sends one byte and waits takes one byte. */
let heldBytes = 0;

interface BodyState {
  /** The part of `heldBytes` that belongs to this body. */
  bytes: number;
  /** Whether it exceeded the limit for all bodies. */
  refused: boolean;
}

/** Reads a request's body. @throws HttpError */
async function readBody(request: Request, limits: Limits, state: BodyState): Promise<Uint8Array> {
  let chunks: Uint8Array[] = [];
  await receive(request, limits, (chunk) => {
    state.refused ||= heldBytes + chunk.length > limits.HELD_BYTES;
    const more = state.refused ? -state.bytes : chunk.length;
    heldBytes += more;
    state.bytes += more;
    // The rest is read and ignored: a client that is still sending when the connection closes may miss the response.
    if (state.refused) chunks = [];
    else chunks.push(chunk);
  });
  if (state.refused) throw unavailable('too many images are being uploaded');
  const bytes = new Uint8Array(state.bytes);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Calls `use` with a request's body. The body counts against the limit until `use` is done. */
export async function withBody<T>(
  request: Request,
  limits: Limits,
  use: (bytes: Uint8Array) => Promise<T>,
): Promise<T> {
  const state = { bytes: 0, refused: false };
  try {
    const bytes = await readBody(request, limits, state);
    return await use(bytes).finally(() => {
      release(bytes);
    });
  } finally {
    heldBytes -= state.bytes;
  }
}
