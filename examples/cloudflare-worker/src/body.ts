import { HttpError } from './httpError.js';
import type { Limits } from './limits.js';

/** All of a request's body, of which never more than the limit is held. */
export async function readBody(request: Request, { MAX_BYTES, UPLOAD_MS }: Limits): Promise<Uint8Array> {
  const tooLarge = (): HttpError => new HttpError(413, `expected a body of at most ${MAX_BYTES} bytes`);
  if (Number(request.headers.get('Content-Length') ?? 0) > MAX_BYTES) throw tooLarge();
  if (request.body === null) return new Uint8Array(0);

  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    // The read that waits ends with this.
    reader.cancel().catch(() => undefined);
  }, UPLOAD_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      // Whoever declares no length is counted.
      if (length > MAX_BYTES) {
        await reader.cancel();
        throw tooLarge();
      }
      chunks.push(value);
    }
  } catch (error) {
    if (error instanceof HttpError || late) throw error;
    throw new HttpError(400, 'the body broke off');
  } finally {
    clearTimeout(timer);
  }
  if (late) throw new HttpError(408, `expected the body within ${UPLOAD_MS} ms`);
  return concat(chunks, length);
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
