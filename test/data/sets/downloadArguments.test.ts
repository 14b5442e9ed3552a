/** What downloads refuse before and while they write, with a fetch of the test. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { createServer } from 'node:net';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { download, DOWNLOADS, type DownloadOptions } from '../../../src/data/sets/download.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { linuxTest } from '../../platform.js';
import { failure } from './failure.js';

const path = temporaryFolder();
const content = Buffer.from('0123456789');
const md5 = createHash('md5').update(content).digest('hex');
const url = 'https://example.com/set';

/** The headers of the requests. */
const requests: Headers[] = [];
let respond: (headers: Headers) => Response = () => new Response(content);

beforeEach(() => {
  requests.length = 0;
  jest.spyOn(globalThis, 'fetch').mockImplementation((_, init) => {
    const headers = new Headers(init?.headers);
    requests.push(headers);
    return Promise.resolve(respond(headers));
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

test('the archives on the page of their author', () => {
  const page = 'https://www.cs.toronto.edu/~kriz';
  expect(DOWNLOADS).toEqual({
    cifar10: {
      python: { url: `${page}/cifar-10-python.tar.gz`, md5: 'c58f30108f718f92721af3b95e74349a' },
      binary: { url: `${page}/cifar-10-binary.tar.gz`, md5: 'c32a1d4ab5d03f1284b67883e8d87530' },
    },
    cifar100: {
      python: { url: `${page}/cifar-100-python.tar.gz`, md5: 'eb9058c3a382ffc7106e4002c42a8d85' },
      binary: { url: `${page}/cifar-100-binary.tar.gz`, md5: '03b5dce01913d631647c71ecec9e9cb8' },
    },
  });
});

describe('refuses, without a request,', () => {
  test.each<[string, unknown, unknown, unknown, string]>([
    ['no file', null, 'x', {}, 'download: expected an object, got null'],
    ['a URL that is no text', { url: 7, md5 }, 'x', {}, 'url: expected a text, got 7'],
    ['an MD5 that is no text', { url, md5: null }, 'x', {}, 'md5: expected a text, got null'],
    ['a path that is no text', { url, md5 }, 7, {}, 'path: expected the path of a file, got 7'],
    ['an empty path', { url, md5 }, '', {}, 'path: expected a path, got an empty path'],
    ['no options', { url, md5 }, 'x', null, 'options: expected an object, got null'],
    ['a number as force', { url, md5 }, 'x', { force: 1 }, 'force: expected true or false, got 1'],
    ['no time', { url, md5 }, 'x', { stallMs: 0 }, 'stallMs: expected milliseconds > 0, got 0'],
    [
      'another URL',
      { url: 'a https://b', md5 },
      'x',
      {},
      '--url: expected a URL that begins with https: or http:, got a https://b',
    ],
  ])('%s', async (_, remote, target, options, message) => {
    const at = target === 'x' ? path('x') : target;
    const call = () => download(remote as typeof DOWNLOADS.cifar10.python, at as string, options as DownloadOptions);
    expect(await failure(call)).toMatchObject({ name: 'ParamError', message });
    expect(requests).toEqual([]);
  });

  test('a URL that contains https:', async () => {
    expect(await failure(() => download({ url: 'ftp://a/https://b', md5 }, path('x')))).toMatchObject({ op: '--url' });
  });

  test('an unknown option and another signal', async () => {
    const call = (options: object) => failure(() => download({ url, md5 }, path('x'), options));
    expect(await call({ stallms: 7 })).toMatchObject({ op: 'stallms', hint: 'Did you mean stallMs?' });
    expect(await call({ signal: 7 })).toMatchObject({ name: 'ParamError', op: 'signal' });
    expect(await call({ onProgress: 7 })).toMatchObject({ name: 'ParamError', op: 'onProgress' });
  });

  test('the hint for a URL', async () => {
    expect(await failure(() => download({ url: 'ftp://a/b', md5 }, path('x')))).toMatchObject({
      hint: 'Pass the whole URL, such as https://example.com/cifar-10-python.tar.gz.',
    });
  });
});

test('an aborted download is not begun', async () => {
  const reason = new Error('stop');
  expect(await failure(() => download({ url, md5 }, path('no'), { signal: AbortSignal.abort(reason) }))).toBe(reason);
  expect(requests).toEqual([]);
});

test('the reason of an abort while bytes arrive ends a download, which can be resumed', async () => {
  const controller = new AbortController();
  const reason = new Error('stop');
  let isCanceled = false;
  const body = new ReadableStream({
    start: (stream) => {
      stream.enqueue(content.subarray(0, 4));
    },
    cancel: () => {
      isCanceled = true;
    },
  });
  respond = () => new Response(body);
  const onProgress = ({ loaded }: { readonly loaded: number }): void => {
    if (loaded === 4) controller.abort(reason);
  };
  const call = () => download({ url, md5 }, path('later'), { signal: controller.signal, onProgress });
  expect(await failure(call)).toBe(reason);
  expect(isCanceled).toBe(true);
  expect(await readFile(path('later.part'), 'utf8')).toBe('0123');
});

test('a signal has no listener after the download', async () => {
  respond = () => new Response(content);
  const { signal } = new AbortController();
  await download({ url, md5 }, path('signaled'), { signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('without a part, the hint names none', async () => {
  respond = () => new Response('no', { status: 404 });
  expect(await failure(() => download({ url, md5 }, path('missing')))).toMatchObject({
    op: url,
    hint: `Run the same command again, or try another --url. By hand: put the file (md5 ${md5}) at ${path('missing')}.`,
  });
});

test('status 416 for a first request is an error', async () => {
  respond = () => new Response('no', { status: 416 });
  expect(await failure(() => download({ url, md5 }, path('range')))).toMatchObject({
    op: url,
    got: expect.stringContaining('416'),
  });
  expect(requests).toHaveLength(1);
});

test('progress has no total if the server tells none', async () => {
  respond = () => new Response(content);
  const seen: unknown[] = [];
  await download({ url, md5 }, path('unknown'), {
    onProgress: (progress) => {
      seen.push(progress);
    },
  });
  expect(seen).toEqual([
    { loaded: 0, total: null },
    { loaded: 10, total: null },
  ]);
});

test('a body that is shorter than its headers say is an error', async () => {
  respond = () => new Response(content.subarray(0, 6), { headers: { 'content-length': '10', etag: '"a"' } });
  expect(await failure(() => download({ url, md5 }, path('short')))).toMatchObject({
    op: url,
    expected: 'the file to its end',
    got: '6 of 10 bytes',
    hint: expect.stringContaining(`It resumes after the 6 bytes in ${path('short.part')}.`),
    cause: expect.anything(),
  });
  expect(JSON.parse(await readFile(path('short.part.json'), 'utf8'))).toMatchObject({ total: 10, tag: '"a"' });
});

test('a version without etag and date is not written', async () => {
  respond = () => new Response(content.subarray(0, 6), { headers: { 'content-length': '10' } });
  await failure(() => download({ url, md5 }, path('untagged')));
  expect((await readdir(path())).filter((name) => name.startsWith('untagged'))).toEqual(['untagged.part']);
});

describe('a description of the part', () => {
  const rest = (): Response =>
    new Response(content.subarray(4), {
      status: 206,
      headers: { 'content-range': 'bytes 4-9/10', 'content-length': '6', etag: '"a"' },
    });

  test.each([
    ['{"total":10,"tag":"\\"a\\"","modified":null}', '"a"'],
    ['{"total":null,"tag":"\\"a\\"","modified":null}', '"a"'],
    ['{"total":10,"tag":null,"modified":"Mon"}', 'Mon'],
    ['{"total":10,"tag":7,"modified":"Mon"}', null],
    ['{"total":10,"tag":"\\"a\\"","modified":7}', null],
    ['{"total":"10","tag":"\\"a\\"","modified":null}', null],
    ['{"total":-1,"tag":"\\"a\\"","modified":null}', null],
    [`{"total":10,"tag":"\\"a\\"","modified":null}${' '.repeat(2 ** 14)}`, null],
  ])('%.60s is sent as If-Range: %s', async (text, ifRange) => {
    respond = rest;
    await writeFile(path('described.part'), content.subarray(0, 4));
    await writeFile(path('described.part.json'), text);
    const result = await download({ url, md5 }, path('described')).catch((error: unknown) => error);
    expect(requests[0].get('if-range')).toBe(ifRange);
    expect(requests[0].get('range')).toBe('bytes=4-');
    if (ifRange !== 'Mon') expect(result).toMatchObject({ resumedFrom: 4, bytes: 10 });
    for (const file of ['described', 'described.part', 'described.part.json']) await rm(path(file), { force: true });
  });

  test('is not read without a part', async () => {
    respond = () => new Response(content);
    await writeFile(path('alone.part.json'), '{"total":10,"tag":"\\"a\\"","modified":null}');
    await download({ url, md5 }, path('alone'));
    expect(requests[0].get('if-range')).toBeNull();
  });
});

describe('a disk that refuses', () => {
  test('the description', async () => {
    respond = () => new Response(content, { headers: { etag: '"a"' } });
    await mkdir(path('version.part.json'));
    expect(await failure(() => download({ url, md5 }, path('version')))).toMatchObject({
      message: `${path('version.part.json')}: expected a file to write, got a folder`,
      cause: expect.anything(),
    });
  });

  test('the file at the end', async () => {
    respond = () => new Response(content);
    await mkdir(path('end', 'x'), { recursive: true });
    expect(await failure(() => download({ url, md5 }, path('end'), { force: true }))).toMatchObject({
      op: path('end'),
      expected: 'a file to write',
      hint: expect.stringMatching(/\.$/),
      cause: expect.anything(),
    });
    // The downloaded bytes are kept.
    expect(await readFile(path('end.part'), 'utf8')).toBe('0123456789');
  });

  linuxTest('sockets with a path')('for a reason without a remedy of its own', async () => {
    respond = () => new Response(content);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path('socket.part'), resolve));
    const refused = await failure(() => download({ url, md5 }, path('socket')));
    // Before the check: an open server would keep the process alive.
    await new Promise((resolve) => server.close(resolve));
    expect(refused).toMatchObject({
      ...{ op: path('socket.part'), expected: 'a file to write' },
      hint: 'Check the disk. Then run the same command again: it resumes after the bytes that are there.',
    });
  });

  test('to remove a part', async () => {
    await mkdir(path('old.part'));
    expect(await failure(() => download({ url, md5 }, path('old'), { force: true }))).toMatchObject({
      op: path('old.part'),
      expected: 'a file that can be removed',
      hint: 'Remove it by hand.',
      cause: expect.anything(),
    });
  });
});
