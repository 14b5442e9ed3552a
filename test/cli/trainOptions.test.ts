/** Merging flags, a file and a preset into one recipe. */
import { describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { readFile, writeFile } from 'node:fs/promises';
import { ParamError } from '../../src/core/errors.js';
import { resolvePlan, withRecipe, type Plan } from '../../src/cli/trainOptions.js';
import { PRESETS } from '../../src/train/presets.js';
import { DEFAULT_RECIPE, resolveRecipe, type Recipe } from '../../src/train/recipe.js';
import { lambdaAt } from '../../src/train/schedule.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();

async function plan(...args: string[]): Promise<Plan> {
  const command = withRecipe(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  await command.parseAsync(args, { from: 'user' });
  return resolvePlan(command.opts());
}

const recipe = async (...args: string[]): Promise<Recipe> => resolveRecipe((await plan(...args)).recipe);

async function file(content: object): Promise<string[]> {
  await writeFile(path('recipe.json'), JSON.stringify(content));
  return ['--config', path('recipe.json')];
}

test('every value of a recipe has a flag', () => {
  const flags = new Set(withRecipe(new Command()).options.map((option) => option.attributeName()));
  expect(Object.keys(DEFAULT_RECIPE).filter((key) => !flags.has(key))).toEqual([]);
});

test('without flags gives the default recipe, and a preset its own', async () => {
  expect(await recipe()).toEqual(DEFAULT_RECIPE);
  for (const [name, preset] of Object.entries(PRESETS)) expect(await recipe('--preset', name)).toEqual(preset.recipe);
});

test("the README's command of the package's network gives its config.json", async () => {
  const [, command] = /vanillanet train ([^`]*?)\nnpx/.exec(await readFile('models/README.md', 'utf8')) ?? [];
  const words = command.replaceAll('\\\n', '').split(/\s+/);
  // Options that are not part of the recipe: data and machine.
  const others = ['--data', '--image-size', '--build', '--threads', '-o'];
  const args = words.filter((word, i) => !others.includes(word) && !others.includes(words[i - 1]));
  const [fromFlags, fromFile] = [await plan(...args), await plan('--config', 'models/config.json')];
  expect(resolveRecipe(fromFile.recipe)).toEqual(resolveRecipe(fromFlags.recipe));
  expect(fromFile.network).toEqual(fromFlags.network);
});

test('flags of optimizer, mixing and warm-up', async () => {
  const optimizer = ['--betas', '0.8,0.99', '--eps', '1e-6', '--no-decay-vectors'];
  const mixing = ['--mixup', '1', '--cutmix', '1', '--mixup-prob', '0.5', '--mixup-switch-prob', '0.25'];
  const warmUp = ['--warmup-epochs', '1', '--warmup-lr', '1e-5'];
  expect(await recipe(...optimizer, ...mixing, ...warmUp)).toMatchObject({
    ...{ betas: [0.8, 0.99], eps: 1e-6, decayVectors: false },
    ...{ mixupProb: 0.5, mixupSwitchProb: 0.25, warmupLr: 1e-5 },
  });
  const momentum = ['--optimizer', 'sgd', '--momentum', '0.8', '--nesterov'];
  expect(await recipe(...momentum)).toMatchObject({ optimizer: 'sgd', momentum: 0.8, nesterov: true });
  const off = await file({ nesterov: true, fuse_at_decay: true, decay_vectors: false });
  expect(await recipe(...off)).toMatchObject({ nesterov: true, fuseAtDecay: true, decayVectors: false });
  expect(await recipe(...off, '--no-nesterov', '--no-fuse-at-decay', '--decay-vectors')).toMatchObject({
    ...{ nesterov: false, fuseAtDecay: false, decayVectors: true },
  });
});

describe('a flag without effect is refused', () => {
  test.each([
    ['--momentum 0.8', '--momentum', '--optimizer sgd', 'adam'],
    ['--optimizer lamb --momentum 0.8', '--momentum', '--optimizer sgd', 'lamb'],
    ['--optimizer adamw --nesterov', '--nesterov', '--optimizer sgd', 'adamw'],
    ['--optimizer sgd --betas 0.8,0.9', '--betas', '--optimizer adam, adamw or lamb', 'sgd'],
    ['--optimizer sgd --eps 1e-6', '--eps', '--optimizer adam, adamw or lamb', 'sgd'],
    ['--warmup-lr 1e-6', '--warmup-lr', '--warmup-epochs above 0', '0'],
    ['--mixup-prob 0.5', '--mixup-prob', '--mixup or --cutmix above 0', 'neither'],
    ['--mixup-switch-prob 0.5', '--mixup-switch-prob', '--mixup and --cutmix above 0', 'neither'],
    ['--cutmix 1 --mixup-switch-prob 0.5', '--mixup-switch-prob', '--mixup and --cutmix above 0', 'one of them'],
  ])('%s', async (flags, op, expected, got) => {
    await expect(recipe(...flags.split(' '))).rejects.toThrow(refusal(ParamError, op, expected, got));
    await expect(recipe(...flags.split(' '))).rejects.toMatchObject({
      hint: `Omit ${op}, which has no effect, or add ${expected}.`,
    });
  });

  test('but not one that takes something away, nor values of a file', async () => {
    expect(await recipe('--no-nesterov')).toEqual(DEFAULT_RECIPE);
    expect(await recipe(...(await file({ momentum: 0.5, mixup_prob: 0.5 })))).toMatchObject({ momentum: 0.5 });
    expect(await recipe('--mixup', '1', '--mixup-prob', '0.5')).toMatchObject({ mixupProb: 0.5 });
  });
});

type Parse = (text: string, before: undefined) => unknown;

/** A number flag and its value in a recipe must have the same range: a usage error comes before data are read. */
test.each([
  ...[
    '--lr',
    '--min-lr',
    '--weight-decay',
    '--momentum',
    '--eps',
    '--layer-decay',
    '--smoothing',
    '--mixup',
    '--cutmix',
  ],
  ...['--mixup-prob', '--mixup-switch-prob', '--ema', '--decay-epochs', '--warmup-epochs', '--warmup-lr'],
])('%s takes what a recipe takes', (flag) => {
  const key = flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof Recipe;
  const parse = withRecipe(new Command()).options.find(({ long }) => long === flag)?.parseArg as Parse;
  const others = { optimizer: 'sgd', lr: 2, minLr: 0, epochs: 5, decayEpochs: 0 } as const;
  const isInRecipe = (value: number): boolean => {
    try {
      return resolveRecipe({ ...others, [key]: value })[key] === value;
    } catch {
      return false;
    }
  };
  for (const value of [-1e-9, 0, 1e-9, 1, 1 + 1e-9]) {
    const onCommandLine = (): unknown => parse(`${value}`, undefined);
    if (isInRecipe(value)) expect(onCommandLine()).toBe(value);
    else expect(onCommandLine).toThrow(/Expected (0, or )?a number/);
  }
});

test.each([
  ['--crop-pct', ['0', '1.2']],
  ['--drop-rate', ['1', '-0.1']],
  ['--random-resized-crop', ['0,1', '0.1,1.1']],
])('%s has the range of the API', async (flag, values) => {
  for (const value of values) await expect(plan(flag, value)).rejects.toThrow('Expected a number in');
});

describe('augmentation', () => {
  const augment = async (...args: string[]) => (await recipe(...args)).augment;

  test('a crop replaces the other kind of file or preset', async () => {
    expect(await augment('--preset', 'cifar', '--random-resized-crop', '0.5')).toEqual({
      ...{ randomResizedCrop: { scale: [0.5, 1] }, horizontalFlip: 0.5 },
    });
    const { randomResizedCrop: _, ...others } = PRESETS.article.recipe.augment;
    expect(await augment('--preset', 'article', '--random-crop', '2')).toEqual({
      ...{ ...others, randomCrop: { padding: 2 } },
    });
    const crop = await file({ preset: 'article', augment: { random_crop: { padding: 4 } } });
    expect(await augment(...crop)).toEqual({ randomCrop: { padding: 4 } });
    expect(await augment(...crop, '--random-resized-crop', '0.1,0.5')).toEqual({
      randomResizedCrop: { scale: [0.1, 0.5] },
    });
  });

  test('refuses both kinds of crop in one source', async () => {
    const both = refusal(ParamError, 'augment.randomCrop', 'one kind of crop', 'randomResizedCrop too');
    await expect(plan('--random-crop', '4', '--random-resized-crop', '0.5')).rejects.toThrow(both);
    const crops = await file({ augment: { random_crop: { padding: 4 }, random_resized_crop: {} } });
    await expect(plan(...crops, '--random-crop', '2')).rejects.toThrow(both);
  });

  test('a flag changes one value of an augmentation', async () => {
    const { augment: before } = PRESETS.official.recipe;
    const flags = ['--random-resized-crop', '0.2', '--rand-augment', '9', '--random-erasing', '0.1'];
    expect(await augment('--preset', 'official', ...flags)).toEqual({
      ...before,
      randomResizedCrop: { ...before.randomResizedCrop, scale: [0.2, 1] },
      randAugment: { ...before.randAugment, magnitude: 9 },
      randomErasing: { ...before.randomErasing, prob: 0.1 },
    });
  });

  test('--crop-interpolation needs a resized crop', async () => {
    const { augment: before } = PRESETS.article.recipe;
    expect(await augment('--preset', 'article', '--crop-interpolation', 'random')).toEqual({
      ...before,
      randomResizedCrop: { ...before.randomResizedCrop, interpolation: 'random' },
    });
    await expect(plan('--preset', 'cifar', '--crop-interpolation', 'bicubic')).rejects.toMatchObject({
      ...{ op: '--crop-interpolation', expected: '--random-resized-crop', got: 'none' },
      hint: 'Add --random-resized-crop, or omit --crop-interpolation.',
    });
  });

  test('--no-augment drops all but the flags', async () => {
    expect(await augment('--preset', 'article', '--no-augment')).toEqual({});
    expect(await augment('--preset', 'article', '--no-augment', '--flip', '1')).toEqual({ horizontalFlip: 1 });
  });
});

test('refuses a list of the wrong length', async () => {
  for (const [flag, list, message] of [
    ['--random-resized-crop', '0.1,0.5,0.9', 'Expected 1 to 2 numbers.'],
    ['--color-jitter', '0.1,0.1,0.1,0.1,0.1', 'Expected 1 to 4 numbers.'],
    ['--betas', '0.9', 'Expected 2 numbers.'],
  ]) {
    await expect(plan(flag, list)).rejects.toThrow(message);
  }
});

test("names the right spelling for the library's", async () => {
  await expect(plan(...(await file({ batchSize: 8 })))).rejects.toThrow(
    refusal(ParamError, 'recipe.json: batchSize', 'batch_size', 'an unknown key'),
  );
});

test.each([
  ['a list', '[4, 6]', 'a JSON object', '[4,6]'],
  ['a long string', `"${'x'.repeat(100)}"`, 'a JSON object', `"${'x'.repeat(39)}`],
  ['other text', 'epochs: 3\n', 'JSON', '"epochs: 3" at line 1, column 1 instead of a value'],
])('refuses a file with %s', async (_, content, expected, got) => {
  await writeFile(path('recipe.json'), content);
  const error: unknown = await plan('--config', path('recipe.json')).catch((cause: unknown) => cause);
  expect(error).toEqual(refusal(ParamError, 'recipe.json', expected, got));
  expect((error as ParamError).got.length).toBeLessThan(100);
});

test('ignores a byte order mark', async () => {
  await writeFile(path('recipe.json'), '\ufeff{ "epochs": 7 }');
  expect(await recipe('--config', path('recipe.json'))).toMatchObject({ epochs: 7 });
});

describe('epochs', () => {
  test.each([
    ['official', 1, 0],
    ['official', 2, 1],
    ['official', 3, 1],
    ['official', 150, 50],
    ['article', 1, 0],
    ['article', 8, 3],
  ])('%s in %d: λ, which moves once an epoch, rises over %d and is at 1 in the last', async (name, epochs, decay) => {
    const got = await recipe('--preset', name, '--epochs', `${epochs}`);
    expect(got.decayEpochs).toBe(decay);
    expect(lambdaAt(epochs - 1, 0, got)).toBe(1);
  });

  test('scale without rounding if λ moves by step', async () => {
    expect((await recipe('--preset', 'cifar', '--epochs', '4')).decayEpochs).toBe((6 * 4) / 18);
    const perStep = ['--preset', 'official', '--epochs', '1', '--lambda-per', 'step'];
    expect((await recipe(...perStep)).decayEpochs).toBeCloseTo(1 / 3, 15);
    expect((await recipe('--preset', 'cifar', '--epochs', '4', '--lambda-per', 'epoch')).decayEpochs).toBe(1);
    expect((await recipe('--preset', 'official', '--epochs', '4', '--decay-epochs', '2.5')).decayEpochs).toBe(2.5);
  });
});
