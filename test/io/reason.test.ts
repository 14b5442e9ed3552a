/** The cause of a failed read or request is told in words. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { pathToFileURL } from 'node:url';
import { WeightsError } from '../../src/core/errors.js';
import { hintOfStatus, reasonOf } from '../../src/io/reason.js';
import { openSource } from '../../src/io/source.js';
import { resolveSourceOptions, type SourceOptions } from '../../src/io/sourceOptions.js';
import type { ResponseLike, WeightsSource } from '../../src/io/weightsSource.js';
import { linuxTest } from '../platform.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

async function read(source: WeightsSource, options: SourceOptions = {}): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of openSource(source, resolveSourceOptions(options)).chunks) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

const withCode = (code: string, message = 'failed'): Error => Object.assign(new Error(message), { code });

describe('reasonOf', () => {
  test.each<[unknown, string]>([
    [withCode('ENOENT'), 'no such file or folder'],
    [withCode('EIO'), 'an error of the disk'],
    [new TypeError('fetch failed', { cause: withCode('ECONNREFUSED') }), 'a refused connection'],
    [new TypeError('fetch failed', { cause: new Error('socket', { cause: withCode('ENOTFOUND') }) }), 'no address'],
    [new TypeError('fetch failed', { cause: new AggregateError([withCode('ECONNREFUSED')]) }), 'a refused connection'],
    [withCode('CERT_HAS_EXPIRED'), 'no secure connection (TLS: CERT_HAS_EXPIRED)'],
    [withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), 'no secure connection (TLS: DEPTH_ZERO_SELF_SIGNED_CERT)'],
    [withCode('HPE_INVALID_CONSTANT'), 'an answer that is not HTTP'],
    [withCode('UND_ERR_RES_CONTENT_LENGTH_MISMATCH'), 'another number of bytes than content-length says'],
    [withCode('ConnectionRefused'), 'a refused connection'],
    [withCode('toString', 'odd'), 'odd'],
    [withCode('EOTHER', 'a message'), 'a message'],
    [new TypeError('fetch failed', { cause: new Error('bad port') }), 'a port that fetch does not connect to'],
    [new TypeError('fetch failed', { cause: new Error('redirect count exceeded') }), 'a loop of redirects'],
    [new TypeError('fetch failed', { cause: new Error('unknown scheme') }), 'a URL of an unknown scheme'],
    [withCode('Z_DATA_ERROR'), 'content that is not compressed as content-encoding says'],
    [withCode('ERR__ERROR_FORMAT_PADDING_1'), 'content that is not compressed as content-encoding says'],
    [new Error('fetch failed: invalid method'), 'a blob: URL without a Blob'],
    [new Error('a fetch failed: invalid method'), 'a fetch failed: invalid method'],
    [new Error('fetch failed: invalid methods'), 'fetch failed: invalid methods'],
    [new Error('no cause', { cause: null }), 'no cause'],
    ['a string', 'a string'],
    [undefined, 'undefined'],
    [null, 'null'],
  ])('of %p', (error, reason) => {
    expect(reasonOf(error)).toContain(reason);
  });

  test('knows no redirect by a status below 300', () => {
    expect(hintOfStatus(299)).toBe('Check the URL.');
    expect(hintOfStatus(300)).toBe('Pass the URL that it redirects to.');
  });

  test('ends at a cause that is its own', () => {
    const error = new Error('round');
    error.cause = error;
    expect(reasonOf(error)).toBe('round: round: round: round: round');
  });
});

describe('a request', () => {
  const servers: (Server | HttpServer)[] = [];
  const urlOf = (server: Server | HttpServer, scheme = 'http'): string =>
    `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/net`;
  const garbage = createServer((socket) => {
    socket.on('error', () => undefined).end('hello\n');
  });
  const closing = createServer((socket) => socket.on('error', () => undefined).destroy());
  const redirecting = createHttpServer((_, response) => response.writeHead(302, { location: '/net' }).end());
  const cut = createHttpServer((_, response) => {
    response.writeHead(200, { 'content-length': 50 });
    response.write('ten bytes.', () => response.socket?.end());
  });
  beforeAll(async () => {
    for (const server of [garbage, closing, redirecting, cut]) {
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
  });
  afterAll(() => {
    for (const server of servers) server.close();
  });

  test.each<[string, () => string, string]>([
    ['whose answer is not HTTP', () => urlOf(garbage), 'an answer that is not HTTP'],
    ['to a server that closes the connection', () => urlOf(closing), 'a broken connection'],
    ['that is redirected without end', () => urlOf(redirecting), 'a loop of redirects'],
    ['by https to a server of http', () => urlOf(redirecting, 'https'), 'no secure connection (TLS: ERR_SSL'],
    ['of an invalid URL', () => 'http://[::1', 'an invalid URL'],
    ['of a blob that is gone', () => 'blob:nodedata:1', 'a blob: URL without a Blob'],
  ])('%s is told', async (_, url, got) => {
    await expect(read(url())).rejects.toThrow(refusal(WeightsError, url(), 'a response', got));
  });

  test('whose body is cut is told with the bytes that came', async () => {
    const url = urlOf(cut);
    await expect(read(url)).rejects.toThrow(
      refusal(WeightsError, url, 'weights to the end', 'a broken connection, after 10 of 50 bytes in 1 attempt'),
    );
  });

  test('that a browser hides names CORS', async () => {
    for (const message of ['Failed to fetch', 'Load failed', 'NetworkError when attempting to fetch resource.']) {
      const fetch = (): Promise<ResponseLike> => Promise.reject(new TypeError(message));
      await expect(read('https://example.org/net', { fetch })).rejects.toMatchObject({
        expected: 'a response',
        got: message,
        hint: expect.stringContaining('CORS'),
      });
    }
    const opaque = (): Promise<ResponseLike> => Promise.resolve({ ok: false, status: 0, url: '', body: null });
    await expect(read('https://example.org/net', { fetch: opaque })).rejects.toMatchObject({
      got: 'a response that may not be read (status 0)',
      hint: expect.stringContaining('Access-Control-Allow-Origin'),
    });
  });

  test.each([
    [300, 'Pass the URL that it redirects to.'],
    [399, 'redirects'],
    [400, 'Check the URL.'],
    [401, 'demands a permission'],
    [403, 'renew an expired signed URL'],
    [404, 'There is no file at that URL'],
    [407, 'permission'],
    [408, 'limits requests'],
    [410, 'removed'],
    [418, 'Check the URL.'],
    [429, 'limits requests: try again later.'],
    [499, 'Check the URL.'],
    [500, 'The server failed: try again later.'],
    [503, 'The server is busy: try again later.'],
    [599, 'failed'],
  ])('with status %d says what to do', async (status, hint) => {
    const error = { got: `status ${status}`, hint: expect.stringContaining(hint) };
    await expect(read(new Response('', { status }))).rejects.toMatchObject(error);
  });
});

describe('a location', () => {
  const path = temporaryFolder();
  const content = 'the weights';

  linuxTest('such names of files')('is a path, whatever its name resembles', async () => {
    const folder = path('model:v0');
    await mkdir(folder);
    const cwd = process.cwd();
    process.chdir(path('.'));
    try {
      for (const name of ['data:v0', 'http:v0', 'https:']) await mkdir(name);
      for (const name of [
        'model:v0/net',
        'data:v0/net',
        'http:v0/net',
        'https:/net',
        'C:net',
        'c:\\models\\net',
        'http',
        'net:8080',
        'file',
        'a b:c',
        's3:x',
      ]) {
        await writeFile(name, content);
        expect(await read(name)).toBe(content);
      }
    } finally {
      process.chdir(cwd);
    }
  });

  test('may be a data: or blob: URL, in any case', async () => {
    expect(await read('data:,the%20weights')).toBe(content);
    expect(await read('DATA:;base64,dGhlIHdlaWdodHM=')).toBe(content);
    const url = URL.createObjectURL(new Blob([content]));
    expect(await read(url)).toBe(content);
    URL.revokeObjectURL(url);
  });

  test('may be a file URL with spaces, escaped or not', async () => {
    await writeFile(path('a net ü'), content);
    const url = pathToFileURL(path('a net ü'));
    expect(await read(url)).toBe(content);
    expect(await read(url.href)).toBe(content);
    expect(await read(decodeURI(url.href))).toBe(content);
    expect(await read(url.href.replace('file:', 'FILE:'))).toBe(content);
  });

  test.each([
    ['s3://bucket/net', 'aws s3 presign'],
    ['gs://bucket/net', 'https://storage.googleapis.com/'],
    ['gcs://bucket/net', 'https://storage.googleapis.com/'],
    ['az://box/net', 'SAS token'],
    ['abfss://box@host/net', 'SAS token'],
    ['wasb://box@host/net', 'SAS token'],
    ['hf://owner/net', 'https://huggingface.co/'],
    ['HUGGINGFACE://owner/net', 'https://huggingface.co/'],
    ['github://owner/net', 'https://raw.githubusercontent.com/'],
    ['ftp://host/net', 'Download the file first'],
    ['sftp://host/net', 'Download the file first'],
    ['ipfs://hash', 'ipfs: is no scheme that can be read: pass a path, an http:'],
  ])('of a scheme that cannot be read has a hint: %s', async (location, remedy) => {
    const hint = expect.stringContaining(remedy);
    const op = location.replace('box@', '');
    await expect(read(location)).rejects.toMatchObject({ op, got: 'a URL of another scheme', hint });
    const fetch = (url: string): Promise<Response> => Promise.resolve(new Response(`${url}!`));
    expect(await read(location, { fetch })).toBe(`${location}!`);
  });

  test.each([
    ['hf:owner/net', 'https://huggingface.co/'],
    ['data:v0/net', 'has a comma'],
    ['http:host/net', 'Write two slashes'],
    ['https:/host/net', 'Write two slashes'],
    ['s3:bucket', 'aws s3'],
    ['model:v0', 'Check the path.'],
    ['c:/models/net', 'Check the path.'],
    ['net', 'Check the path.'],
  ])('without a file is a missing path, with a hint about its scheme: %s', async (location, hint) => {
    const error = { op: location, expected: 'a readable file', got: 'no such file or folder' };
    await expect(read(location)).rejects.toMatchObject({ ...error, hint: expect.stringContaining(hint) });
  });

  test('in a request is named without its secrets, and shortened', async () => {
    const broken = (): Promise<ResponseLike> => Promise.reject(new Error('fetch failed'));
    const url = `https://user:word@example.org/net?token=${'s'.repeat(5000)}#part`;
    const named = 'https://example.org/net?…';
    await expect(read(url, { fetch: broken })).rejects.toMatchObject({ op: named, got: 'fetch failed' });
    const refused = (): Promise<ResponseLike> => Promise.resolve(new Response('', { status: 403 }));
    await expect(read(url, { fetch: refused })).rejects.toMatchObject({ op: named, got: 'status 403' });
    const late = (): Promise<ResponseLike> => new Promise(() => undefined);
    await expect(read(url, { fetch: late, timeout: 1 })).rejects.toMatchObject({ op: named, got: 'none' });
    // The message of fetch quotes the URL.
    const error: unknown = await read('http://user:word@127.0.0.1:1/net?token=s').catch((each: unknown) => each);
    expect(error).toMatchObject({
      op: 'http://127.0.0.1:1/net?…',
      got: 'a URL with a password',
      hint: 'Pass a fetch that adds an Authorization header instead.',
    });
    expect(error).not.toHaveProperty('cause');
    const quoting = (each: string): Promise<ResponseLike> => Promise.reject(new Error(`no ${each} here`));
    const quoted: unknown = await read('https://example.org/net?token=s', { fetch: quoting }).catch(
      (each: unknown) => each,
    );
    expect(quoted).toMatchObject({ got: 'no https://example.org/net?… here' });
    expect(quoted).not.toHaveProperty('cause');
    await expect(read('https://example.org/net', { fetch: quoting })).rejects.toHaveProperty('cause');
  });

  test('that is a folder, missing, or a file with a slash is told', async () => {
    await writeFile(path('net'), content);
    const cases: [string, string][] = [
      [path('.'), 'a folder'],
      [path('absent'), 'no such file or folder'],
      [`${path('net')}/`, 'no such file or folder'],
      [pathToFileURL(path('absent')).href, 'no such file or folder'],
    ];
    for (const [location, got] of cases) {
      await expect(read(location)).rejects.toMatchObject({ op: location, got });
    }
    await expect(read('file://host/net')).rejects.toThrow(WeightsError);
    await expect(read('file:///a%2fb')).rejects.toThrow(WeightsError);
  });

  linuxTest('a loop of links')('that is a loop of links is told', async () => {
    await symlink(path('loop'), path('loop'));
    await expect(read(path('loop'))).rejects.toMatchObject({ got: 'a loop of links' });
  });
});
