import { expect, test } from '@jest/globals';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { ParamError } from '../../src/core/errors.js';
import { appendWhole, type AppendedFile } from '../../src/io/appendWhole.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();

test('creates the file, and appends to it', async () => {
  await appendWhole(path('file'), 'one\n');
  await appendWhole(path('file'), Uint8Array.of(65, 10));
  expect(await readFile(path('file'), 'utf8')).toBe('one\nA\n');
});

const fullDisk = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });

/** A file of ten bytes on a full disk, and the calls of its methods. */
function fullFile(more: Partial<AppendedFile> = {}) {
  const calls: string[] = [];
  const file: AppendedFile = {
    stat: () => Promise.resolve({ size: 10 }),
    appendFile: () => Promise.reject(fullDisk),
    truncate: (size) => {
      calls.push(`truncate ${size}`);
      return Promise.resolve();
    },
    close: () => {
      calls.push('close');
      return Promise.resolve();
    },
    ...more,
  };
  return { calls, open: () => Promise.resolve(file) };
}

test('removes what a full disk took, closes the file and reports the disk', async () => {
  const { calls, open } = fullFile();
  await expect(appendWhole('log', 'text', open)).rejects.toThrow(
    refusal(ParamError, 'log', 'a file to write', 'a full disk'),
  );
  expect(calls).toEqual(['truncate 10', 'close']);
});

test('reports the disk if the part cannot be removed', async () => {
  const { open } = fullFile({ truncate: () => Promise.reject(new Error('no')) });
  await expect(appendWhole('log', 'text', open)).rejects.toThrow(
    refusal(ParamError, 'log', 'a file to write', 'a full disk'),
  );
});

test('refuses a folder in place of the file', async () => {
  await mkdir(path('folder'));
  await writeFile(path('folder', 'a'), '');
  await expect(appendWhole(path('folder'), 'text')).rejects.toThrow(
    refusal(ParamError, path('folder'), 'a file to write', 'a folder'),
  );
});
