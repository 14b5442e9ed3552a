/** Downloads over connections that break: either all bytes arrive, or one error gives the reason. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { openSource } from '../../src/io/source.js';
import { resolveSourceOptions } from '../../src/io/sourceOptions.js';
import type { ResponseLike } from '../../src/io/weightsSource.js';
import type { SourceOptions } from '../../src/io/sourceOptions.js';
import { refusal } from './refusal.js';
import { breakAfter, slowServer } from './slowServer.js';

const BYTES = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 2654435761) >>> 24);
const serve = slowServer();
const tag = { etag: '"one"' };

async function read(url: string, options: SourceOptions = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  // Each chunk is valid until the next is requested.
  for await (const chunk of openSource(url, resolveSourceOptions(options)).chunks) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Shortens the pauses between attempts until the end of the test. @returns the pauses in milliseconds, as they occur */
function shortenPauses(): number[] {
  const pauses: number[] = [];
  const start = globalThis.setTimeout;
  const startSooner = (run: (...values: unknown[]) => void, ms = 0, ...values: unknown[]): NodeJS.Timeout => {
    // Other timers of these tests are shorter than any pause, or are those of the timeout of half a minute.
    const isPause = ms >= 250 && ms <= 8000;
    if (isPause) pauses.push(ms);
    // Node's own timers pass values to their functions.
    return start(run, isPause ? 1 : ms, ...values);
  };
  jest.spyOn(globalThis, 'setTimeout').mockImplementation(startSooner as never);
  return pauses;
}
afterEach(() => {
  jest.restoreAllMocks();
});

const isComplete = (bytes: Buffer): boolean => bytes.equals(BYTES);

describe('a connection that breaks', () => {
  let pauses: readonly number[] = [];
  beforeEach(() => {
    pauses = shortenPauses();
  });

  test('is resumed at its position, with the etag in If-Range', async () => {
    const { url, requests } = serve(breakAfter(BYTES, 60_000, tag));
    expect(isComplete(await read(url))).toBe(true);
    expect(requests[0]).toEqual({ range: undefined, ifRange: undefined });
    expect(requests.slice(1).map(({ range }) => range)).toEqual([60_000, 120_000, 180_000].map((at) => `bytes=${at}-`));
    expect(requests.slice(1).every(({ ifRange }) => ifRange === '"one"')).toBe(true);
  });

  test('is resumed with the date in If-Range if the etag is weak', async () => {
    const date = 'Mon, 02 Nov 2026 10:00:00 GMT';
    const { url, requests } = serve(breakAfter(BYTES, 150_000, { etag: 'W/"one"', 'last-modified': date }));
    expect(isComplete(await read(url))).toBe(true);
    expect(requests.map(({ ifRange }) => ifRange)).toEqual([undefined, date]);
  });

  test('is resumed as often as necessary while bytes arrive', async () => {
    const { url, requests } = serve(breakAfter(BYTES, 40_000, tag));
    expect(isComplete(await read(url, { retries: 1 }))).toBe(true);
    expect(requests).toHaveLength(5);
  });

  test('is an error when no more bytes arrive', async () => {
    const { url, requests } = serve((request, response, n) => {
      breakAfter(BYTES, n === 1 ? 50_000 : 0, tag)(request, response, n);
    });
    await expect(read(url, { retries: 2 })).rejects.toThrow(refusal(WeightsError, url, 'weights to the end', ''));
    expect(requests.map(({ range }) => range)).toEqual([undefined, 'bytes=50000-', 'bytes=50000-']);
    expect(pauses).toEqual([250]);
  });

  test('is resumed after status 503', async () => {
    const { url, requests } = serve((request, response, n) => {
      if (n === 2) response.writeHead(503).end('busy');
      else breakAfter(BYTES, 120_000, tag)(request, response, n);
    });
    expect(isComplete(await read(url))).toBe(true);
    expect(requests).toHaveLength(3);
  });

  test.each([503, 500, 408, 429])('before the first byte, is retried after status %d', async (status) => {
    const { url, requests } = serve((request, response, n) => {
      if (n === 2) response.writeHead(status).end('busy');
      else breakAfter(BYTES, n === 1 ? 0 : BYTES.length, tag)(request, response, n);
    });
    expect(isComplete(await read(url))).toBe(true);
    expect(requests.map(({ range }) => range)).toEqual([undefined, undefined, undefined]);
  });

  test('before the first byte, is an error after the last retry', async () => {
    const { url, requests } = serve((request, response, n) => {
      if (n > 1) response.writeHead(503).end('busy');
      else breakAfter(BYTES, 0, tag)(request, response, n);
    });
    await expect(read(url, { retries: 2 })).rejects.toThrow(
      refusal(WeightsError, url, 'weights to the end', 'status 503'),
    );
    expect(requests).toHaveLength(3);
  });

  test('before the first byte, is an error at once if the file is missing or the first status is an error', async () => {
    for (const [first, count] of [
      [200, 2],
      [503, 1],
    ]) {
      const { url, requests } = serve((request, response, n) => {
        if (n === 1 && first === 200) breakAfter(BYTES, 0, tag)(request, response, n);
        else response.writeHead(first === 200 ? 404 : first).end();
      });
      const got = `status ${first === 200 ? 404 : first}`;
      await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, 'a response that is OK', got));
      expect(requests).toHaveLength(count);
    }
  });

  test.each([
    ['retries is 0', 0, tag],
    ['no etag and no date', 3, {}],
    ['only a weak etag', 3, { etag: 'W/"one"' }],
    ['compressed content', 3, { ...tag, 'content-encoding': 'x-own' }],
  ])('is not resumed: %s', async (_, retries, headers: Record<string, string>) => {
    const { url, requests } = serve(breakAfter(BYTES, 60_000, headers));
    await expect(read(url, { retries })).rejects.toThrow(refusal(WeightsError, url, 'weights to the end', ''));
    expect(requests).toHaveLength(1);
  });
});

describe('a connection without progress', () => {
  test('that brings a byte now and then is given up', async () => {
    const { url, requests } = serve((_, response) => {
      response.writeHead(200, { 'content-length': BYTES.length, ...tag });
      const timer = setInterval(() => response.write(BYTES.subarray(0, 1)), 5);
      response.on('close', () => {
        clearInterval(timer);
      });
    });
    const error = refusal(WeightsError, url, '16384 bytes or the end within 0.2 s', 'bytes');
    await expect(read(url, { timeout: 200 })).rejects.toThrow(error);
    expect(requests).toHaveLength(1);
  });

  test('that breaks after 40 bytes is resumed no more often than allowed', async () => {
    shortenPauses();
    const { url, requests } = serve(breakAfter(BYTES, 40, tag));
    const reading = read(url, { retries: 2 });
    await expect(reading).rejects.toMatchObject({
      hint: 'Try again; if the connection often breaks, increase retries.',
    });
    await expect(reading).rejects.toThrow(
      refusal(WeightsError, url, 'weights to the end', 'after 120 of 200000 bytes in 3 attempts'),
    );
    expect(requests.map(({ range }) => range)).toEqual([undefined, 'bytes=40-', 'bytes=80-']);
  });

  test.each([
    [16_384, 13],
    [16_383, 2],
  ])('is one that brings less than 16 KiB: %d bytes make %d requests', async (count, expected) => {
    shortenPauses();
    const { url, requests } = serve(breakAfter(BYTES, count, tag));
    const reading = read(url, { retries: 1 });
    if (expected > 2) expect(isComplete(await reading)).toBe(true);
    else await expect(reading).rejects.toThrow(WeightsError);
    expect(requests).toHaveLength(expected);
  });

  test('is left when the signal is aborted, also between two attempts', async () => {
    const controller = new AbortController();
    const { url, requests } = serve((request, response, n) => {
      breakAfter(BYTES, 40, tag)(request, response, n);
      // The pause before the fourth request is half a second.
      if (n < 3) return;
      response.on('close', () => {
        setTimeout(() => {
          controller.abort('enough');
        }, 50);
      });
    });
    await expect(read(url, { retries: 9, signal: controller.signal })).rejects.toBe('enough');
    expect(requests).toHaveLength(3);
  });

  test('does not count the time that the reader takes', async () => {
    async function* small(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 5; i++) yield await Promise.resolve(BYTES.subarray(0, 10));
    }
    let count = 0;
    for await (const chunk of openSource(small(), resolveSourceOptions({ timeout: 40 })).chunks) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      count += chunk.length;
    }
    expect(count).toBe(50);
  });

  test('ends also if its chunks are empty and leave timers no time', async () => {
    async function* empty(): AsyncGenerator<Uint8Array> {
      for (;;) yield await Promise.resolve(new Uint8Array(0));
    }
    const reading = (async () => {
      let count = 0;
      for await (const chunk of openSource(empty(), resolveSourceOptions({ timeout: 50 })).chunks)
        count += chunk.length;
      return count;
    })();
    await expect(reading).rejects.toThrow(refusal(WeightsError, 'weights', 'the next bytes within 0.05 s', 'none'));
  });
});

describe('a file that changed meanwhile is refused', () => {
  const rest = 'the rest of the file, from byte 60000 on';
  const serveAfterBreak = (second: ReturnType<typeof breakAfter>) =>
    serve((request, response, n) => {
      (n === 1 ? breakAfter(BYTES, 60_000, tag) : second)(request, response, n);
    });

  test('for a response with the whole file', async () => {
    const { url } = serveAfterBreak((_, response) => response.writeHead(200, { etag: '"two"' }).end(BYTES));
    await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, rest, 'status 200: it has changed'));
  });

  test('for status 404', async () => {
    const { url } = serveAfterBreak((_, response) => response.writeHead(404).end());
    await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, rest, 'status 404'));
  });

  test.each([
    ['another offset', 'bytes 59999-199999/200000'],
    ['another length', 'bytes 60000-199998/199999'],
    ['no offset', 'bytes */200000'],
  ])('for a range with %s', async (_, range) => {
    const { url, requests } = serveAfterBreak((__, response) =>
      response.writeHead(206, { 'content-range': range }).end(BYTES),
    );
    await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, rest, `content-range ${range}`));
    expect(requests).toHaveLength(2);
  });

  const date = 'Mon, 02 Nov 2026 10:00:00 GMT';
  const later = 'Mon, 02 Nov 2026 10:00:01 GMT';
  // The length and the range are equal: these servers ignore If-Range.
  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['another etag', tag, { etag: '"two"' }, 'etag "two", not "one"'],
    ['a weak etag instead of a strong one', tag, { etag: 'W/"one"' }, 'etag W/"one", not "one"'],
    ['another date', { 'last-modified': date }, { 'last-modified': later }, `last-modified ${later}, not ${date}`],
    ['another weak etag', { 'last-modified': date, etag: 'W/"one"' }, { etag: 'W/"two"' }, 'etag W/"two"'],
    ['compressed content', tag, { ...tag, 'content-encoding': 'x-own' }, 'compressed content'],
  ])('for a partial response with %s', async (_, first, second, got) => {
    const { url, requests } = serve((request, response, n) => {
      (n === 1
        ? breakAfter(BYTES, 60_000, first)
        : breakAfter(
            BYTES.map((byte) => byte ^ 1),
            1e6,
            second,
          ))(request, response, n);
    });
    await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, rest, got));
    expect(requests).toHaveLength(2);
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['no etag and no date', tag, {}],
    ['the same etag and another date', { ...tag, 'last-modified': date }, { ...tag, 'last-modified': later }],
    ['the same date and no etag', { ...tag, 'last-modified': date }, { 'last-modified': date }],
  ])('but not for a partial response with %s', async (_, first, second) => {
    const { url } = serve((request, response, n) => {
      breakAfter(BYTES, n === 1 ? 60_000 : 1e6, n === 1 ? first : second)(request, response, n);
    });
    expect(isComplete(await read(url))).toBe(true);
  });
});

describe('in a page', () => {
  const page = globalThis as { location?: URL };
  afterEach(() => {
    delete page.location;
  });
  const date = { 'last-modified': 'Mon, 02 Nov 2026 10:00:00 GMT' };

  test.each([tag, date])(
    'requests another origin without If-Range, which would need a preflight: %j',
    async (headers) => {
      page.location = new URL('https://page.org/index.html');
      const { url, requests } = serve(breakAfter(BYTES, 150_000, headers));
      expect(isComplete(await read(url))).toBe(true);
      expect(requests.map(({ range, ifRange }) => [range, ifRange])).toEqual([
        [undefined, undefined],
        ['bytes=150000-', undefined],
      ]);
    },
  );

  test('refuses a response of another origin without the same etag', async () => {
    page.location = new URL('https://page.org/index.html');
    for (const second of [{}, date, { etag: 'W/"one"' }, { etag: '"two"' }]) {
      const { url } = serve((request, response, n) => {
        breakAfter(BYTES, n === 1 ? 60_000 : 1e6, n === 1 ? tag : second)(request, response, n);
      });
      await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, 'the rest of the file', ''));
    }
  });

  test('requests its own origin with If-Range', async () => {
    const { url, requests } = serve(breakAfter(BYTES, 150_000, tag));
    page.location = new URL('/index.html', url);
    expect(isComplete(await read(url))).toBe(true);
    expect(requests.map(({ ifRange }) => ifRange)).toEqual([undefined, '"one"']);
  });
});

describe('the options', () => {
  const respond = (body: Uint8Array[], more: Partial<ResponseLike> = {}): ResponseLike => ({
    ...{ ok: true, status: 200, url: '' },
    body: new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of body) controller.enqueue(chunk);
        controller.close();
      },
    }),
    ...more,
  });

  test('fetch may return a response that ends too early', async () => {
    const headers = { etag: '"one"', 'content-length': '200000' } as Record<string, string | undefined>;
    const get = (name: string): string | null => headers[name] ?? null;
    const urls: string[] = [];
    const fetch: SourceOptions['fetch'] = (url, init) => {
      urls.push(`${url} ${init.headers['range'] ?? ''}`);
      // Pages may not see content-range of other origins: the length is used instead.
      const isFirst = urls.length === 1;
      headers['content-length'] = isFirst ? '200000' : '100000';
      const more = { status: isFirst ? 200 : 206, headers: { get } };
      return Promise.resolve(respond([BYTES.slice(isFirst ? 0 : 100_000, isFirst ? 100_000 : undefined)], more));
    };
    expect(isComplete(await read('https://assets.local/net', { fetch }))).toBe(true);
    expect(urls).toEqual(['https://assets.local/net ', 'https://assets.local/net bytes=100000-']);
  });

  test('fetch may return a first response that says to come later, which is not requested again', async () => {
    let requests = 0;
    const fetch = (): Promise<ResponseLike> => {
      requests++;
      return Promise.resolve(respond([], { ok: false, status: 503 }));
    };
    await expect(read('https://assets.local/net', { fetch })).rejects.toMatchObject({
      ...{ expected: 'a response that is OK', got: 'status 503', hint: 'The server is busy: try again later.' },
    });
    expect(requests).toBe(1);
  });

  test('fetch may return a response without headers', async () => {
    const fetch = (): Promise<ResponseLike> => Promise.resolve(respond([BYTES.slice()]));
    expect(isComplete(await read('https://assets.local/net', { fetch }))).toBe(true);
  });

  test.each([
    ['timeout', { timeout: -1 }, 'milliseconds >= 0', '-1'],
    ['timeout', { timeout: NaN }, 'milliseconds >= 0', 'NaN'],
    ['timeout', { timeout: '5' }, 'milliseconds >= 0', '"5"'],
    ['retries', { retries: 1.5 }, 'an integer >= 0', '1.5'],
    ['retries', { retries: -1 }, 'an integer >= 0', '-1'],
    ['fetch', { fetch: 'me' }, 'a function', '"me"'],
  ])('refuse %s: %j', (op, options, expected, got) => {
    expect(() => resolveSourceOptions(options as SourceOptions)).toThrow(refusal(ParamError, op, expected, got));
  });
});
