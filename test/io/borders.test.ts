/** Reasons in words, outputs that can be written, progress, and what is removed when a process is stopped. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { requireWritable } from '../../src/io/atomicWrite.js';
import { cancelSource } from '../../src/io/cancelSource.js';
import { isAlive, parseStat, processScope, startOf } from '../../src/io/processes.js';
import { checkOnProgress, withProgress, type LoadProgress } from '../../src/io/progress.js';
import { reasonOf } from '../../src/io/reason.js';
import { removeIfStopped } from '../../src/io/removeIfStopped.js';
import { resolveShard } from '../../src/io/resolveShard.js';
import type { WeightsSource } from '../../src/io/weightsSource.js';
import { posixTest } from '../platform.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the reason for', () => {
  const coded = (code: string): Error => Object.assign(new Error('failed'), { code });

  test.each([
    ['ENOENT', 'no such file or folder'],
    ['ENOTDIR', 'no such file or folder'],
    ['EISDIR', 'a folder'],
    ['EACCES', 'no permission'],
    ['EPERM', 'no permission'],
    ['EBUSY', 'a file in use'],
    ['ENOSPC', 'a full disk'],
    ['EDQUOT', 'a full quota'],
    ['EFBIG', 'a file at its size limit'],
    ['EROFS', 'a read-only disk'],
    ['ENOTFOUND', 'no address for that name (DNS)'],
    ['EAI_AGAIN', 'no answer of the name server (DNS)'],
    ['ECONNREFUSED', 'a refused connection'],
    ['ConnectionRefused', 'a refused connection'],
    ['ECONNRESET', 'a broken connection'],
    ['UND_ERR_SOCKET', 'a broken connection'],
    ['EHOSTUNREACH', 'no route to that host'],
    ['ENETUNREACH', 'no network'],
    ['ETIMEDOUT', 'no answer'],
    ['UND_ERR_CONNECT_TIMEOUT', 'no answer'],
    ['HPE_INVALID_CONSTANT', 'an answer that is not HTTP'],
    ['CERT_HAS_EXPIRED', 'no secure connection (TLS: CERT_HAS_EXPIRED)'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'no secure connection (TLS: UNABLE_TO_VERIFY_LEAF_SIGNATURE)'],
  ])('%s is %s, also as the cause of another error', (code, reason) => {
    expect(reasonOf(coded(code))).toBe(reason);
    expect(reasonOf(new TypeError('fetch failed', { cause: coded(code) }))).toBe(reason);
    expect(reasonOf(new TypeError('fetch failed', { cause: new AggregateError([coded(code)]) }))).toBe(reason);
  });

  test.each([
    [new Error('why'), 'why'],
    [coded('EUNKNOWN'), 'failed'],
    [Object.assign(new Error('failed'), { code: 5 }), 'failed'],
    [new Error('outer', { cause: new Error('inner') }), 'outer: inner'],
    [new Error('redirect count exceeded'), 'a loop of redirects'],
    [new Error('fetch failed', { cause: new Error('unknown scheme') }), 'a URL of an unknown scheme'],
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
  ])('%p without a known code is its message', (error, reason) => {
    expect(reasonOf(error)).toBe(reason);
  });

  test('causes in a circle ends', () => {
    const error = new Error('round');
    error.cause = error;
    expect(reasonOf(error)).toBe('round: round: round: round: round');
  });
});

describe('an output', () => {
  test('may be new or an existing file', async () => {
    await requireWritable(path('new'));
    await writeFile(path('old'), 'x');
    await requireWritable(path('old'), [path('other')]);
  });

  test('must be in a folder that exists', async () => {
    const file = path('absent', 'file');
    await expect(requireWritable(file)).rejects.toThrow(refusal(ParamError, file, `a folder ${dirname(file)}`, 'none'));
    await writeFile(path('plain'), 'x');
    const inside = path('plain', 'file');
    await expect(requireWritable(inside)).rejects.toThrow(
      refusal(ParamError, inside, `a folder ${path('plain')}`, 'a file'),
    );
  });

  test('must not be a folder, or have a null character', async () => {
    await mkdir(path('folder'));
    await expect(requireWritable(path('folder'))).rejects.toThrow(
      refusal(ParamError, path('folder'), 'a file to write', 'a folder'),
    );
    await expect(requireWritable('a\0b')).rejects.toThrow(
      refusal(ParamError, 'a\\x00b', 'a path', 'one with a null character'),
    );
  });

  posixTest('links')('must not be an input, under whatever name', async () => {
    await writeFile(path('input'), 'x');
    await symlink(path('input'), path('link'));
    for (const [output, input] of [
      [path('input'), path('input')],
      [path('link'), path('input')],
      [path('input'), path('link')],
    ]) {
      const error = refusal(ParamError, output, 'an output that is not an input', input);
      await expect(requireWritable(output, [path('x'), input])).rejects.toThrow(error);
      await expect(requireWritable(output, [input])).rejects.toMatchObject({ hint: 'Name another output file.' });
    }
    // A folder is no file, but its name can be compared.
    await requireWritable(path('input'), [path()]);
  });
});

describe('progress', () => {
  async function reports(total: number | null): Promise<LoadProgress[]> {
    const calls: LoadProgress[] = [];
    const chunks = (async function* () {
      yield new Uint8Array(3);
      yield await Promise.resolve(new Uint8Array(4));
    })();
    let loaded = 0;
    for await (const chunk of withProgress(
      chunks,
      () => total,
      (progress) => calls.push(progress),
    )) {
      loaded += chunk.length;
      expect(calls[calls.length - 1].loaded).toBe(loaded);
    }
    return calls;
  }

  test('counts the bytes of chunks, with their total if it is known', async () => {
    expect(await reports(7)).toEqual([
      { loaded: 3, total: 7 },
      { loaded: 7, total: 7 },
    ]);
    expect(await reports(null)).toEqual([
      { loaded: 3, total: null },
      { loaded: 7, total: null },
    ]);
  });

  test('has no total any more once there are more bytes', async () => {
    expect(await reports(5)).toEqual([
      { loaded: 3, total: 5 },
      { loaded: 7, total: null },
    ]);
  });

  test('is reported to a function, or to none', () => {
    const report = () => undefined;
    expect(checkOnProgress(report)).toBe(report);
    expect(checkOnProgress(undefined)).toBeUndefined();
    expect(() => checkOnProgress('x')).toThrow(refusal(ParamError, 'onProgress', 'a function', 'x'));
  });
});

posixTest('signals')('a signal removes files and then ends the process, unless something else handles it', async () => {
  // Signals of which the process itself has no listener; jest and the mutation tests have some of the others.
  const before = process.listenerCount('SIGHUP');
  const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
  await writeFile(path('a.tmp'), 'x');
  await writeFile(path('b.tmp'), 'x');
  const [endA, endB] = [removeIfStopped(path('a.tmp')), removeIfStopped(path('b.tmp'))];
  expect(process.listenerCount('SIGHUP')).toBe(before + 1);
  endB();
  expect(process.listenerCount('SIGHUP')).toBe(before + 1);
  const other = () => undefined;
  process.on('SIGHUP', other);
  process.emit('SIGHUP', 'SIGHUP');
  expect([existsSync(path('a.tmp')), kill.mock.calls]).toEqual([true, []]);
  process.off('SIGHUP', other);
  // Other listeners than this one handle the signal: those of the test runner.
  const listeners = process.listeners('SIGHUP').slice(0, before);
  for (const listener of listeners) process.off('SIGHUP', listener);
  await rm(path('gone.tmp'), { force: true });
  const endGone = removeIfStopped(path('gone.tmp'));
  process.emit('SIGHUP', 'SIGHUP');
  for (const listener of listeners) process.on('SIGHUP', listener);
  expect([existsSync(path('a.tmp')), existsSync(path('b.tmp'))]).toEqual([false, true]);
  expect(kill.mock.calls).toEqual([[process.pid, 'SIGHUP']]);
  expect(process.listenerCount('SIGHUP')).toBe(before);
  endGone();
  endA();
  expect(process.listenerCount('SIGHUP')).toBe(before);
});

posixTest('signals')('listeners of signals are removed with the last file', () => {
  const before = process.listenerCount('SIGTERM');
  for (let i = 0; i < 2; i++) {
    const end = removeIfStopped(path('listened.tmp'));
    expect(process.listenerCount('SIGTERM')).toBe(before + 1);
    end();
    expect(process.listenerCount('SIGTERM')).toBe(before);
  }
});

describe('a source that is not read is canceled:', () => {
  test('a stream, a body, an iterable and a stream of Node', () => {
    const events: string[] = [];
    const cancelable = (name: string) =>
      new ReadableStream<Uint8Array>({
        cancel: () => {
          events.push(name);
        },
      });
    const iterable = (name: string, more: object = {}) => ({
      ...more,
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: () => {
          events.push(name);
          return Promise.reject(new Error('closing fails'));
        },
      }),
    });
    cancelSource(cancelable('stream'));
    cancelSource({ body: cancelable('body') });
    cancelSource(iterable('iterable') as unknown as WeightsSource);
    cancelSource(iterable('', { destroy: () => events.push('node') }) as unknown as WeightsSource);
    cancelSource(iterable('other', { destroy: 5 }) as unknown as WeightsSource);
    expect(events.filter((event) => event !== '')).toEqual(['stream', 'body', 'iterable', 'node', 'other']);
  });

  test('not what cannot be', () => {
    for (const source of [null, undefined, 'file', 5, {}, { body: null }, new Uint8Array(2)]) {
      cancelSource(source as unknown as WeightsSource);
    }
    cancelSource({ [Symbol.asyncIterator]: () => ({}), destroy: 5 } as unknown as WeightsSource);
  });
});

test('a shard of a data URL is refused, and the error does not repeat the whole URL', () => {
  const url = `data:application/json,${'x'.repeat(100)}`;
  const error = { op: 'a.bin', expected: 'an index with shards beside it', got: url.slice(0, 40) };
  expect(() => resolveShard(url, 'a.bin', true)).toThrow(expect.objectContaining({ name: 'WeightsError', ...error }));
  expect(() => resolveShard(url, 'a.bin', false)).toThrow(WeightsError);
  expect(() => resolveShard(url, 'a.bin', true)).toThrow(
    expect.objectContaining({ hint: 'Pass the shards by openShards(index, open).' }),
  );
});

describe('processes', () => {
  test('are alive as long as they run', async () => {
    expect(await isAlive(process.pid)).toBe(true);
    expect(await isAlive(2 ** 30)).toBe(false);
    expect(await startOf(2 ** 30)).toBeNull();
  });

  test('that belong to another user are alive', async () => {
    jest.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    });
    expect(await isAlive(process.pid)).toBe(true);
  });

  test('have a state and a start in /proc, after a name that may have parentheses', () => {
    const rest = Array.from({ length: 30 }, (_, i) => `${i + 4}`).join(' ');
    expect(parseStat(`12 (a) b) (c) S ${rest}`)).toEqual({ state: 'S', start: '22' });
    expect(parseStat(`12 (name) Z ${rest}`)).toEqual({ state: 'Z', start: '22' });
    expect(parseStat('12 (name) S 4 5')).toBeNull();
    expect(parseStat(`12 name S ${rest}`)).toBeNull();
    expect(parseStat('')).toBeNull();
  });

  (process.platform === 'linux' ? test : test.skip)(
    'are counted in a namespace, from the start of the system (on Linux)',
    async () => {
      expect(await startOf(process.pid)).toMatch(/^\d+$/);
      expect(await processScope()).toMatch(/^[\da-f-]{36}\/\d+$/);
      expect(await processScope()).toBe(await processScope());
    },
  );
});
