/** The keys that hints suggest for unknown ones. */
import { expect, jest, test } from '@jest/globals';
import { checkKeys, checkOneOf } from '../../src/core/check.js';
import { nearestKey } from '../../src/core/nearestName.js';
import { checkAugment } from '../../src/data/augment/options.js';
import { DEFAULT_RECIPE } from '../../src/train/recipe.js';
import { recipeFromFile } from '../../src/train/recipeFile.js';
import { train } from '../../src/train/train.js';
import { resolveConfig } from '../../src/core/config.js';
import { drawShapes } from '../../src/data/sets/shapes.js';

const DATA = ['train', 'validation'];
const OPTIONS = ['openTrainer', 'workers', 'resume', 'acceptData', 'onResumePoint', 'signal'];
const RECIPE = Object.keys(DEFAULT_RECIPE);
const CONFIG = ['variant', 'dims', 'in_chans', 'num_classes', 'class_names', 'drop_rate', 'input_size', 'act_num'];

test.each([
  // The same but for case and separators: more than a third of the letters of a short name.
  ['in-Chans', CONFIG, 'in_chans'],
  ['A_C_T_N_U_M', CONFIG, 'act_num'],
  // The nearest comes before a synonym.
  ['eps', ['smoothing', 'eps'], 'eps'],
  ['trian', DATA, 'train'],
  // Synonyms of other packages.
  ['val', DATA, 'validation'],
  ['valid', DATA, 'validation'],
  ['test', DATA, 'validation'],
  ['held_out', DATA, 'validation'],
  ['learning_rate', RECIPE, 'lr'],
  ['learningRate', RECIPE, 'lr'],
  ['wd', RECIPE, 'weightDecay'],
  ['bs', RECIPE, 'batchSize'],
  ['eta_min', RECIPE, 'minLr'],
  ['random_state', RECIPE, 'seed'],
  ['nc', CONFIG, 'num_classes'],
  ['labels', CONFIG, 'class_names'],
  ['channels', CONFIG, 'in_chans'],
  ['dropout', CONFIG, 'drop_rate'],
  ['imgsz', CONFIG, 'input_size'],
  ['imageSize', CONFIG, 'input_size'],
  ['checkpoint', OPTIONS, 'resume'],
  ['k', ['topK', 'signal'], 'topK'],
  // One that contains it; three letters or more.
  ['batch', RECIPE, 'batchSize'],
  ['warm', RECIPE, 'warmupEpochs'],
  ['opt', RECIPE, 'optimizer'],
  ['op', RECIPE, undefined],
  ['classes', CONFIG, 'num_classes'],
  ['trainer', OPTIONS, 'openTrainer'],
  // One that begins or ends it.
  ['trainData', DATA, 'train'],
  ['training', DATA, 'train'],
  ['validationSet', DATA, 'validation'],
  ['num_workers', OPTIONS, 'workers'],
  ['abortSignal', OPTIONS, 'signal'],
  ['labelSmoothing', RECIPE, 'smoothing'],
  ['emaDecay', RECIPE, 'ema'],
  ['workersofall', OPTIONS, 'workers'],
  ['myworkersare', OPTIONS, undefined],
  ['lrs', ['l'], undefined],
  ['scheduler', OPTIONS, undefined],
  ['', RECIPE, undefined],
  ['val', [], undefined],
] as const)('for %j of %j it is %j', (name, keys, nearest) => {
  expect(nearestKey(name, keys)).toBe(nearest);
});

const hint = (text: string): object => expect.objectContaining({ hint: text });

test('it is the hint of every check of keys and names', () => {
  expect(() => {
    checkKeys({ val: null }, DATA, (key) => key);
  }).toThrow(hint('Did you mean validation?'));
  expect(() => checkOneOf('loss', 'cross', ['cross-entropy', 'bce'])).toThrow(hint('Did you mean cross-entropy?'));
  expect(() => {
    checkAugment({ flip: 0.5 } as object);
  }).toThrow(hint('Did you mean horizontalFlip?'));
});

test('of the data and options of train', () => {
  const set = drawShapes(8, { size: 16, seed: 0 });
  const config = resolveConfig({ dims: [8, 8], strides: [2], num_classes: set.classNames.length, input_size: 16 });
  const call = (data: object, options: object = {}): unknown =>
    train(data as Parameters<typeof train>[0], config, {}, options);
  expect(() => call({ train: set, val: null })).toThrow(hint('Did you mean validation?'));
  expect(() => call({ training: set, validation: null })).toThrow(hint('Did you mean train?'));
  expect(() => call({ train: set, validation: null }, { numWorkers: 1 })).toThrow(hint('Did you mean workers?'));
});

test('of recipes in files, whose keys are in snake_case', () => {
  expect(() => recipeFromFile('r.json', { augment: { flip: 2 } })).toThrow(
    expect.objectContaining({ op: 'r.json: augment.flip', hint: 'Did you mean horizontal_flip?' }),
  );
  expect(() => recipeFromFile('r.json', { augment: { jitter: 2 } })).toThrow(hint('Did you mean color_jitter?'));
});

test('a short key that ends another name is no suggestion, but its synonym is', () => {
  const keys = ['eps', 'gradAccumSteps', 'warmupEpochs'];
  expect(nearestKey('decay_steps', keys)).toBeUndefined();
  expect(nearestKey('gradientAccumulationSteps', keys)).toBe('gradAccumSteps');
  expect(nearestKey('warmup_steps', keys)).toBe('warmupEpochs');
});

test('a name of megabytes is compared with no key letter by letter', () => {
  const firstRow = jest.spyOn(Array, 'from');
  expect(nearestKey('v'.repeat(4e6), ['variant', 'dims'])).toBeUndefined();
  // The first row of the distance to a key.
  expect(firstRow).not.toHaveBeenCalled();
  firstRow.mockRestore();
});
