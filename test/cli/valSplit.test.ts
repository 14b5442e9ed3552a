/** `--val-split` is refused where it has no effect, before an image is read or a folder is made. */
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { openTrainingData } from '../../src/cli/trainingData.js';
import { refuseUnusedFlags } from '../../src/cli/unusedFlags.js';
import { openDataset } from '../../src/data/sets/open.js';
import { fitOptions } from '../../src/image/preprocess.js';
import { resolveConfig } from '../../src/core/config.js';
import { resolveRecipe } from '../../src/train/recipe.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { hosted } from './commandLine.js';

const path = temporaryFolder();
const vanillanet = hosted();

/** Files that no reader would take: they must not be read. */
async function imagesIn(...folders: string[]): Promise<void> {
  for (const folder of folders) {
    await mkdir(path(folder), { recursive: true });
    await writeFile(path(folder, '1.png'), 'x');
  }
}

beforeAll(async () => {
  await imagesIn('val/train/cat', 'val/val/cat', 'test/train/cat', 'test/Test/cat', 'both/val/cat', 'both/test/cat');
  await imagesIn('both/train/cat', 'none/cat', 'only/train/cat');
  await mkdir(path('cifar-10-batches-bin'));
  for (const name of ['data_batch_1.bin', 'test_batch.bin', 'batches.meta.txt']) {
    await writeFile(path('cifar-10-batches-bin', name), '');
  }
});

const HINT = 'Omit it: these are the images to validate on. A share is held out only of a folder without val and test.';
const EXPECTED = 'a set without images to validate on';

const CASES: [string, string][] = [
  ['val', 'the folder val/ of'],
  ['test', 'the folder Test/ of'],
  ['both', 'the folder test/ of'],
  ['cifar-10-batches-bin', 'the test images of'],
];

describe('requireValSplit', () => {
  test.each(CASES)('refuses %s', async (name, got) => {
    for (const split of ['train', 'val'] as const) {
      for (const valSplit of [0, 0.5]) {
        await expect(openDataset(path(name), split, { valSplit, requireValSplit: true })).rejects.toMatchObject({
          ...{ name: 'ParamError', op: 'valSplit', expected: EXPECTED, hint: HINT },
          got: expect.stringContaining(got),
        });
      }
    }
  });

  test('refuses shapes, which have test images, too', async () => {
    await expect(openDataset('shapes', 'train', { valSplit: 0.5, requireValSplit: true })).rejects.toMatchObject({
      ...{ op: 'valSplit', got: 'the test images of shapes' },
    });
    expect((await openDataset('shapes', 'train', { valSplit: 0.5, n: 8 })).n).toBe(8);
  });

  test.each(['none', 'only'])('goes on to read %s, where the share is drawn', async (name) => {
    const opening = openDataset(path(name), 'train', { valSplit: 0, requireValSplit: true });
    await expect(opening).rejects.toMatchObject({ name: 'DataError', op: expect.stringContaining('1.png') });
  });

  test('without it, a share is ignored where it has no effect', async () => {
    const opening = openDataset(path('val'), 'train', { valSplit: 0.5 });
    await expect(opening).rejects.toMatchObject({ name: 'DataError', op: expect.stringContaining('1.png') });
  });
});

describe('of train', () => {
  const open = (name: string, options: object): Promise<unknown> =>
    openTrainingData(
      path(name),
      { cache: 'memory', onBadImage: 'fail', ...options },
      {
        inputSize: [8, 8],
        recipe: resolveRecipe({}),
        note: jest.fn(),
        heldOutFit: () => fitOptions(resolveConfig({ dims: [2, 3], strides: [2], num_classes: 2, input_size: 8 })),
      },
    );

  test.each(CASES)('is refused for %s by its name', async (name) => {
    await expect(open(name, { valSplit: 0.1 })).rejects.toMatchObject({ op: '--val-split', hint: HINT });
  });

  test.each<[string, object]>([
    ['the default', {}],
    ['a resumed run, which may have begun so', { valSplit: 0.1, resume: true }],
  ])('%s is not', async (_, options) => {
    await expect(open('val', options)).rejects.toMatchObject({ name: 'DataError' });
  });

  test.each(['cifar10', 'cifar100'])('flags of image files are refused for %s', (data) => {
    for (const [name, flag] of [
      ['valSplit', '--val-split'],
      ['cache', '--cache'],
      ['onBadImage', '--on-bad-image'],
    ]) {
      expect(() => {
        refuseUnusedFlags({ backend: 'wasm', data }, (each) => each === name);
      }).toThrow(`${flag}: expected --data with image files, got ${data}, which has none`);
    }
  });

  test('no folder is made', async () => {
    const { status, stderr } = await vanillanet(['train', '-d', 'val', '--val-split', '0.2', '-o', 'run'], path());
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ParamError: --val-split: expected a set without images to validate on, got /);
    expect(stderr).toContain(`hint: ${HINT}`);
    await expect(stat(path('run'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('eval refuses it, too', async () => {
    const { status, stderr } = await vanillanet(['eval', '-d', 'val', '--val-split', '0.2'], path());
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ParamError: --val-split: expected a set without images to validate on, got /);
  });
});
