/** A `config.json` that was edited is named on resume: the run continues with the recipe of its checkpoint. */
import { expect, test } from '@jest/globals';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import { writeCheckpoint } from '../../src/train/checkpoint.js';
import { descriptionChanges } from '../../src/train/descriptionChanges.js';
import type { Origin } from '../../src/train/origin.js';
import { recipeToFile } from '../../src/train/recipeFile.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { checkpointAt } from './checkpointAt.js';

const path = temporaryFolder();

const set = { of: 'files', sha256: 'a', images: 1, size: [8, 8] } as const;
const origin: Origin = {
  backend: 'wasm plain',
  data: {
    ...{ spec: 'pets', limit: null, val_limit: 5, val_split: null, class_names: ['a', 'b'] },
    ...{ train: set, held_out: null },
  },
};
const checkpoint: Checkpoint = { ...checkpointAt(4), origin };
const description = {
  ...recipeToFile(checkpoint.recipe),
  ...{ dims: [3, 4], strides: [2], act_num: 1, input_size: 8 },
  run: { ...origin, directory: '/somewhere' },
};
const changesOf = (edit: object): string[] => descriptionChanges({ ...description, ...edit }, checkpoint);

test.each<[string, object]>([
  ['as the run wrote it', {}],
  ['with more epochs', { epochs: 7 }],
  ['with a size of two sides', { input_size: [8, 8] }],
  ['with keys of another version', { later: 5 }],
  ['of an earlier version', { run: undefined }],
  ['whose run is no object', { run: 5 }],
  ['whose data are no object', { run: { data: null } }],
  ['started in another folder', { run: { ...origin, directory: '/other' } }],
])('a description %s has no changes', (_, edit) => {
  expect(changesOf(edit)).toEqual([]);
});

test('an empty description has none', () => {
  expect(descriptionChanges({}, checkpoint)).toEqual([]);
  expect(descriptionChanges({ lr: 3e-3 }, checkpointAt(4))).toEqual([]);
  // A checkpoint of an earlier version has no origin to compare with.
  expect(descriptionChanges(description, checkpointAt(4))).toEqual([]);
});

test.each<[object, string[]]>([
  [{ lr: 0.01 }, ['lr 0.01, not 0.003']],
  [{ lr: '0.003' }, ['lr "0.003", not 0.003']],
  [{ seed: 1, batch_size: 8 }, ['batch_size 8, not 32', 'seed 1, not 0']],
  [{ epochs: 2 }, ['epochs 2, not 3']],
  [{ epochs: 'many' }, ['epochs "many", not 3']],
  [{ epochs: 1, lr: 1 }, ['epochs 1, not 3', 'lr 1, not 0.003']],
  [{ dims: 3, strides: 2 }, ['dims 3, not [3,4]', 'strides 2, not [2]']],
  [{ dims: [3, 5] }, ['dims [3,5], not [3,4]']],
  [{ input_size: 9 }, ['input_size 9, not [8,8]']],
  [{ augment: { horizontal_flip: 0.5 } }, ['augment {"horizontal_flip":0.5}, not {}']],
  [{ warmup_lr: 1 }, ['warmup_lr 1, not null']],
  [{ run: { ...origin, backend: 'reference' } }, ['run.backend "reference", not "wasm plain"']],
  [
    { run: { ...origin, data: { ...origin.data, spec: 'cats', val_limit: null, val_split: 0.2 } } },
    ['run.data.spec "cats", not "pets"', 'run.data.val_limit null, not 5', 'run.data.val_split 0.2, not null'],
  ],
])('%j is named', (edit, changes) => {
  expect(changesOf(edit)).toEqual(changes);
});

test('a resumed run warns of them, and writes the file again', async () => {
  await mkdir(path('run'));
  await writeCheckpoint(path('run'), checkpoint);
  await writeFile(path('run', 'metrics.jsonl'), '');
  const file = path('run', 'config.json');
  const warningsOf = async (content: object): Promise<readonly string[]> => {
    await writeFile(file, JSON.stringify(content));
    const folder = await RunFolder.open(path('run'), { resume: true, onDamage: () => undefined });
    try {
      await folder.begin(description, origin);
      return folder.warnings.filter((warning) => warning.includes('config.json'));
    } finally {
      await folder.close();
    }
  };
  expect(await warningsOf({ ...description, lr: 0.01, seed: 2 })).toEqual([
    `${file} has lr 0.01, not 0.003; seed 2, not 0, as in the checkpoint, with which the run continues; written again. ` +
      'For other values, start a new run',
  ]);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ lr: 0.003, seed: 0 });
  expect(await warningsOf(description)).toEqual([]);
});
