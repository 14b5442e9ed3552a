/** Files are read after their size and first bytes have been checked; what has no end is refused. */
import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdir, open, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { createServer } from 'node:net';
import { pathToFileURL } from 'node:url';
import { DataError, ParamError, WeightsError } from '../../src/core/errors.js';
import { HEAD } from '../../src/io/fileKind.js';
import { openFile, pathOf } from '../../src/io/openFile.js';
import { readBytes, type ReadFileOptions } from '../../src/io/readFile.js';
import { readSafetensors } from '../../src/io/readSafetensors.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { linuxTest } from '../platform.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();
const BYTES = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 2654435761) >>> 24);

const read = (name: string, options?: ReadFileOptions): Promise<Uint8Array> =>
  readBytes(path(name), DataError, options);

describe('a file', () => {
  test.each([0, 1, HEAD - 1, HEAD, HEAD + 1, 200_000])(
    'of %d bytes is read, its first bytes are checked',
    async (size) => {
      await writeFile(path('file'), BYTES.subarray(0, size));
      const heads: number[] = [];
      const bytes = await read('file', {
        checkHead: (head) => {
          heads.push(head.length);
          expect(Buffer.compare(head, BYTES.subarray(0, head.length))).toBe(0);
        },
      });
      expect(heads).toEqual([Math.min(HEAD, size)]);
      expect(bytes.length).toBe(size);
      expect(Buffer.compare(bytes, BYTES.subarray(0, size))).toBe(0);
    },
  );

  test('at the limit is read, and above it refused', async () => {
    await writeFile(path('limit'), BYTES.subarray(0, 1000));
    expect(await read('limit', { limit: 1000 })).toHaveLength(1000);
    await expect(read('limit', { limit: 999 })).rejects.toMatchObject({
      ...{ name: 'DataError', op: path('limit'), expected: 'a file of at most 999 bytes', got: '1000 bytes' },
      hint: 'Files of this kind are smaller: check whether it is the right one.',
    });
  });

  test('of 3 GB is refused by its first bytes, or else by its size', async () => {
    await writeFile(path('sparse'), 'GGUF\x03\0\0\0');
    await truncate(path('sparse'), 3e9);
    const size = { op: path('sparse'), expected: 'a file of at most 2147483647 bytes', got: '3000000000 bytes' };
    await expect(read('sparse')).rejects.toMatchObject(size);
    const refuse = (): never => {
      throw new ParamError({ op: 'head', expected: 'another', got: 'this' });
    };
    await expect(read('sparse', { checkHead: refuse })).rejects.toMatchObject({ name: 'ParamError', op: 'head' });
    await expect(readSafetensors(path('sparse'))).rejects.toMatchObject({ op: path('sparse'), got: 'a GGUF file' });
  });

  linuxTest('files without a size')('of /proc has the size 0 and content', async () => {
    const { file, size } = await openFile('/proc/self/status');
    await file.close();
    expect(size).toBeNull();
    const bytes = await readBytes('/proc/self/status', DataError);
    expect(Buffer.from(bytes).toString()).toContain(`Pid:\t${process.pid}\n`);
    const heads: number[] = [];
    await readBytes('/proc/self/status', DataError, { checkHead: (head) => void heads.push(head.length) });
    expect(heads).toEqual([HEAD]);
    for (const limit of [10, HEAD]) {
      await expect(readBytes('/proc/self/status', DataError, { limit })).rejects.toMatchObject({
        expected: `a file of at most ${limit} bytes`,
      });
    }
  });

  test('is closed, whether it is read or refused', async () => {
    await writeFile(path('closed'), BYTES);
    /** The lowest free number of a file. A handle has none after it is closed. */
    const freeNumber = async (): Promise<number> => {
      const handle = await open(path('closed'));
      const { fd } = handle;
      await handle.close();
      return fd;
    };
    const before = await freeNumber();
    expect(before).toBeGreaterThan(0);
    for (let i = 0; i < 3; i++) {
      await read('closed');
      await read('closed', { limit: 10 }).catch(() => undefined);
    }
    expect(await freeNumber()).toBe(before);
  });
});

describe('a path', () => {
  const reading = (location: string): Promise<unknown> => readBytes(location, WeightsError);

  test.each([
    ['', '""', 'an empty path', 'a variable of the shell may be unset'],
    ['a\0b', 'a\\x00b', 'a path with a null character', 'Check the path.'],
    ['file:///%zz', 'file:///%zz', 'an invalid file: URL', 'pathToFileURL'],
    ['file://host/net', 'file://host/net', 'an invalid file: URL', 'pathToFileURL'],
    ['nowhere', 'nowhere', 'no such file or folder', 'Check the path.'],
    ['n'.repeat(5000), `${'n'.repeat(120)}…${'n'.repeat(60)}`, 'a name that is too long', 'Check the path.'],
    ['https://me:word@h/net?key=1', 'https://h/net?…', 'a URL', 'Download the file first, and pass its path.'],
    ['s3://b/net', 's3://b/net', 'a URL of another scheme', 'Download the file first, and pass its path.'],
  ])('is refused with the cause: %j', async (location, op, got, hint) => {
    const error = { name: 'WeightsError', op, expected: 'a readable file', got, hint: expect.stringContaining(hint) };
    await expect(reading(location)).rejects.toMatchObject(error);
    await expect(reading(location)).rejects.toHaveProperty('cause.code');
  });

  test('has the cause of the system beside the code', async () => {
    await expect(openFile('file:///%zz')).rejects.toMatchObject({
      code: 'INVALID_FILE_URL',
      cause: { name: 'URIError' },
    });
    await expect(openFile('http://h/net')).rejects.toMatchObject({ code: 'URL_FOR_PATH', cause: { code: 'ENOENT' } });
    await expect(openFile('s3://h/net')).rejects.toMatchObject({ code: 'FOREIGN_SCHEME', cause: { code: 'ENOENT' } });
    await expect(openFile('')).rejects.not.toHaveProperty('cause');
    await expect(openFile(path('.'))).rejects.toMatchObject({ code: 'EISDIR', message: 'EISDIR' });
  });

  test('may be a file: URL, and may resemble a URL', async () => {
    await writeFile(path('a net'), 'content');
    expect(pathOf(pathToFileURL(path('a net')).href)).toBe(path('a net'));
    expect(Buffer.from(await readBytes(pathToFileURL(path('a net')).href, DataError)).toString()).toBe('content');
    expect(pathOf('http://h/net')).toBe('http://h/net');
  });

  linuxTest('such names')('that resembles a URL and exists is read', async () => {
    await mkdir(path('s3:', 'bucket'), { recursive: true });
    await writeFile(path('s3:', 'bucket', 'net'), 'content');
    const cwd = process.cwd();
    process.chdir(path('.'));
    try {
      expect(Buffer.from(await readBytes('s3://bucket/net', DataError)).toString()).toBe('content');
    } finally {
      process.chdir(cwd);
    }
  });

  test('of a folder is refused', async () => {
    await mkdir(path('folder'));
    await expect(reading(path('folder'))).rejects.toMatchObject({ got: 'a folder', hint: 'Pass a file in it.' });
  });

  linuxTest('devices')('of a device is refused, and not opened', async () => {
    const hint = 'Pass a file, or pipe its content to /dev/stdin.';
    await expect(openFile('/dev/null')).rejects.toMatchObject({ code: 'DEVICE' });
    await expect(readBytes('/dev/null', DataError)).rejects.toMatchObject({ got: 'a device', hint });
  });

  linuxTest('sockets')('of a socket is refused', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path('socket'), resolve));
    await expect(reading(path('socket'))).rejects.toMatchObject({
      got: 'a socket',
      hint: expect.stringContaining('Pass'),
    });
    server.close();
  });
});

describe('a pipe', () => {
  /** A named pipe, and a handle of both its ends: so it has a writer. */
  async function openPipe(name: string): Promise<FileHandle> {
    execFileSync('mkfifo', [path(name)]);
    return open(path(name), 'r+');
  }

  linuxTest('named pipes')('in a folder whose name resembles that of open ones is refused', async () => {
    const pipes = [path('dev', 'fd', '0'), path('dev', 'fd', '0x')];
    await mkdir(path('dev', 'fd'), { recursive: true });
    execFileSync('mkfifo', pipes);
    // They have writers, so that nothing waits if one is opened.
    const writers = await Promise.all(pipes.map((pipe) => open(pipe, 'r+')));
    const folder = await open(path('dev', 'fd'));
    for (const pipe of [...pipes, `/dev/fd/${folder.fd}/0`]) {
      await expect(openFile(pipe)).rejects.toMatchObject({ code: 'NAMED_PIPE' });
    }
    for (const handle of [...writers, folder]) await handle.close();
  });

  linuxTest('named pipes')('that has a name may have no writer, and is refused', async () => {
    execFileSync('mkfifo', [path('named')]);
    await expect(readBytes(path('named'), DataError)).rejects.toMatchObject({
      got: 'a named pipe, which may have no writer',
      hint: 'Redirect it to /dev/stdin, or write its content to a file first.',
    });
  });

  // A title without the number is the same in each process.
  for (const name of ['/dev/fd', '/proc/self/fd', '/proc/PID/fd']) {
    const folder = name.replace('PID', `${process.pid}`);
    linuxTest('named pipes')(`that is open is read to its end: ${name}`, async () => {
      const pipe = await openPipe(folder.replaceAll('/', '-'));
      const content = BYTES.subarray(0, 60_000);
      await pipe.write(content);
      const bytes = await readBytes(`${folder}/${pipe.fd}`, DataError, {
        // The end comes when the last writer has closed.
        checkHead: () => void pipe.close(),
      });
      expect(Buffer.compare(bytes, content)).toBe(0);
    });
  }

  linuxTest('named pipes')('without an end is refused at the limit', async () => {
    const pipe = await openPipe('endless');
    await pipe.write(BYTES.subarray(0, 60_000));
    await expect(readBytes(`/dev/fd/${pipe.fd}`, DataError, { limit: 50_000 })).rejects.toMatchObject({
      expected: 'a file of at most 50000 bytes',
    });
    await pipe.close();
  });
});

test('tensors are read from a file, whose format is recognized', async () => {
  const tensors = new Map([['x', { data: Float32Array.of(1, 2), shape: [2] }]]);
  await writeFile(path('x'), encodeSafetensors(tensors));
  expect((await readSafetensors(path('x'))).tensors).toEqual(tensors);
  await writeFile(path('page'), '<!doctype html>');
  await expect(readSafetensors(path('page'))).rejects.toMatchObject({ op: path('page'), got: 'an HTML page' });
});
