import { describe, expect, test } from '@jest/globals';
import { RunRecorder } from '../../src/cli/runRecorder.js';
import { DataError, ParamError } from '../../src/core/errors.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();

describe('if a checkpoint cannot be written between two steps', () => {
  const full = new ParamError({ op: 'run', expected: 'a file to write', got: 'a full disk' });
  const point = { globalStep: 5, checkpoint: () => Promise.reject(full) };

  async function openRecorder(reported: unknown[] = []): Promise<RunRecorder> {
    const folder = await RunFolder.open(path('run'), { resume: false, onDamage: () => undefined });
    return new RunRecorder(folder, {
      stops: () => true,
      every: 0,
      onUnsaved: (error) => reported.push(error),
      onStale: () => undefined,
    });
  }

  test('leaves the error that ends the run to be thrown, and reports the other', async () => {
    const reported: unknown[] = [];
    const error = new DataError({ op: 'cat/1.png', expected: 'a whole image', got: 'half of one' });
    await (await openRecorder(reported)).between({ ...point, error });
    expect(reported).toEqual([full]);
  });

  test('throws it if there is no other error', async () => {
    const reported: unknown[] = [];
    await expect((await openRecorder(reported)).between(point)).rejects.toBe(full);
    expect(reported).toEqual([]);
  });
});
