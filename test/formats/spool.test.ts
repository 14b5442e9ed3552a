import { describe, expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { WeightsError } from '../../src/core/errors.js';
import { spool } from '../../src/formats/spool.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { posixTest } from '../platform.js';

const path = temporaryFolder();
const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

/** Chunks in one buffer, as files are read. */
async function* chunks(during: () => Promise<void> = () => Promise.resolve()): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(300);
  for (let at = 0; at < BYTES.length; at += buffer.length) {
    const part = BYTES.subarray(at, at + buffer.length);
    buffer.set(part);
    yield buffer.subarray(0, part.length);
    await during();
  }
}

describe('spool', () => {
  test('copies all bytes, which can be read at any position', async () => {
    const file = await spool(chunks(), 'net.pth');
    expect([file.name, file.size]).toEqual(['net.pth', 1000]);
    expect(await file.read(0, 1000)).toEqual(BYTES);
    expect(await file.read(299, 3)).toEqual(BYTES.subarray(299, 302));
    await expect(file.read(990, 20)).rejects.toThrow(refusal(WeightsError, 'net.pth', 'at least 1010', '1000'));
    await file.close();
    await expect(file.read(0, 1)).rejects.toThrow(WeightsError);
  });

  posixTest('open files')('leaves no file, even if the process is killed meanwhile', async () => {
    const names: string[][] = [];
    const file = await spool(
      chunks(async () => {
        names.push(await readdir(path()));
      }),
      'net.pth',
      { folder: path() },
    );
    expect(names).toEqual([[], [], [], []]);
    expect(await file.read(600, 5)).toEqual(BYTES.subarray(600, 605));
    await file.close();
    expect(await readdir(path())).toEqual([]);
  });

  test('refuses more bytes than the limit', async () => {
    const file = await spool(chunks(), 'net.pth', { limit: 1000 });
    await file.close();
    const copied = spool(chunks(), 'net.pth', { limit: 999 });
    await expect(copied).rejects.toThrow(refusal(WeightsError, 'net.pth', 'at most 999 bytes', 'more'));
    await expect(copied).rejects.toMatchObject({ hint: 'Download it into a file, and pass its path.' });
  });

  posixTest('open files')('names the folder that has no room', async () => {
    const copied = spool(chunks(), 'net.pth', { folder: path('none') });
    await expect(copied).rejects.toThrow(refusal(WeightsError, 'net.pth', `room in ${path('none')}`, ''));
    await expect(copied).rejects.toMatchObject({
      hint: expect.stringContaining('TMPDIR names the folder.') as unknown,
    });
  });

  test('passes the errors of the source on', async () => {
    const failure = new RangeError('broken');
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing has to be awaited
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield BYTES;
      throw failure;
    }
    await expect(spool(broken(), 'net.pth')).rejects.toBe(failure);
  });
});
