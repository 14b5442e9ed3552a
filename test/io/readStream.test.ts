/** Streams are read through one small buffer and with a timeout. */
import { describe, expect, jest, test } from '@jest/globals';
import type { UnderlyingByteSource } from 'node:stream/web';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WeightsError } from '../../src/core/errors.js';
import { Pace, PROGRESS } from '../../src/io/readTimeout.js';
import { openSource } from '../../src/io/source.js';
import { resolveSourceOptions } from '../../src/io/sourceOptions.js';
import type { WeightsSource } from '../../src/io/weightsSource.js';
import type { SourceOptions } from '../../src/io/sourceOptions.js';
import { refusal } from './refusal.js';
import { slowServer } from './slowServer.js';

const BYTES = Uint8Array.from({ length: 2_500_000 }, (_, i) => (i * 2654435761) >>> 24);

/** All bytes, and the sizes of the buffers of the chunks. */
async function read(
  source: WeightsSource,
  options: SourceOptions = {},
): Promise<{ bytes: Buffer; sizes: Set<number> }> {
  const chunks: Buffer[] = [];
  const sizes = new Set<number>();
  for await (const chunk of openSource(source, resolveSourceOptions(options)).chunks) {
    chunks.push(Buffer.from(chunk));
    sizes.add(chunk.buffer.byteLength);
  }
  return { bytes: Buffer.concat(chunks), sizes };
}

/** A byte stream that records the sizes of the buffers it receives. */
function byteStream(): { stream: ReadableStream<Uint8Array>; bufferSizes: Set<number> } {
  const bufferSizes = new Set<number>();
  let at = 0;
  const source: UnderlyingByteSource = {
    type: 'bytes',
    pull(controller) {
      const { byobRequest } = controller;
      const view = byobRequest?.view as Uint8Array | null | undefined;
      if (byobRequest == null || view == null) throw new Error('no buffer');
      bufferSizes.add(view.buffer.byteLength);
      const part = BYTES.subarray(at, at + Math.min(view.length, 300_001));
      if (part.length === 0) controller.close();
      else view.set(part);
      at += part.length;
      byobRequest.respond(part.length);
    },
  };
  return { stream: new ReadableStream(source), bufferSizes };
}

describe('the read buffer', () => {
  test('is passed to a byte stream for every read', async () => {
    const { stream, bufferSizes } = byteStream();
    const { bytes, sizes } = await read(stream);
    expect(bytes.equals(BYTES)).toBe(true);
    expect([...bufferSizes]).toEqual([2 ** 20]);
    expect([...sizes]).toEqual([2 ** 20]);
  });

  test('is allocated once', async () => {
    const { ArrayBuffer: Real } = globalThis;
    let allocations = 0;
    globalThis.ArrayBuffer = class extends Real {
      constructor(length: number) {
        super(length);
        if (length === 2 ** 20) allocations++;
      }
    } as ArrayBufferConstructor;
    try {
      await read(byteStream().stream);
    } finally {
      globalThis.ArrayBuffer = Real;
    }
    expect(allocations).toBe(1);
  });

  test.each<[string, () => WeightsSource]>([
    ['a Blob', () => new Blob([BYTES])],
    ['a response', () => new Response(BYTES)],
    ['an object of R2', () => ({ body: new Blob([BYTES]).stream() })],
    [
      'a stream whose getReader ignores its options',
      () => ({
        getReader: () =>
          new ReadableStream<Uint8Array>({
            start(controller) {
              controller.enqueue(BYTES.slice(0, 7));
              controller.enqueue(BYTES.slice(7));
              controller.close();
            },
          }).getReader(),
      }),
    ],
    [
      'a byte stream that closes without answering a pending read',
      () => {
        let at = 0;
        const source: UnderlyingByteSource = {
          type: 'bytes',
          pull(controller) {
            if (at === BYTES.length) controller.close();
            else controller.enqueue(BYTES.slice(at, (at = Math.min(at + 300_001, BYTES.length))));
          },
        };
        return new ReadableStream(source);
      },
    ],
  ])('does not change the bytes of %s', async (_, source) => {
    expect((await read(source())).bytes.equals(BYTES)).toBe(true);
  });
});

test('no chunk is kept of a stream that allocates its own', async () => {
  const chunks: WeakRef<Uint8Array>[] = [];
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = new Uint8Array(2 ** 16);
        chunks.push(new WeakRef(chunk));
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let count = 0;
  for await (const chunk of openSource(stream).chunks) {
    expect(chunk).toHaveLength(2 ** 16);
    // A WeakRef keeps its target until the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    if (++count < 50) continue;
    collect();
    expect(chunks.filter((each) => each.deref() !== undefined).length).toBeLessThan(10);
    break;
  }
});

describe('the timeout', () => {
  const serve = slowServer();
  const timeoutError = refusal(WeightsError, '', 'the next bytes within 0.05 s', 'none');
  const shortTimeout = { timeout: 50 };
  const never = new Promise<never>(() => undefined);

  test('closes the connection to a server that does not respond or stops sending', async () => {
    const closed: Promise<void>[] = [];
    const recordClose = (response: { on(event: 'close', listener: () => void): unknown }): void => {
      closed.push(new Promise((resolve) => response.on('close', resolve)));
    };
    const withoutResponse = serve((_, response) => {
      recordClose(response);
    });
    const withPartialBody = serve((_, response) => {
      recordClose(response);
      response.writeHead(200, { 'content-length': BYTES.length, etag: '"one"' }).write(BYTES.subarray(0, 1000));
    });
    const expectTimeout = async ({ url, requests }: ReturnType<typeof serve>, got: string): Promise<void> => {
      // Long enough for the request to arrive, even on a busy machine.
      await expect(read(url, { timeout: 1000 })).rejects.toThrow(refusal(WeightsError, url, 'within 1 s', got));
      expect(requests).toHaveLength(1);
    };
    await Promise.all([expectTimeout(withoutResponse, 'none'), expectTimeout(withPartialBody, '1000 bytes')]);
    await Promise.all(closed);
    expect(closed).toHaveLength(2);
    await expect(fetch(withPartialBody.url).then((response) => read(response, shortTimeout))).rejects.toThrow(
      refusal(WeightsError, '', '16384 bytes or the end within 0.05 s', '1000 bytes'),
    );
  });

  test('cancels a stream of either type', async () => {
    for (const type of [undefined, 'bytes'] as const) {
      let isCanceled = false;
      const source = {
        type,
        pull: () => never,
        cancel: () => {
          isCanceled = true;
          // The cancellation is not confirmed either.
          return never;
        },
      };
      await expect(read(new ReadableStream(source as UnderlyingByteSource), shortTimeout)).rejects.toThrow(
        timeoutError,
      );
      expect(isCanceled).toBe(true);
    }
  });

  test('applies to an iterable, which cannot be canceled', async () => {
    async function* stalled(): AsyncGenerator<Uint8Array> {
      yield BYTES.subarray(0, 10);
      await never;
    }
    await expect(read(stalled(), shortTimeout)).rejects.toThrow(
      refusal(WeightsError, '', '16384 bytes or the end within 0.05 s', '10 bytes'),
    );
  });

  test.each([0, Infinity, 2 ** 31])('does not expire if it is %d', async (timeout) => {
    async function* slow(): AsyncGenerator<Uint8Array> {
      await new Promise((resolve) => setTimeout(resolve, 60));
      yield BYTES;
    }
    expect((await read(slow(), { timeout })).bytes.equals(BYTES)).toBe(true);
  });

  test('does not expire if the thread was blocked while the bytes arrived', async () => {
    async function* punctual(): AsyncGenerator<Uint8Array> {
      // After this, Node handles due timers before the next setImmediate.
      await new Promise((resolve) => setImmediate(resolve));
      const arrival = new Promise((resolve) => setImmediate(resolve));
      for (const end = performance.now() + 60; performance.now() < end;);
      await arrival;
      yield BYTES;
    }
    expect((await read(punctual(), { timeout: 20 })).bytes.equals(BYTES)).toBe(true);
  });

  test('counts the time since 16 KiB had arrived', async () => {
    const pace = new Pace('net', { timeout: 100, signal: undefined });
    let now = 1000;
    const spy = jest.spyOn(performance, 'now').mockImplementation(() => now);
    /** A read that takes 60 ms. */
    const read = (bytes: number): Promise<unknown> =>
      pace.next(
        Promise.resolve().then(() => {
          now += 60;
          return { done: false, value: new Uint8Array(bytes) };
        }),
      );
    try {
      await read(PROGRESS);
      await read(PROGRESS - 1);
      await read(1);
      await read(0);
      await expect(read(0)).rejects.toThrow(refusal(WeightsError, 'net', 'the next bytes within 0.1 s', 'none'));
    } finally {
      spy.mockRestore();
    }
  });

  test('leaves no timer behind', async () => {
    const { setTimeout: start, clearTimeout: stop } = globalThis;
    const running = new Set<unknown>();
    let started = 0;
    globalThis.setTimeout = ((run: () => void, ms: number) => {
      const timer = start(() => {
        running.delete(timer);
        run();
      }, ms);
      running.add(timer);
      started++;
      return timer;
    }) as typeof setTimeout;
    globalThis.clearTimeout = (timer) => {
      running.delete(timer);
      stop(timer);
    };
    try {
      await read(new Blob([BYTES]), { timeout: 1e6 });
      await expect(read(new ReadableStream({ pull: () => never }), { timeout: 1 })).rejects.toThrow(WeightsError);
    } finally {
      globalThis.setTimeout = start;
      globalThis.clearTimeout = stop;
    }
    expect(started).toBeGreaterThan(2);
    expect(running.size).toBe(0);
  });
});
