import { describe, expect, test } from '@jest/globals';
import { RunRecorder } from '../../src/cli/runRecorder.js';
import { DataError, ParamError } from '../../src/core/errors.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();

describe('between two steps, where nothing can be saved', () => {
  const full = new ParamError({ op: 'run', expected: 'a file to write', got: 'a full disk' });
  const moment = { globalStep: 5, checkpoint: () => Promise.reject(full) };

  async function keeper(told: unknown[] = []): Promise<RunRecorder> {
    const folder = await RunFolder.open(path('run'), { resume: false, onDamage: () => undefined });
    return new RunRecorder(folder, { stops: () => true, every: 0, file: {}, onUnsaved: (error) => told.push(error) });
  }

  test('the error that ends the run is left to be thrown, and the other is told', async () => {
    const told: unknown[] = [];
    const error = new DataError({ op: 'cat/1.png', expected: 'a whole image', got: 'half of one' });
    await (await keeper(told)).between({ ...moment, error });
    expect(told).toEqual([full]);
  });

  test('that ends it where there is no other', async () => {
    const told: unknown[] = [];
    await expect((await keeper(told)).between(moment)).rejects.toBe(full);
    expect(told).toEqual([]);
  });
});
