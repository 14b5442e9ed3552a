/** Every kind of source gives the same bytes, and errors name the source. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { openSource } from '../../src/io/source.js';
import type { WeightsSource } from '../../src/io/weightsSource.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

/** Larger than one chunk of a file. */
const BYTES = Uint8Array.from({ length: 2_500_000 }, (_, i) => (i * 2654435761) >>> 24);

/** The hash of all chunks; the test runner needs seconds to compare arrays of millions of elements. */
async function hashOf(source: WeightsSource): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of openSource(source).chunks) hash.update(chunk);
  return hash.digest('hex');
}
const EXPECTED = createHash('sha256').update(BYTES).digest('hex');

const folder = temporaryFolder();
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/net') response.end(BYTES);
    else if (request.url === '/broken') {
      response.writeHead(200, { 'content-length': BYTES.length });
      response.write(BYTES.subarray(0, 1000), () => response.destroy());
    } else response.writeHead(404).end('no such file');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** The origin of a port on which nothing listens any more. */
async function closedPort(): Promise<string> {
  const short = createServer();
  await new Promise<void>((resolve) => short.listen(0, '127.0.0.1', resolve));
  const { port } = short.address() as AddressInfo;
  await new Promise((resolve) => short.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** A stream that records whether it was canceled. */
function stream(
  chunks: readonly Uint8Array[],
  failure?: Error,
): { source: ReadableStream<Uint8Array>; events: string[] } {
  const events: string[] = [];
  let next = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]);
      else if (failure !== undefined) controller.error(failure);
      else controller.close();
    },
    cancel() {
      events.push('canceled');
    },
  });
  return { source, events };
}

describe('the same bytes', () => {
  test('from memory', async () => {
    expect(await hashOf(BYTES)).toBe(EXPECTED);
    expect(await hashOf(BYTES.slice().buffer)).toBe(EXPECTED);
    expect(await hashOf(Buffer.from(BYTES))).toBe(EXPECTED);
    expect(await hashOf(new Float32Array(BYTES.slice().buffer) as unknown as Uint8Array)).toBe(EXPECTED);
    expect(await hashOf(new Blob([BYTES]))).toBe(EXPECTED);
  });

  test('from a file, by path and by URL', async () => {
    const path = join(folder(), 'a net.bin');
    await writeFile(path, BYTES);
    expect(await hashOf(path)).toBe(EXPECTED);
    expect(await hashOf(pathToFileURL(path))).toBe(EXPECTED);
    expect(await hashOf(pathToFileURL(path).href)).toBe(EXPECTED);
    expect(openSource(path).name).toBe(path);
  });

  test('from a server, by URL and by its response', async () => {
    expect(await hashOf(`${origin}/net`)).toBe(EXPECTED);
    expect(await hashOf(new URL('/net', origin))).toBe(EXPECTED);
    expect(await hashOf(await fetch(`${origin}/net`))).toBe(EXPECTED);
    expect(await hashOf(new Response(BYTES))).toBe(EXPECTED);
  });

  test('from a stream', async () => {
    const halves = [BYTES.slice(0, 999), BYTES.slice(999)];
    expect(await hashOf(stream(halves).source)).toBe(EXPECTED);
    async function* generate(): AsyncGenerator<Uint8Array> {
      for (const half of halves) yield await Promise.resolve(half);
    }
    expect(await hashOf(generate())).toBe(EXPECTED);
  });
});

describe('errors that name the source', () => {
  test('a missing file and a folder', async () => {
    const path = join(folder(), 'absent.bin');
    await expect(hashOf(path)).rejects.toThrow(
      refusal(WeightsError, path, 'a readable file', 'no such file or folder'),
    );
    await expect(hashOf(folder())).rejects.toThrow(refusal(WeightsError, folder(), 'a readable file', 'a folder'));
  });

  test('a server without the file, without a response, or with a broken connection', async () => {
    const absent = `${origin}/absent`;
    const notFound = refusal(WeightsError, absent, 'a response that is OK', 'status 404');
    await expect(hashOf(absent)).rejects.toThrow(notFound);
    await expect(hashOf(await fetch(absent))).rejects.toThrow(notFound);
    await expect(hashOf(`${origin}/broken`)).rejects.toThrow(
      refusal(WeightsError, `${origin}/broken`, 'weights to the end', 'a broken connection'),
    );
    // `fetch` does not connect to port 1.
    await expect(hashOf('http://127.0.0.1:1/net')).rejects.toThrow(
      refusal(WeightsError, 'http://127.0.0.1:1/net', 'a response', 'a port that fetch does not connect to'),
    );
    const closed = await closedPort();
    await expect(hashOf(`${closed}/net`)).rejects.toThrow(
      refusal(WeightsError, `${closed}/net`, 'a response', 'a refused connection'),
    );
    await expect(hashOf(new Response(null))).rejects.toThrow(
      refusal(WeightsError, 'response', 'a response with a body', 'none'),
    );
  });

  test('an error response, whose body is canceled', async () => {
    const { source, events } = stream([BYTES]);
    await expect(hashOf(new Response(source, { status: 500 }))).rejects.toThrow(
      refusal(WeightsError, 'response', 'a response that is OK', 'status 500'),
    );
    expect(events).toEqual(['canceled']);
  });

  test.each([['text'], [null], [new Float32Array(2)], [[1, 2]], [new ArrayBuffer(8)]])(
    'chunks that are not bytes: %p',
    async (chunk) => {
      async function* generate(): AsyncGenerator<Uint8Array> {
        yield await Promise.resolve(chunk as unknown as Uint8Array);
      }
      await expect(hashOf(generate())).rejects.toThrow(
        refusal(WeightsError, 'weights', 'chunks that are Uint8Arrays', ''),
      );
    },
  );

  test('a stream that fails', async () => {
    await expect(hashOf(stream([BYTES], new Error('the line went dead')).source)).rejects.toThrow(
      refusal(WeightsError, 'weights', 'weights to the end', 'the line went dead'),
    );
  });

  test.each([null, undefined, 5, true, {}, []])('a value that is not a source: %p', (source) => {
    const expected = 'bytes, a path, a URL, a Response, a Blob or a stream';
    expect(() => openSource(source as WeightsSource)).toThrow(refusal(ParamError, 'weights', expected, ''));
  });
});

test('a stream that is not read to the end is canceled', async () => {
  const { source, events } = stream([BYTES, BYTES, BYTES]);
  for await (const chunk of openSource(source).chunks) {
    expect(chunk).toHaveLength(BYTES.length);
    break;
  }
  expect(events).toEqual(['canceled']);
});
