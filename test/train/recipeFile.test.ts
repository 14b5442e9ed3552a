import { expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { ParamError } from '../../src/core/errors.js';
import { PRESETS } from '../../src/train/presets.js';
import { resolveRecipe } from '../../src/train/recipe.js';
import { FILE_KEYS, recipeFromFile, recipeToFile } from '../../src/train/recipeFile.js';
import { refusal } from '../io/refusal.js';

test.each(Object.entries(PRESETS))('%s, written and read, is what it was', (_, { recipe }) => {
  const file = JSON.parse(JSON.stringify(recipeToFile(recipe))) as Record<string, unknown>;
  const augment = file['augment'] as object;
  for (const key of [...Object.keys(file), ...Object.keys(augment)]) expect(key).toMatch(/^[a-z_]+$/);
  expect(resolveRecipe(recipeFromFile('file', file))).toEqual(recipe);
});

test('reads the recipe of the shipped network, which has every key but those of fine-tuning', async () => {
  const file = JSON.parse(await readFile('models/config.json', 'utf8')) as Record<string, unknown>;
  expect([...FILE_KEYS.keys()].filter((key) => !(key in file))).toEqual(['head_lr', 'freeze']);
  const { augment } = resolveRecipe(recipeFromFile('models/config.json', file));
  expect(augment).toEqual({ randomCrop: { padding: 4 }, horizontalFlip: 0.5 });
});

const cases: [object, string, string, string][] = [
  [{ augment: null }, 'file: augment', 'an object', 'null'],
  [{ augment: [0.5] }, 'file: augment', 'an object', '[0.5]'],
  [{ augment: 'none' }, 'file: augment', 'an object', '"none"'],
  [{ augment: { horizontalFlip: 0.5 } }, 'file: augment.horizontalFlip', 'horizontal_flip', 'an unknown key'],
  [
    { augment: { flip: 0.5 } },
    'file: augment.flip',
    'one of the keys random_crop, random_resized_crop',
    'an unknown key',
  ],
  [
    { augment: { random_resized_crop: { scale: [0.1, 0.5, 0.9] } } },
    'augment.randomResizedCrop.scale',
    'two numbers',
    '0.9',
  ],
  [{ augment: { random_crop: { padding: 4 }, random_resized_crop: {} } }, 'augment.randomCrop', 'one kind', 'too'],
  [{ betas: [0.9] }, 'betas', 'two numbers in [0, 1)', '[0.9]'],
  [{ betas: [0.9, 0.99, 0.999] }, 'betas', 'two numbers in [0, 1)', '[0.9,0.99,0.999]'],
  [{ betas: [0.9, 1] }, 'betas', 'two numbers in [0, 1)', '[0.9,1]'],
  [{ betas: 0.9 }, 'betas', 'two numbers in [0, 1)', '0.9'],
  [{ eps: -1e-8 }, 'eps', 'a number >= 0', '-1e-8'],
  [{ nesterov: 1 }, 'nesterov', 'true or false', '1'],
  [{ optimizer: 'sgd', nesterov: true, momentum: 0 }, 'nesterov', 'a momentum > 0', 'a momentum of 0'],
  [{ mixup_prob: 1.5 }, 'mixupProb', 'a number in [0, 1]', '1.5'],
  [{ mixup_switch_prob: null }, 'mixupSwitchProb', 'a number in [0, 1]', 'null'],
  [{ warmup_lr: 0.1 }, 'warmupLr', 'a number from 0 to lr, 0.003, or null', '0.1'],
  [{ warmup_lr: 'zero' }, 'warmupLr', 'null or a number >= 0', 'zero'],
];
test.each(cases)('%j is refused', (file, op, expected, got) => {
  const read = () => resolveRecipe(recipeFromFile('file', file as Record<string, unknown>));
  expect(read).toThrow(refusal(ParamError, op, expected, got));
});
