import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, readlink, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { atomicWrite, removeLeftovers, type WriteSystem, requireWritable } from '../../src/io/atomicWrite.js';
import { posixTest } from '../platform.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();

test('writes bytes and text over an existing file and leaves no other file', async () => {
  await mkdir(path('a'));
  await atomicWrite(path('a', 'file'), 'grüße');
  expect(await readFile(path('a', 'file'), 'utf8')).toBe('grüße');
  await atomicWrite(path('a', 'file'), new Uint8Array([1, 2, 3]));
  expect([...(await readFile(path('a', 'file')))]).toEqual([1, 2, 3]);
  expect(await readdir(path('a'))).toEqual(['file']);
});

posixTest('open files')('an open handle of the old file still reads the old content', async () => {
  await writeFile(path('old'), 'old');
  const reader = await open(path('old'));
  await atomicWrite(path('old'), 'new');
  expect(await reader.readFile('utf8')).toBe('old');
  await reader.close();
});

posixTest('links')('writes to the target of a symbolic link, which remains a link', async () => {
  await mkdir(path('l'));
  await writeFile(path('l', 'target'), 'old');
  await symlink('target', path('l', 'link'));
  await atomicWrite(path('l', 'link'), 'new');
  expect(await readlink(path('l', 'link'))).toBe('target');
  expect(await readFile(path('l', 'target'), 'utf8')).toBe('new');
});

test('refuses a folder and a missing folder, and leaves no file behind', async () => {
  await mkdir(path('b', 'folder'), { recursive: true });
  const write = (...to: string[]): Promise<void> => atomicWrite(path('b', ...to), 'x');
  await expect(write('folder')).rejects.toThrow(refusal(ParamError, path('b', 'folder'), 'a file', 'a folder'));
  await expect(write('no', 'file')).rejects.toThrow(refusal(ParamError, 'file', 'a file', 'no such file or folder'));
  expect(await readdir(path('b'))).toEqual(['folder']);
  expect(await readdir(path('b', 'folder'))).toEqual([]);
});

posixTest('devices')('refuses what is neither a file nor a folder', async () => {
  // A device would do as well, but the mutation tests run this as root with a fault in the check.
  const server = createServer().listen(path('socket'));
  await once(server, 'listening');
  try {
    const error = refusal(ParamError, path('socket'), 'a file to write', 'a device or pipe');
    await expect(atomicWrite(path('socket'), 'x')).rejects.toThrow(error);
    await expect(atomicWrite(path('socket'), 'x')).rejects.toMatchObject({
      hint: 'Pass the path of a file; it is replaced as a whole.',
    });
  } finally {
    server.close();
  }
});

/** A system whose `rename` fails with these codes in turn, then succeeds. */
function failing(platform: NodeJS.Platform, codes: readonly string[]) {
  const pauses: number[] = [];
  let attempts = 0;
  const system: WriteSystem = {
    platform,
    pause: (milliseconds) => {
      pauses.push(milliseconds);
      return Promise.resolve();
    },
    rename: async (from, to) => {
      const code = codes.at(attempts++);
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      await rename(from, to);
    },
  };
  return { system, pauses, attempts: () => attempts };
}

describe('a target that another program has open', () => {
  beforeEach(async () => {
    await mkdir(path('open'));
    await writeFile(path('open', 'file'), 'old');
  });
  afterEach(() => rm(path('open'), { recursive: true }));
  const content = (): Promise<string> => readFile(path('open', 'file'), 'utf8');

  test.each(['EPERM', 'EBUSY', 'EACCES'])('is replaced on Windows after two %s', async (code) => {
    const { system, pauses, attempts } = failing('win32', [code, code]);
    await atomicWrite(path('open', 'file'), 'new', system);
    expect([await content(), attempts()]).toEqual(['new', 3]);
    expect(pauses).toHaveLength(2);
    expect(pauses[1]).toBeGreaterThan(pauses[0]);
    expect(await readdir(path('open'))).toEqual(['file']);
  });

  test('is an error with a hint if it stays open for some seconds, and no temporary file is left', async () => {
    const { system, pauses, attempts } = failing('win32', Array<string>(100).fill('EPERM'));
    const file = path('open', 'file');
    await expect(atomicWrite(file, 'new', system)).rejects.toMatchObject({
      ...{ name: 'ParamError', op: file, expected: 'a file to write', got: 'no permission' },
      hint: `Close the program that has ${await realpath(file)} open.`,
    });
    expect(attempts()).toBe(pauses.length + 1);
    const total = pauses.reduce((sum, milliseconds) => sum + milliseconds, 0);
    expect(total).toBeGreaterThan(2000);
    expect(total).toBeLessThan(10_000);
    expect([await content(), await readdir(path('open'))]).toEqual(['old', ['file']]);
  });

  test.each([
    ['linux', 'EPERM'],
    ['darwin', 'EBUSY'],
    ['win32', 'ENOSPC'],
  ] as const)('on %s, %s is not retried', async (platform, code) => {
    const { system, pauses, attempts } = failing(platform, [code]);
    const error: unknown = await atomicWrite(path('open', 'file'), 'new', system).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ParamError);
    expect(error).not.toMatchObject({ hint: expect.stringContaining(path('open', 'file')) });
    expect([attempts(), pauses]).toEqual([1, []]);
    expect([await content(), await readdir(path('open'))]).toEqual(['old', ['file']]);
  });
});

test.each([
  ['', 'an empty path'],
  ['a\0b', 'one with a null character'],
])('refuses the path %j before anything is written', async (file, got) => {
  await expect(atomicWrite(file, 'x')).rejects.toMatchObject({ name: 'ParamError', expected: 'a path', got });
  await expect(requireWritable(file)).rejects.toMatchObject({ name: 'ParamError', expected: 'a path', got });
});

test('an error of the content is not one of the file, and the old file remains', async () => {
  await mkdir(path('o'));
  await writeFile(path('o', 'old'), 'old');
  const damaged = new WeightsError({ op: 'net', expected: 'a', got: 'b' });
  async function* content(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Uint8Array.of(1));
    throw damaged;
  }
  await expect(atomicWrite(path('o', 'old'), content())).rejects.toBe(damaged);
  expect(await readFile(path('o', 'old'), 'utf8')).toBe('old');
  expect(await readdir(path('o'))).toEqual(['old']);
});

test('a failed write leaves no temporary file and does not change the target', async () => {
  await mkdir(path('c'));
  await writeFile(path('c', 'file'), 'old');
  // Node refuses this content when it is written, after the temporary file was opened.
  await expect(atomicWrite(path('c', 'file'), {} as Uint8Array)).rejects.toThrow(
    refusal(ParamError, path('c', 'file'), 'a file to write', 'argument'),
  );
  expect(await readdir(path('c'))).toEqual(['file']);
  expect(await readFile(path('c', 'file'), 'utf8')).toBe('old');
});

test('removeLeftovers removes temporary files of ended processes and of this one, but not of other running ones', async () => {
  await mkdir(path('d'));
  const [endedPid, runningPid] = [2 ** 22 + 1, process.ppid];
  const names = [
    `.file.${endedPid}.1.tmp`,
    `.file.${process.pid}.7.tmp`,
    `.file.${runningPid}.1.tmp`,
    '.file.tmp',
    'file',
  ];
  for (const name of names) await writeFile(path('d', name), 'x');
  await removeLeftovers(path('d'));
  expect((await readdir(path('d'))).sort()).toEqual([`.file.${runningPid}.1.tmp`, '.file.tmp', 'file']);
});
