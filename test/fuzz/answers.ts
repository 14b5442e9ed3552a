/** Answers of servers, right and wrong ones. */
import type { Random } from './random.js';

const STATUS = [200, 200, 200, 206, 206, 204, 301, 304, 400, 403, 404, 416, 429, 500, 503];

const HEADERS: readonly (readonly [string, readonly string[]])[] = [
  ['content-length', ['0', '5', '100', '-1', 'x', '99999999999999999999', '1e3', '']],
  ['content-range', ['bytes 0-4/5', 'bytes 5-9/10', 'bytes */5', 'bytes 0-99999999999/99999999999', 'x', '']],
  ['content-type', ['text/html', 'application/octet-stream', '']],
  ['content-encoding', ['gzip', 'identity', 'x']],
  ['etag', ['"a"', 'W/"a"', 'x', '']],
  ['last-modified', ['Mon, 01 Jan 2024 00:00:00 GMT', 'x']],
  ['accept-ranges', ['bytes', 'none']],
];

/** A body in a few chunks that may end by an error. */
function drawBody(random: Random, bytes: Uint8Array): ReadableStream<Uint8Array> {
  const fails = random.chance(0.2);
  const end = random.chance(0.3) ? random.integer(0, bytes.length) : bytes.length;
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const size = random.integer(1, 40);
      const next = bytes.slice(at, Math.min(end, at + size));
      at += size;
      if (next.length > 0) controller.enqueue(next);
      else if (fails) controller.error(new TypeError('terminated'));
      else controller.close();
    },
  });
}

/** A response; rejects as `fetch` does if there is no connection. @throws TypeError */
export function drawAnswer(random: Random, bytes: Uint8Array): Response {
  // A third are right answers, for the bytes to be read.
  if (random.chance(0.3))
    return new Response(Uint8Array.from(bytes), { headers: { 'content-length': `${bytes.length}` } });
  if (random.chance(0.1)) throw new TypeError('fetch failed');
  const status = random.pick(STATUS);
  const headers = new Headers();
  for (const [name, values] of HEADERS) if (random.chance(0.4)) headers.set(name, random.pick(values));
  if (random.chance(0.4)) headers.set('content-length', `${bytes.length}`);
  const hasBody = status !== 204 && status !== 304 && random.chance(0.95);
  return new Response(hasBody ? drawBody(random, bytes) : null, { status, headers });
}
