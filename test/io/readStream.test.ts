/** Streams through one small buffer, and not for ever. */
import { describe, expect, test } from '@jest/globals';
import type { UnderlyingByteSource } from 'node:stream/web';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WeightsError } from '../../src/core/errors.js';
import { openSource } from '../../src/io/source.js';
import { resolveSourceOptions } from '../../src/io/sourceOptions.js';
import type { WeightsSource } from '../../src/io/weightsSource.js';
import type { SourceOptions } from '../../src/io/sourceOptions.js';
import { refusal } from './refusal.js';
import { slowServer } from './slowServer.js';

const BYTES = Uint8Array.from({ length: 2_500_000 }, (_, i) => (i * 2654435761) >>> 24);

/** All bytes, and the buffers they came in. */
async function read(
  source: WeightsSource,
  options: SourceOptions = {},
): Promise<{ whole: Buffer; sizes: Set<number> }> {
  const chunks: Buffer[] = [];
  const sizes = new Set<number>();
  for await (const chunk of openSource(source, resolveSourceOptions(options)).chunks) {
    chunks.push(Buffer.from(chunk));
    sizes.add(chunk.buffer.byteLength);
  }
  return { whole: Buffer.concat(chunks), sizes };
}

/** A stream of bytes that counts the buffers it was lent. */
function byteStream(): { stream: ReadableStream<Uint8Array>; lent: Set<number> } {
  const lent = new Set<number>();
  let at = 0;
  const source: UnderlyingByteSource = {
    type: 'bytes',
    pull(controller) {
      const { byobRequest } = controller;
      const view = byobRequest?.view as Uint8Array | null | undefined;
      if (byobRequest == null || view == null) throw new Error('nothing lent');
      lent.add(view.buffer.byteLength);
      const part = BYTES.subarray(at, at + Math.min(view.length, 300_001));
      if (part.length === 0) controller.close();
      else view.set(part);
      at += part.length;
      byobRequest.respond(part.length);
    },
  };
  return { stream: new ReadableStream(source), lent };
}

describe('one small buffer', () => {
  test('is lent to a stream of bytes, again and again', async () => {
    const { stream, lent } = byteStream();
    const { whole, sizes } = await read(stream);
    expect(whole.equals(BYTES)).toBe(true);
    expect([...lent]).toEqual([2 ** 20]);
    expect([...sizes]).toEqual([2 ** 20]);
  });

  test('and the same buffer, not a new one as large', async () => {
    const { ArrayBuffer: Real } = globalThis;
    let made = 0;
    globalThis.ArrayBuffer = class extends Real {
      constructor(length: number) {
        super(length);
        if (length === 2 ** 20) made++;
      }
    } as ArrayBufferConstructor;
    try {
      await read(byteStream().stream);
    } finally {
      globalThis.ArrayBuffer = Real;
    }
    expect(made).toBe(1);
  });

  test.each<[string, () => WeightsSource]>([
    ['a Blob', () => new Blob([BYTES])],
    ['a response', () => new Response(BYTES)],
    ["R2's object", () => ({ body: new Blob([BYTES]).stream() })],
    [
      'a stream of a runtime that neither lends nor refuses to',
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
      'a stream of bytes that is closed without a word to who waits',
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
  ])('of %s', async (_, source) => {
    expect((await read(source())).whole.equals(BYTES)).toBe(true);
  });
});

test('of a stream that brings its own chunks, none is kept', async () => {
  const brought: WeakRef<Uint8Array>[] = [];
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = new Uint8Array(2 ** 16);
        brought.push(new WeakRef(chunk));
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
    // What is weakly held is so until the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (++count < 50) continue;
    collect();
    expect(brought.filter((each) => each.deref() !== undefined).length).toBeLessThan(10);
    break;
  }
});

describe('what stalls', () => {
  const serve = slowServer();
  const late = refusal(WeightsError, '', 'the next bytes within 0.05 s', 'none');
  const soon = { timeout: 50 };
  const never = new Promise<never>(() => undefined);

  test('a server that answers nothing, or not to the end; it is let go', async () => {
    const closed: Promise<void>[] = [];
    const note = (response: { on(event: 'close', listener: () => void): unknown }): void => {
      closed.push(new Promise((resolve) => response.on('close', resolve)));
    };
    const silent = serve((_, response) => {
      note(response);
    });
    const half = serve((_, response) => {
      note(response);
      response.writeHead(200, { 'content-length': BYTES.length, etag: '"one"' }).write(BYTES.subarray(0, 1000));
    });
    for (const { url, asked } of [silent, half]) {
      // Long enough for the request to arrive, on a busy machine too.
      await expect(read(url, { timeout: 2000 })).rejects.toThrow(refusal(WeightsError, url, 'within 2 s', 'none'));
      expect(asked).toHaveLength(1);
    }
    await Promise.all(closed);
    expect(closed).toHaveLength(2);
    await expect(fetch(half.url).then((response) => read(response, soon))).rejects.toThrow(late);
  });

  test('a stream, of either kind, which is canceled', async () => {
    for (const type of [undefined, 'bytes'] as const) {
      let isCanceled = false;
      const source = {
        type,
        pull: () => never,
        cancel: () => {
          isCanceled = true;
          // It does not even answer to that.
          return never;
        },
      };
      await expect(read(new ReadableStream(source as UnderlyingByteSource), soon)).rejects.toThrow(late);
      expect(isCanceled).toBe(true);
    }
  });

  test('an iterable, which cannot be told', async () => {
    async function* stalled(): AsyncGenerator<Uint8Array> {
      yield BYTES.subarray(0, 10);
      await never;
    }
    await expect(read(stalled(), soon)).rejects.toThrow(late);
  });

  test.each([0, Infinity, 2 ** 31])('not with a timeout of %d', async (timeout) => {
    async function* slow(): AsyncGenerator<Uint8Array> {
      await new Promise((resolve) => setTimeout(resolve, 60));
      yield BYTES;
    }
    expect((await read(slow(), { timeout })).whole.equals(BYTES)).toBe(true);
  });

  test('not a thread that was busy while the bytes came', async () => {
    async function* punctual(): AsyncGenerator<Uint8Array> {
      // From here on Node looks at timers before it looks at this.
      await new Promise((resolve) => setImmediate(resolve));
      const came = new Promise((resolve) => setImmediate(resolve));
      for (const end = performance.now() + 60; performance.now() < end;);
      await came;
      yield BYTES;
    }
    expect((await read(punctual(), { timeout: 20 })).whole.equals(BYTES)).toBe(true);
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
