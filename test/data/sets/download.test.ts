import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DataError, ParamError } from '../../../src/core/errors.js';
import { download, downloadFile, type RemoteFile } from '../../../src/data/sets/download.js';
import type { LoadProgress } from '../../../src/io/progress.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { linuxTest } from '../../platform.js';

const path = temporaryFolder();
const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + 7 * i) % 256);
const md5 = createHash('md5').update(content).digest('hex');

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Supports range requests. */
const withRanges: Handler = ({ headers }, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  if (from >= content.length) {
    response.writeHead(416).end();
    return;
  }
  const rest = content.subarray(from);
  const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length, ...(from > 0 ? range : {}) }).end(rest);
};
/** Ignores range requests. */
const withoutRanges: Handler = (_, response) => {
  response.writeHead(200, { 'content-length': content.length }).end(content);
};
/** Sends some bytes, then closes the connection. */
const breaksAfter =
  (count: number): Handler =>
  (_, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, count), () => setTimeout(() => response.destroy(), 50));
  };
/** Sends some bytes, then nothing. */
const stallsAfter =
  (count: number): Handler =>
  (_, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, count));
  };
const status =
  (code: number, headers = {}): Handler =>
  (_, response) => {
    response.writeHead(code, headers).end('no');
  };

let handler: Handler = withoutRanges;
const ranges: (string | undefined)[] = [];
const server = createServer((request, response) => {
  ranges.push(request.headers.range);
  handler(request, response);
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/set.tar.gz`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
afterEach(() => {
  ranges.length = 0;
});

const same = async (name: string): Promise<boolean> => (await readFile(path(name))).equals(content);

/** Matches a failed download by its hint and cause. */
const failure = (hint: string, got: string): Error =>
  expect.objectContaining({
    name: 'DataError',
    op: url,
    hint: expect.stringContaining(hint),
    got: expect.stringContaining(got),
  }) as unknown as Error;

describe('download', () => {
  test('writes the complete file, reports progress, and leaves no partial file', async () => {
    handler = withoutRanges;
    const seen: LoadProgress[] = [];
    const onProgress = (progress: LoadProgress): void => {
      seen.push(progress);
    };
    expect(await download({ url, md5 }, path('a', 'b', 'set'), { onProgress })).toEqual({
      ...{ path: path('a', 'b', 'set'), bytes: content.length, existed: false, resumedFrom: 0 },
    });
    expect(await same('a/b/set')).toBe(true);
    expect(await readdir(path('a', 'b'))).toEqual(['set']);
    expect([seen[0], seen[seen.length - 1]]).toEqual([
      { loaded: 0, total: content.length },
      { loaded: content.length, total: content.length },
    ]);
  });

  linuxTest('/proc/self/fd')('closes the file', async () => {
    handler = withoutRanges;
    await download({ url, md5 }, path('closed'));
    const handles = await readdir('/proc/self/fd');
    const open = await Promise.all(handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')));
    expect(open.filter((target) => target.startsWith(path('closed')))).toEqual([]);
  });

  test('checks and keeps an existing file; `force` downloads it again', async () => {
    await writeFile(path('existing'), content);
    expect(await download({ url, md5 }, path('existing'))).toMatchObject({ existed: true });
    expect(ranges).toEqual([]);
    await writeFile(path('existing'), 'something else');
    await expect(download({ url, md5 }, path('existing'))).rejects.toThrow(
      expect.objectContaining({
        op: path('existing'),
        expected: `md5 ${md5}`,
        hint: expect.stringContaining('--force'),
      }),
    );
    handler = withRanges;
    await writeFile(path('existing.part'), 'stale');
    expect(await download({ url, md5 }, path('existing'), { force: true })).toMatchObject({ existed: false });
    expect(await same('existing')).toBe(true);
  });

  test('resumes an interrupted download where it stopped', async () => {
    handler = breaksAfter(100_000);
    await expect(download({ url, md5 }, path('cut'))).rejects.toThrow(
      failure(`It resumes after the 100000 bytes in ${path('cut.part')}.`, 'a broken connection'),
    );
    handler = withRanges;
    expect(await download({ url, md5 }, path('cut'))).toMatchObject({ resumedFrom: 100_000 });
    expect(ranges).toEqual([undefined, 'bytes=100000-']);
    expect(await same('cut')).toBe(true);
  });

  test('with an ETag, resumes only if the file has not changed', async () => {
    const withTag =
      (tag: string, count: number): Handler =>
      ({ headers }, response) => {
        const from = headers['if-range'] === tag ? Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0) : 0;
        const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
        response.writeHead(from > 0 ? 206 : 200, {
          ...{ 'content-length': content.length - from, etag: tag },
          ...(from > 0 ? range : {}),
        });
        const part = content.subarray(from, from + count);
        if (from + count >= content.length) response.end(part);
        else response.write(part, () => setTimeout(() => response.destroy(), 50));
      };
    handler = withTag('"a"', 100_000);
    await expect(download({ url, md5 }, path('tag'))).rejects.toThrow(DataError);
    await expect(download({ url, md5 }, path('tag'))).rejects.toThrow(failure('after the 200000 bytes', ''));
    // Another version is sent from its beginning.
    handler = withTag('"b"', content.length);
    expect(await download({ url, md5 }, path('tag'))).toMatchObject({ resumedFrom: 0 });
    expect(await same('tag')).toBe(true);
    expect((await readdir(path())).filter((name) => name.startsWith('tag'))).toEqual(['tag']);
  });

  test('starts again if the server does not support ranges', async () => {
    await writeFile(path('again.part'), content.subarray(0, 5000));
    handler = withoutRanges;
    expect(await download({ url, md5 }, path('again'))).toMatchObject({ resumedFrom: 0 });
    expect(await same('again')).toBe(true);
  });

  test('renames a complete partial file, and replaces a partial file that is too long', async () => {
    handler = withRanges;
    await writeFile(path('full.part'), content);
    expect(await download({ url, md5 }, path('full'))).toMatchObject({ resumedFrom: content.length });
    expect(await same('full')).toBe(true);
    await writeFile(path('long.part'), new Uint8Array(content.length + 1));
    expect(await download({ url, md5 }, path('long'))).toMatchObject({ resumedFrom: 0 });
    expect(await same('long')).toBe(true);
  });

  test('refuses a response with another range than requested', async () => {
    await writeFile(path('odd.part'), content.subarray(0, 5000));
    handler = status(206, { 'content-range': 'bytes 7-9/300000' });
    await expect(download({ url, md5 }, path('odd'))).rejects.toThrow(
      refusal(DataError, url, 'from byte 5000 on', 'bytes 7-9/300000'),
    );
  });

  test('removes a file with another MD5', async () => {
    handler = withoutRanges;
    const wrong = 'f'.repeat(32);
    await expect(download({ url, md5: wrong }, path('wrong'))).rejects.toThrow(
      expect.objectContaining({
        op: url,
        expected: `md5 ${wrong}`,
        got: md5,
        hint: expect.stringContaining('was removed'),
      }),
    );
    expect((await readdir(path())).filter((name) => name.startsWith('wrong'))).toEqual([]);
  });

  test.each([404, 500])('fails with status %i, and tells how to download by hand', async (code) => {
    handler = status(code);
    await expect(download({ url, md5 }, path('none'))).rejects.toThrow(
      failure(`put the file (md5 ${md5}) at ${path('none')}`, `status ${code}`),
    );
  });

  test.each([
    // The first bytes must arrive in time, even on a busy machine.
    ['in the middle', 1000, 'It resumes after the 1000 bytes', '1000 bytes', 600],
    ['before the first byte', 0, 'Run the same command again', 'none', 100],
  ])('ends if the connection stalls %s', async (name, count, hint, got, stallMs) => {
    handler = count > 0 ? stallsAfter(count) : () => undefined;
    await expect(download({ url, md5 }, path(name), { stallMs })).rejects.toThrow(failure(hint, got));
  });

  test('refuses an invalid URL, and reports a refused connection', async () => {
    const unused = createServer();
    await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve));
    const closedPort = `http://127.0.0.1:${(unused.address() as AddressInfo).port}/x`;
    await new Promise((resolve) => unused.close(resolve));
    await expect(download({ url: 'http://[::1', md5 }, path('x'))).rejects.toThrow(
      refusal(ParamError, '--url', 'https: or http:', '[::1'),
    );
    await expect(download({ url: 'file:///etc/passwd', md5 }, path('x'))).rejects.toThrow(ParamError);
    await expect(download({ url: closedPort, md5 }, path('x'))).rejects.toThrow(
      refusal(DataError, closedPort, 'the file to its end', 'a refused connection'),
    );
  });

  linuxTest('/proc')('refuses a folder that takes no folders, at once', async () => {
    const refused = download({ url, md5 }, '/proc/vanillanet/set');
    await expect(refused).rejects.toThrow(
      refusal(DataError, '/proc/vanillanet/set', 'a folder to write to', 'a place that takes no folders: /proc'),
    );
    await expect(refused).rejects.toMatchObject({ hint: expect.stringMatching(/.\.$/), cause: expect.anything() });
  });

  test('refuses a folder at the place of the file, or of what it writes beside it', async () => {
    handler = withoutRanges;
    await mkdir(path('taken'));
    await expect(download({ url, md5 }, path('taken'))).rejects.toThrow(
      refusal(DataError, path('taken'), 'a readable file', 'a folder'),
    );
    await mkdir(path('beside.part'));
    const refused = download({ url, md5 }, path('beside'));
    await expect(refused).rejects.toThrow(refusal(DataError, path('beside.part'), 'a file to write', 'a folder'));
    await expect(refused).rejects.toMatchObject({
      hint: 'Pass a file in it. Then run the same command again: it resumes after the bytes that are there.',
    });
    await expect(download({ url, md5 }, path('beside'), { force: true })).rejects.toThrow(
      refusal(DataError, path('beside.part'), 'a file that can be removed', ''),
    );
  });

  linuxTest('/dev/null')('refuses a device at the place of the file', async () => {
    await expect(download({ url, md5 }, '/dev/null')).rejects.toThrow(
      refusal(DataError, '/dev/null', 'a readable file', 'a device'),
    );
  });

  test('refuses a path with NUL, and a URL', async () => {
    await expect(download({ url, md5 }, 'a\0b')).rejects.toThrow(
      refusal(ParamError, 'path', 'a path', 'a path with a null character'),
    );
    await expect(download({ url, md5 }, 'https://example.com/set')).rejects.toThrow(
      refusal(ParamError, 'path', 'a path on this machine', 'https://example.com/set'),
    );
  });

  test.each([
    '',
    'no JSON',
    'null',
    '7',
    '[]',
    '{"total":"1"}',
    '{"total":-1,"tag":null,"modified":null}',
    '{'.repeat(20_000),
  ])('passes over a damaged description of the partial file: %.20s', async (text) => {
    handler = withRanges;
    await writeFile(path('described.part'), content.subarray(0, 1000));
    await writeFile(path('described.part.json'), text);
    const { resumedFrom } = await download({ url, md5 }, path('described'), { force: false });
    expect(resumedFrom).toBe(1000);
    expect(await same('described')).toBe(true);
    await rm(path('described'));
  });

  test('refuses a path inside a file', async () => {
    await writeFile(path('file'), 'x');
    await expect(download({ url, md5 }, path('file', 'set'))).rejects.toThrow(
      refusal(DataError, path('file', 'set'), 'a folder to write to', ''),
    );
  });

  linuxTest('/dev/full')('reports a full disk, and keeps the partial file', async () => {
    // /dev/full behaves like a full disk.
    await symlink('/dev/full', path('disk.part'));
    handler = withoutRanges;
    await expect(download({ url, md5 }, path('disk'))).rejects.toThrow(
      expect.objectContaining({
        op: path('disk.part'),
        expected: 'space on the disk',
        got: 'a full disk',
        hint: expect.stringContaining('resumes after'),
      }),
    );
  });
});

describe('downloadFile', () => {
  const wholes: (number | null)[] = [];
  const remote = (hasDigest: boolean): RemoteFile => ({
    ...{ url, hasDigest, again: 'Again.', byHand: 'By hand.', check: () => Promise.resolve() },
    isWhole(_, size, total) {
      wholes.push(total);
      return Promise.resolve(size === total);
    },
  });
  const version = (tag: string | null): string => JSON.stringify({ total: content.length, tag, modified: null });

  test.each([
    ['a version that is not known, without a digest', false, null, undefined],
    ['a weak tag, without a digest', false, 'W/"a"', undefined],
    ['a tag, without a digest', false, '"a"', 'bytes=1000-'],
    ['a version that is not known, with a digest', true, null, 'bytes=1000-'],
  ])('of %s', async (name, hasDigest, tag, range) => {
    handler = withRanges;
    const file = path(`part of ${name.replace(/\W/g, '-')}`);
    await writeFile(`${file}.part`, content.subarray(0, 1000));
    if (tag !== null) await writeFile(`${file}.part.json`, version(tag));
    const { resumedFrom } = await downloadFile(remote(hasDigest), file, {});
    expect([ranges[0], resumedFrom]).toEqual([range, range === undefined ? 0 : 1000]);
    expect((await readFile(file)).equals(content)).toBe(true);
  });

  test('asks whether a part is whole with the size that the server said, or none', async () => {
    handler = withRanges;
    wholes.length = 0;
    await writeFile(path('whole.part'), content);
    await writeFile(path('whole.part.json'), version('"a"'));
    await downloadFile(remote(false), path('whole'), {});
    await writeFile(path('unknown.part'), content);
    await downloadFile(remote(true), path('unknown'), {});
    expect(wholes).toEqual([content.length, null]);
  });
});
