/** Values that are no sources of weights: each is refused with its kind and a way out, never with an error of the engine. */
import { describe, expect, test } from '@jest/globals';
import { open } from 'node:fs/promises';
import { VanillaNetError } from '../../src/core/errors.js';
import { partOf } from '../../src/io/checkSource.js';
import { openShards } from '../../src/io/openShards.js';
import { openSource } from '../../src/io/source.js';
import { resolveSourceOptions, type Fetch } from '../../src/io/sourceOptions.js';
import type { WeightsSource } from '../../src/io/weightsSource.js';
import { breakAfter, slowServer } from './slowServer.js';

const BYTES = Uint8Array.of(1, 2, 3);
const URL_OF_NET = 'https://example.org/net.safetensors';
const USED = 'Pass a new one: its bytes can be read only once.';
const READ_ALREADY = 'a response that was read already';
const DETACHED = 'a detached buffer';
const serve = slowServer();

function detached(): Uint8Array {
  const bytes = BYTES.slice();
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

async function used(): Promise<Response> {
  const response = new Response(BYTES);
  await response.arrayBuffer();
  return response;
}

function locked(): ReadableStream<Uint8Array> {
  const stream = new Blob([BYTES]).stream();
  stream.getReader();
  return stream;
}

/** What reading a source throws. */
async function errorOf(source: unknown, fetch?: Fetch): Promise<unknown> {
  try {
    const chunks = openSource(source as WeightsSource, resolveSourceOptions({ fetch })).chunks[Symbol.asyncIterator]();
    while ((await chunks.next()).done !== true);
  } catch (error) {
    return error;
  }
  return 'nothing';
}

const fields = (op: string, got: string, hint: string | undefined): object =>
  expect.objectContaining({ op, got, ...(hint === undefined ? {} : { hint: expect.stringContaining(hint) }) });

const CASES: readonly (readonly [name: string, source: () => unknown, got: string, hint?: string])[] = [
  ['a number', () => 5, '5'],
  ['null', () => null, 'null'],
  ['a list', () => ['net.safetensors'], '["net.safetensors"]'],
  ['an object', () => ({}), '{}'],
  ['a byteLength alone', () => ({ byteLength: 5 }), '{"byteLength":5}'],
  ['an href that is a number', () => ({ href: 5 }), 'an object whose href is 5'],
  ['an ok without a body', () => ({ ok: true }), 'none', 'Check the URL.'],
  ['an ok that is a number', () => ({ ok: 1, body: null }), 'an object whose ok is 1'],
  ['a body of a response that is a string', () => ({ ok: true, body: 'abc' }), 'an object whose body is "abc"'],
  ['a Request', () => new Request(URL_OF_NET), 'a Request', 'Pass await fetch(request).'],
  ['a body of null', () => ({ body: null }), 'an object whose body is null'],
  ['a body of undefined', () => ({ body: undefined }), 'an object whose body is undefined'],
  ['a body that is a string', () => ({ body: 'abc' }), 'an object whose body is "abc"'],
  [
    'headers without get',
    () => ({ ok: true, body: null, headers: {} }),
    'a response whose headers have no get',
    'Headers',
  ],
  [
    'headers of null',
    () => ({ ok: true, body: null, headers: null }),
    'a response whose headers have no get',
    'Pass new Headers(object) as its headers.',
  ],
  ['a stream that returns a number', () => ({ stream: () => 5 }), '5'],
  ['a stream that is a number', () => ({ stream: 5 }), 'an object whose stream is 5'],
  ['an asyncIterator that is null', () => ({ [Symbol.asyncIterator]: null }), '{}'],
  ['an asyncIterator that returns null', () => ({ [Symbol.asyncIterator]: () => null }), 'null', 'It must have next.'],
  [
    'an iterator that returns a number',
    () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(5) }) }),
    '5',
  ],
  ['a reader without methods', () => ({ getReader: () => ({}) }), '{}', 'It must have read and cancel.'],
  ['a getReader that is a number', () => ({ getReader: 5 }), 'an object whose getReader is 5'],
  ['a detached view', detached, DETACHED, 'copy'],
  ['a detached buffer', () => detached().buffer, DETACHED, 'copy'],
  ['a response that was read', used, READ_ALREADY, USED],
  ['a stream with a reader', locked, 'a stream that was read already, or has a reader', USED],
  ['a body with a reader', () => ({ body: locked() }), 'a body that was read already, or has a reader', USED],
  [
    'chunks of text',
    () => new Response(BYTES).body?.pipeThrough(new TextDecoderStream()),
    'string',
    'without an encoding',
  ],
];

describe('what is no source of weights', () => {
  test.each(CASES.map((row) => ({ row })))('$row.0', async ({ row: [, create, got, hint] }) => {
    const error = await errorOf(await create());
    expect(error).toBeInstanceOf(VanillaNetError);
    expect(error).toEqual(fields(got === 'none' ? 'response' : 'weights', got, hint));
  });

  test.each([
    ['a promise', () => Promise.resolve(BYTES), 'a Promise', 'Await it first.'],
    ['a handle of a page', () => ({ getFile: () => BYTES }), 'a handle of a file', 'Pass await handle.getFile().'],
  ])('%s', async (_, create, got, hint) => {
    expect(await errorOf(create())).toEqual(fields('weights', got, hint));
  });

  test('a handle of Node', async () => {
    const handle = await open('package.json');
    try {
      expect(await errorOf(handle)).toEqual(fields('weights', 'a handle of a file', 'handle.createReadStream()'));
    } finally {
      await handle.close();
    }
  });

  test('is named by its shard', async () => {
    const [file, sha256] = ['net-00001-of-00001.safetensors', '0'.repeat(64)];
    const index = { format: 'vanillanet-shards', version: 1, bytes: 3, sha256, shards: [{ file, bytes: 3, sha256 }] };
    const bodies = [{ body: undefined }, { body: null }, detached(), await used()];
    for (const body of bodies) {
      const shards = openShards(index, () => body as never);
      await expect(shards[Symbol.asyncIterator]().next()).rejects.toThrow(expect.objectContaining({ op: file }));
    }
  });
});

test('a shared buffer is a source', async () => {
  expect(await errorOf(new SharedArrayBuffer(3))).toBe('nothing');
});

describe('a reader or iterator without its methods', () => {
  const read = (): Promise<unknown> => Promise.resolve({ done: true });

  test.each<[string, () => unknown, string]>([
    ['a reader without cancel', () => ({ getReader: () => ({ read }) }), 'a stream with a reader'],
    ['a reader without read', () => ({ getReader: () => ({ cancel: read }) }), 'a stream with a reader'],
    ['an iterator without next', () => ({ [Symbol.asyncIterator]: () => ({}) }), 'an iterable with an iterator'],
    [
      'an iterator that returns null',
      () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(null) }) }),
      'chunks as { done, value }',
    ],
  ])('is refused: %s', async (_, create, expected) => {
    expect(await errorOf(create())).toMatchObject({ op: 'weights', expected });
  });
});

describe('a response with a part of a file', () => {
  const rangeOf = (range: string, status = 206): string | null =>
    partOf({ status, headers: new Headers({ 'content-range': range }) });

  test('is known by its range', () => {
    expect(rangeOf('bytes 0-9/10')).toBeNull();
    expect(rangeOf('bytes 1-9/10', 200)).toBeNull();
    for (const range of ['bytes 1-9/10', 'bytes 10-19/20', 'bytes 0-8/10', 'x bytes 0-9/10', 'bytes 0-9/10x', 'none']) {
      expect(rangeOf(range)).toBe(`a part of it (status 206, content-range ${range})`);
    }
  });

  test('is refused with what the request and the answer must be', async () => {
    const part = new Response(BYTES, { status: 206, headers: { 'content-range': 'bytes 1-3/4' } });
    expect(await errorOf(part)).toMatchObject({
      expected: 'the whole file',
      hint: 'The request must have no Range header, and the server or cache must answer with the whole file (200).',
    });
  });
});

describe('a fetch that returns', () => {
  test.each([
    ['null', () => null, 'null', 'fetch must return a Response, or a Promise of one.'],
    ['a number', () => 5, '5', 'fetch must return a Response, or a Promise of one.'],
    ['an object', () => ({}), 'an object whose ok is undefined', 'fetch must return a Response, or a Promise of one.'],
    ['a response that was read', used, READ_ALREADY, USED],
  ])('%s is not called again', async (_, create, got, hint) => {
    let calls = 0;
    const fetch = (): never => {
      calls++;
      return create() as never;
    };
    expect(await errorOf(URL_OF_NET, fetch)).toEqual(fields(URL_OF_NET, got, hint));
    expect(calls).toBe(1);
  });

  test('a response without a URL gives its bytes', async () => {
    const { ok, body } = new Response(BYTES);
    expect(await errorOf({ ok, body })).toBe('nothing');
  });
});

test('an answer for a cache (304) has a hint of its own', async () => {
  const answer = { ok: false, status: 304, url: '', body: null };
  expect(await errorOf(answer)).toMatchObject({
    got: 'status 304',
    hint: 'The server refers to a copy in a cache: send no If-None-Match and no If-Modified-Since.',
  });
});

describe('hints about attempts', () => {
  test('name the validator that a server does not send', async () => {
    const { url, requests } = serve(breakAfter(new Uint8Array(50_000), 20_000, {}));
    const error = await errorOf(url);
    expect(requests).toHaveLength(1);
    expect(error).toMatchObject({
      got: 'a broken connection, after 20000 of 50000 bytes in 1 attempt',
      hint: 'Try again: a load resumes only if the server sends a validator (Last-Modified, or an ETag that is not weak) and does not compress the file.',
    });
  });

  test('a wrong content-encoding is not requested again', async () => {
    const { url, requests } = serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(BYTES),
    );
    expect(await errorOf(url)).toMatchObject({
      got: expect.stringContaining('content that is not compressed as content-encoding says'),
      hint: 'Check the header content-encoding that the server sends.',
    });
    expect(requests).toHaveLength(1);
  });
});
