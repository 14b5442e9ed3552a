import { describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { WeightsError } from '../../src/core/errors.js';
import { openForeign } from '../../src/formats/openForeign.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { zip } from './torchZip.js';

const path = temporaryFolder();

describe('openForeign', () => {
  test.each([
    ['JSON', '{"dims":[1,2]}'],
    ['text', 'hello'],
  ])('returns null for %s', async (_, content) => {
    await writeFile(path('other'), content);
    expect(await openForeign(path('other'))).toBeNull();
  });

  test('returns null for a zip archive that is no checkpoint', async () => {
    await writeFile(path('other.zip'), zip([{ name: 'x/readme.txt', data: Uint8Array.of(1, 2) }]));
    expect(await openForeign(path('other.zip'))).toBeNull();
  });

  test('names a missing file', async () => {
    await expect(openForeign(path('missing.pth'))).rejects.toThrow(
      refusal(WeightsError, path('missing.pth'), 'a readable file', 'no such file or folder'),
    );
  });
});
