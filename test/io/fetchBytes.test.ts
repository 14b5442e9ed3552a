/** A URL whose connection breaks gives the same bytes, or one error that says why not. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { openSource } from '../../src/io/source.js';
import { resolveSourceOptions } from '../../src/io/sourceOptions.js';
import type { ResponseLike } from '../../src/io/weightsSource.js';
import type { SourceOptions } from '../../src/io/sourceOptions.js';
import { refusal } from './refusal.js';
import { breaking, slowServer } from './slowServer.js';

const BYTES = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 2654435761) >>> 24);
const serve = slowServer();
const tag = { etag: '"one"' };

async function read(url: string, options: SourceOptions = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  // Each chunk is good until the next.
  for await (const chunk of openSource(url, resolveSourceOptions(options)).chunks) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const isWhole = (found: Buffer): boolean => found.equals(BYTES);

describe('a connection that breaks', () => {
  test('goes on where it was, as the same file by its tag', async () => {
    const { url, asked } = serve(breaking(BYTES, 60_000, tag));
    expect(isWhole(await read(url))).toBe(true);
    expect(asked[0]).toEqual({ range: undefined, ifRange: undefined });
    expect(asked.slice(1).map(({ range }) => range)).toEqual([60_000, 120_000, 180_000].map((at) => `bytes=${at}-`));
    expect(asked.slice(1).every(({ ifRange }) => ifRange === '"one"')).toBe(true);
  });

  test('by the time it was changed, where the tag is weak', async () => {
    const date = 'Mon, 02 Nov 2026 10:00:00 GMT';
    const { url, asked } = serve(breaking(BYTES, 150_000, { etag: 'W/"one"', 'last-modified': date }));
    expect(isWhole(await read(url))).toBe(true);
    expect(asked.map(({ ifRange }) => ifRange)).toEqual([undefined, date]);
  });

  test('as often as it takes, while bytes come', async () => {
    const { url, asked } = serve(breaking(BYTES, 40_000, tag));
    expect(isWhole(await read(url, { retries: 1 }))).toBe(true);
    expect(asked).toHaveLength(5);
  });

  test('is given up when no more bytes come', async () => {
    const { url, asked } = serve((request, response, n) => {
      breaking(BYTES, n === 1 ? 50_000 : 0, tag)(request, response, n);
    });
    await expect(read(url, { retries: 2 })).rejects.toThrow(refusal(WeightsError, url, 'weights to the end', ''));
    expect(asked.map(({ range }) => range)).toEqual([undefined, 'bytes=50000-', 'bytes=50000-']);
  });

  test('goes on after an answer that it is busy', async () => {
    const { url, asked } = serve((request, response, n) => {
      if (n === 2) response.writeHead(503).end('busy');
      else breaking(BYTES, 120_000, tag)(request, response, n);
    });
    expect(isWhole(await read(url))).toBe(true);
    expect(asked).toHaveLength(3);
  });

  test.each([503, 500, 408, 429])('before the first byte, goes on after an answer %d', async (status) => {
    const { url, asked } = serve((request, response, n) => {
      if (n === 2) response.writeHead(status).end('busy');
      else breaking(BYTES, n === 1 ? 0 : BYTES.length, tag)(request, response, n);
    });
    expect(isWhole(await read(url))).toBe(true);
    expect(asked.map(({ range }) => range)).toEqual([undefined, undefined, undefined]);
  });

  test('before the first byte, is given up after so many answers that it is busy', async () => {
    const { url, asked } = serve((request, response, n) => {
      if (n > 1) response.writeHead(503).end('busy');
      else breaking(BYTES, 0, tag)(request, response, n);
    });
    await expect(read(url, { retries: 2 })).rejects.toThrow(
      refusal(WeightsError, url, 'weights to the end', 'status 503'),
    );
    expect(asked).toHaveLength(3);
  });

  test('before the first byte, is over where the file is gone, or was never there', async () => {
    for (const [first, count] of [
      [200, 2],
      [503, 1],
    ]) {
      const { url, asked } = serve((request, response, n) => {
        if (n === 1 && first === 200) breaking(BYTES, 0, tag)(request, response, n);
        else response.writeHead(first === 200 ? 404 : first).end();
      });
      const got = `status ${first === 200 ? 404 : first}`;
      await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, 'a response that is OK', got));
      expect(asked).toHaveLength(count);
    }
  });

  test.each([
    ['not asked to, with retries 0', 0, tag],
    ['of a file that nothing identifies', 3, {}],
    ['of a weak tag alone', 3, { etag: 'W/"one"' }],
    ['of a file compressed on the way', 3, { ...tag, 'content-encoding': 'x-own' }],
  ])('is not continued: %s', async (_, retries, headers: Record<string, string>) => {
    const { url, asked } = serve(breaking(BYTES, 60_000, headers));
    await expect(read(url, { retries })).rejects.toThrow(refusal(WeightsError, url, 'weights to the end', ''));
    expect(asked).toHaveLength(1);
  });
});

describe('a file that is another one meanwhile is refused', () => {
  const rest = 'the rest of the file, from byte 60000 on';
  const then = (second: ReturnType<typeof breaking>) =>
    serve((request, response, n) => {
      (n === 1 ? breaking(BYTES, 60_000, tag) : second)(request, response, n);
    });

  test('sent whole', async () => {
    const { url } = then((_, response) => response.writeHead(200, { etag: '"two"' }).end(BYTES));
    await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, rest, 'status 200: it has changed'));
  });

  test('gone', async () => {
    const { url } = then((_, response) => response.writeHead(404).end());
    await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, rest, 'status 404'));
  });

  test.each([
    ['from elsewhere', 'bytes 59999-199999/200000'],
    ['of another length', 'bytes 60000-199998/199999'],
    ['of no range', 'bytes */200000'],
  ])('%s', async (_, range) => {
    const { url, asked } = then((__, response) => response.writeHead(206, { 'content-range': range }).end(BYTES));
    await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, rest, `content-range ${range}`));
    expect(asked).toHaveLength(2);
  });

  const date = 'Mon, 02 Nov 2026 10:00:00 GMT';
  const later = 'Mon, 02 Nov 2026 10:00:01 GMT';
  // Of the same length and range: a server that does not look at If-Range.
  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['of another tag', tag, { etag: '"two"' }, 'etag "two", not "one"'],
    ['of a tag that is weak by now', tag, { etag: 'W/"one"' }, 'etag W/"one", not "one"'],
    ['of another date', { 'last-modified': date }, { 'last-modified': later }, `last-modified ${later}, not ${date}`],
    ['of another weak tag', { 'last-modified': date, etag: 'W/"one"' }, { etag: 'W/"two"' }, 'etag W/"two"'],
    ['compressed', tag, { ...tag, 'content-encoding': 'x-own' }, 'compressed content'],
  ])('%s, sent in part', async (_, first, second, got) => {
    const { url, asked } = serve((request, response, n) => {
      (n === 1
        ? breaking(BYTES, 60_000, first)
        : breaking(
            BYTES.map((byte) => byte ^ 1),
            1e6,
            second,
          ))(request, response, n);
    });
    await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, rest, got));
    expect(asked).toHaveLength(2);
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['that says nothing of itself', tag, {}],
    ['of the same tag, whose date is another', { ...tag, 'last-modified': date }, { ...tag, 'last-modified': later }],
    ['of the same date, without a tag', { ...tag, 'last-modified': date }, { 'last-modified': date }],
  ])('but not one %s', async (_, first, second) => {
    const { url } = serve((request, response, n) => {
      breaking(BYTES, n === 1 ? 60_000 : 1e6, n === 1 ? first : second)(request, response, n);
    });
    expect(isWhole(await read(url))).toBe(true);
  });
});

describe('a page asks another origin', () => {
  const page = globalThis as { location?: URL };
  afterEach(() => {
    delete page.location;
  });
  const date = { 'last-modified': 'Mon, 02 Nov 2026 10:00:00 GMT' };

  test.each([tag, date])('without If-Range, which it would have to ask for: %j', async (headers) => {
    page.location = new URL('https://page.org/index.html');
    const { url, asked } = serve(breaking(BYTES, 150_000, headers));
    expect(isWhole(await read(url))).toBe(true);
    expect(asked.map(({ range, ifRange }) => [range, ifRange])).toEqual([
      [undefined, undefined],
      ['bytes=150000-', undefined],
    ]);
  });

  test('and takes only what says that it is the same', async () => {
    page.location = new URL('https://page.org/index.html');
    for (const second of [{}, date, { etag: 'W/"one"' }, { etag: '"two"' }]) {
      const { url } = serve((request, response, n) => {
        breaking(BYTES, n === 1 ? 60_000 : 1e6, n === 1 ? tag : second)(request, response, n);
      });
      await expect(read(url)).rejects.toThrow(refusal(WeightsError, url, 'the rest of the file', ''));
    }
  });

  test('and its own with it', async () => {
    const { url, asked } = serve(breaking(BYTES, 150_000, tag));
    page.location = new URL('/index.html', url);
    expect(isWhole(await read(url))).toBe(true);
    expect(asked.map(({ ifRange }) => ifRange)).toEqual([undefined, '"one"']);
  });
});

describe('what asks', () => {
  const answer = (body: Uint8Array[], more: Partial<ResponseLike> = {}): ResponseLike => ({
    ...{ ok: true, status: 200, url: '' },
    body: new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of body) controller.enqueue(chunk);
        controller.close();
      },
    }),
    ...more,
  });

  test('can be given, and may end without a word', async () => {
    const headers = { etag: '"one"', 'content-length': '200000' } as Record<string, string | undefined>;
    const get = (name: string): string | null => headers[name] ?? null;
    const urls: string[] = [];
    const fetch: SourceOptions['fetch'] = (url, init) => {
      urls.push(`${url} ${init.headers['range'] ?? ''}`);
      // A page that may not see content-range goes by the length.
      const isFirst = urls.length === 1;
      headers['content-length'] = isFirst ? '200000' : '100000';
      const more = { status: isFirst ? 200 : 206, headers: { get } };
      return Promise.resolve(answer([BYTES.slice(isFirst ? 0 : 100_000, isFirst ? 100_000 : undefined)], more));
    };
    expect(isWhole(await read('https://assets.local/net', { fetch }))).toBe(true);
    expect(urls).toEqual(['https://assets.local/net ', 'https://assets.local/net bytes=100000-']);
  });

  test('answers without headers', async () => {
    const fetch = (): Promise<ResponseLike> => Promise.resolve(answer([BYTES.slice()]));
    expect(isWhole(await read('https://assets.local/net', { fetch }))).toBe(true);
  });

  test.each([
    ['timeout', { timeout: -1 }, 'milliseconds >= 0', '-1'],
    ['timeout', { timeout: NaN }, 'milliseconds >= 0', 'NaN'],
    ['timeout', { timeout: '5' }, 'milliseconds >= 0', '"5"'],
    ['retries', { retries: 1.5 }, 'an integer >= 0', '1.5'],
    ['retries', { retries: -1 }, 'an integer >= 0', '-1'],
    ['fetch', { fetch: 'me' }, 'a function', '"me"'],
  ])('%s: %j is refused', (op, options, expected, got) => {
    expect(() => resolveSourceOptions(options as SourceOptions)).toThrow(refusal(ParamError, op, expected, got));
  });
});
