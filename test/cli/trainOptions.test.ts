/** Merging flags, a file and a preset into one recipe. */
import { describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { readFile, writeFile } from 'node:fs/promises';
import { ParamError } from '../../src/core/errors.js';
import { resolvePlan, withRecipe, type Plan } from '../../src/cli/trainOptions.js';
import { CIFAR10, PRESETS } from '../../src/train/presets.js';
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

test('a file may name the preset, and the values of a run do not count beside a file', async () => {
  const { recipe: cifar, config } = PRESETS.cifar;
  const fromFile = await plan(...(await file({ preset: 'cifar' })));
  expect(fromFile).toMatchObject({ recipe: cifar, network: config, notes: [] });
  expect((await plan()).notes).toEqual([]);
  const run = { config: { dims: [5, 6], strides: [2] }, recipe: { ...DEFAULT_RECIPE, lr: 0.5 } };
  expect(await resolvePlan({}, run)).toMatchObject({ recipe: { lr: 0.5 }, network: { dims: [5, 6] }, notes: [] });
  const [, config7] = await file({ epochs: 7 });
  expect((await resolvePlan({ config: config7 }, run)).recipe).toMatchObject({ epochs: 7, lr: DEFAULT_RECIPE.lr });
});

describe('the preset official', () => {
  const official = (...args: string[]) => plan('--preset', 'official', ...args);

  test.each([
    ['vanillanet_7', { lr: 4.7e-3, weightDecay: 0.35, mixup: 0.4, layerDecay: 0.8 }],
    ['vanillanet_10', { lr: 3.5e-3, weightDecay: 0.25, mixup: 0.4, layerDecay: 1 }],
  ])('has the recipe that was published for %s', async (variant, values) => {
    const whole = { ...PRESETS.official.recipe, ...values };
    const fromFlag = await official('--variant', variant);
    expect([fromFlag.recipe, fromFlag.notes]).toEqual([whole, []]);
    expect(fromFlag.network).toEqual({ ...PRESETS.official.config, variant });
    const fromFile = await plan(...(await file({ preset: 'official', variant })));
    expect(fromFile).toMatchObject({ recipe: whole, notes: [], network: { variant } });
  });

  test('says which recipe it has for a network without one', async () => {
    const { recipe: ten } = await official('--variant', 'vanillanet_10');
    const { recipe: twelve, notes, network } = await official('--variant', 'vanillanet_12');
    expect([twelve, network['variant']]).toEqual([ten, 'vanillanet_12']);
    expect(notes).toEqual(['recipe none was published for vanillanet_12: using that of vanillanet_10']);
  });

  test('is the only one with recipes of variants', async () => {
    const { recipe: article } = await plan('--preset', 'article', '--variant', 'vanillanet_7');
    expect(article).toEqual(PRESETS.article.recipe);
  });

  test.each([
    [{ preset: 'imagenet' }, 'preset', 'article, article-small, cifar, official'],
    [{ preset: 'official', variant: 'vanillanet_4' }, 'variant', 'vanillanet_5'],
  ])('has names that a file must spell right: %j', async (content, op, expected) => {
    const error = plan(...(await file(content)));
    await expect(error).rejects.toMatchObject({ op, expected: expect.stringContaining(expected) });
  });
});

describe('the network', () => {
  const network = async (...args: string[]) => (await plan(...args)).network;
  const own = { dims: [2, 3, 4], strides: [2, 1], ada_pool: [0, 4] };

  test('of a published variant replaces dims below it', async () => {
    const all = await network('--variant', 'vanillanet_6');
    expect(all).toEqual({ variant: 'vanillanet_6', input_size: 32, ...CIFAR10 });
    expect(await network(...(await file(own)), '--variant', 'vanillanet_6')).toEqual(all);
  });

  test('of dims replaces a published variant below it', async () => {
    const flags = ['--preset', 'article', '--dims', '2,3', '--strides', '2'];
    const { variant: _, ...others } = PRESETS.article.config;
    expect(await network(...flags)).toEqual({ ...others, dims: [2, 3], strides: [2] });
  });

  test('for grayscale has mean and deviation of luma', async () => {
    // 0.299 red + 0.587 green + 0.114 blue.
    const gray = { in_chans: 1, mean: [0.4809], std: [0.2466] };
    expect(await network('--in-chans', '1')).toMatchObject(gray);
    expect(await network(...(await file({ in_chans: 1 })))).toMatchObject(gray);
    expect(await network(...(await file({ in_chans: 3 })), '--in-chans', '1')).toMatchObject(gray);
    expect(await network('--in-chans', '3')).toMatchObject({ in_chans: 3, ...CIFAR10 });
    expect(await network(...(await file({ in_chans: 1, mean: [0.5] })))).toMatchObject({ ...gray, mean: [0.5] });
  });

  test('of a run for grayscale keeps its mean and deviation', async () => {
    const gray = { dims: [2, 3], strides: [2], mean: [0.4], std: [0.3] };
    const again = await resolvePlan({ inChans: 1 }, { config: gray, recipe: DEFAULT_RECIPE });
    expect(again.network).toEqual({ ...gray, in_chans: 1 });
    const { mean: _, ...without } = gray;
    const unnamed = await resolvePlan({ inChans: 1 }, { config: without, recipe: DEFAULT_RECIPE });
    expect(unnamed.network).toEqual({ ...without, mean: undefined, in_chans: 1 });
  });
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
    ['--mixup 1 --mixup-switch-prob 0.5', '--mixup-switch-prob', '--mixup and --cutmix above 0', 'one of them'],
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
    expect(await recipe('--cutmix', '1', '--mixup-prob', '0.5')).toMatchObject({ mixupProb: 0.5 });
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

test('names the file of an invalid augmentation', async () => {
  const args = await file({ augment: 3 });
  await expect(plan(...args)).rejects.toThrow(refusal(ParamError, `${args[1]}: augment`, 'an object', '3'));
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
    // Two thirds of an epoch would be rounded to 1, when the training is over.
    expect((await recipe('--lambda-per', 'epoch', '--epochs', '1')).decayEpochs).toBe(0);
  });
});
