/** Which flags, recipe and network a resumed run has: those of its folder, but for what may change. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { flagsToStore, resumedFlags, resumedPlan, restartedFlags } from '../../src/cli/resumedRun.js';
import type { TrainFlags } from '../../src/cli/trainFlags.js';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { writeCheckpoint, type Checkpoint } from '../../src/train/checkpoint.js';
import type { Origin } from '../../src/train/origin.js';
import { PRESETS } from '../../src/train/presets.js';
import { resolveRecipe } from '../../src/train/recipe.js';
import { recipeToFile } from '../../src/train/recipeFile.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { checkpointAt } from '../train/checkpointAt.js';

const path = temporaryFolder();
const DEFAULTS: TrainFlags = {
  ...{ backend: 'wasm', threads: 'auto', build: 'auto', workers: 1, checkpointEvery: 300 },
  ...{ cache: 'auto', onBadImage: 'fail' },
};
const set = { images: 1, size: [8, 8], of: 'pixels', sha256: 'a' } as const;
const data = {
  ...{ spec: 'pets', limit: 40, val_limit: null, val_split: 0.25 },
  ...{ class_names: ['a', 'b'], train: set, held_out: null },
};
const origin: Origin = { backend: 'wasm plain', data, flags: { workers: 2, cache: 'none' } };
const whole = checkpointAt(1);

const opened: RunFolder[] = [];
afterEach(async () => {
  for (const folder of opened.splice(0)) await folder.close();
});

let count = 0;
/** Opens a folder with a checkpoint, a configuration, or both. */
async function open(checkpoint: Checkpoint | null, description?: object): Promise<RunFolder> {
  const name = `run${count++}`;
  await mkdir(path(name));
  if (checkpoint !== null) await writeCheckpoint(path(name), checkpoint);
  if (description !== undefined) await writeFile(path(name, 'config.json'), JSON.stringify(description));
  const folder = await RunFolder.open(path(name), { resume: true, onDamage: () => undefined });
  opened.push(folder);
  return folder;
}

/** The flags on a command line, and whether one is there. */
const onLine = (given: Partial<TrainFlags>) => ({
  flags: { ...DEFAULTS, ...given },
  isGiven: (name: string) => Object.hasOwn(given, name),
});

describe('the flags', () => {
  const flagsOf = async (folder: RunFolder, given: Partial<TrainFlags> = {}) => {
    const { flags, isGiven } = onLine(given);
    return resumedFlags(folder, flags, isGiven);
  };

  test('are those that the run began with', async () => {
    const expected = { ...{ backend: 'wasm', build: 'plain', data: 'pets', limit: 40, valSplit: 0.25 }, workers: 2 };
    const flags = await flagsOf(await open({ ...whole, origin }));
    expect(flags).toEqual({ ...DEFAULTS, ...expected, cache: 'none' });
    expect(flags).not.toHaveProperty('valLimit');
  });

  test('of a run without a checkpoint are those of its configuration', async () => {
    const folder = await open(null, { run: { ...origin, backend: 'reference' } });
    const flags = await flagsOf(folder, { limit: 7 });
    expect(flags).toMatchObject({ backend: 'reference', build: 'auto', data: 'pets', limit: 7, workers: 2 });
  });

  test.each([
    ['no run', {}],
    ['a run that is no object', { run: 1 }],
    ['no backend', { run: { data } }],
    ['no data', { run: { backend: 'wasm plain' } }],
    ['data without a name', { run: { backend: 'wasm plain', data: { ...data, spec: 1 } } }],
  ])('are those of the command line if the configuration has %s', async (_, description) => {
    expect(await flagsOf(await open(null, description))).toEqual(DEFAULTS);
  });

  test('that were edited to another type are ignored', async () => {
    const flags = { workers: -1, cache: 'disk', threads: 2, logEvery: 0, checkpointEvery: -1, onBadImage: 'skip' };
    const folder = await open(null, { run: { ...origin, flags } });
    expect(await flagsOf(folder)).toMatchObject({ workers: 1, cache: 'auto', threads: 2, onBadImage: 'skip' });
    expect(await flagsOf(folder)).toMatchObject({ checkpointEvery: 300 });
    expect(await flagsOf(folder)).not.toHaveProperty('logEvery');
  });

  test('on the command line that do not change the result come first', async () => {
    const folder = await open({ ...whole, origin });
    expect(await flagsOf(folder, { workers: 0, cache: 'memory' })).toMatchObject({ workers: 0, cache: 'memory' });
    expect(await flagsOf(folder, { backend: 'wasm', build: 'plain', limit: 40 })).toMatchObject({ limit: 40 });
    for (const given of [{ backend: 'tfjs' }, { build: 'auto' as const }]) {
      expect(await flagsOf(folder, given)).toMatchObject(given);
    }
  });

  test.each([
    [{ backend: 'reference' }, '--backend', 'wasm', 'reference', 'Another backend yields other weights.'],
    [{ build: 'relaxed' as const }, '--build', 'plain', 'relaxed', 'Another backend yields other weights.'],
    [{ limit: 30 }, '--limit', '40', '30', 'Accept other images with --accept-data.'],
    [{ valLimit: 0 }, '--val-limit', 'none', '0', 'Accept other images with --accept-data.'],
    [{ valSplit: 0.5 }, '--val-split', '0.25', '0.5', 'Accept other images with --accept-data.'],
  ])('%j contradicts the run', async (given, op, expected, got, hint) => {
    const folder = await open({ ...whole, origin });
    await expect(flagsOf(folder, given)).rejects.toMatchObject({
      op,
      expected: `${expected}, as in the run`,
      got,
      hint,
    });
    if (!hint.includes('--accept-data')) return;
    expect(await flagsOf(folder, { ...given, acceptData: true })).toMatchObject(given);
  });

  test('of a backend without builds are not compared by build, which is refused elsewhere', async () => {
    const folder = await open({ ...whole, origin: { ...origin, backend: 'reference' } });
    expect(await flagsOf(folder, { build: 'relaxed' })).toMatchObject({ backend: 'reference', build: 'relaxed' });
    await expect(flagsOf(folder, { limit: 30 })).rejects.toMatchObject({ op: '--limit', got: '30' });
  });

  test('find the data that were named relative to another folder', async () => {
    await mkdir(path('elsewhere', 'pets'), { recursive: true });
    const dataIn = async (directory: unknown, spec = 'pets') => {
      const moved = { ...origin, data: { ...data, spec } };
      return (await flagsOf(await open({ ...whole, origin: moved }, { run: { ...moved, directory } }))).data;
    };
    expect(await dataIn(path('elsewhere'))).toBe(path('elsewhere', 'pets'));
    expect(await dataIn(path('nowhere'))).toBe('pets');
    expect(await dataIn(1)).toBe('pets');
    expect(await dataIn(process.cwd())).toBe('pets');
    expect(await dataIn(process.cwd(), 'test')).toBe('test');
    await mkdir(path('elsewhere', 'shapes'), { recursive: true });
    expect(await dataIn(path('elsewhere'), 'shapes')).toBe('shapes');
    expect(await dataIn(path('elsewhere'), path('absolute'))).toBe(path('absolute'));
  });
});

describe('the flags that are stored', () => {
  const stored = (folder: RunFolder, given: Partial<TrainFlags>) => {
    const { flags, isGiven } = onLine(given);
    return flagsToStore(folder, flags, isGiven);
  };

  test('are those on the command line, now or when the run began', async () => {
    const folder = await open({ ...whole, origin });
    expect(stored(folder, { logEvery: 5 })).toEqual({ workers: 1, cache: 'auto', logEvery: 5 });
    expect(stored(await open(whole), { threads: 2, limit: 3 })).toEqual({ threads: 2 });
    expect(stored(await open(null, { run: origin }), {})).toEqual({ workers: 1, cache: 'auto' });
  });
});

describe('the plan', () => {
  const recipe = resolveRecipe({ epochs: 4, decayEpochs: 1, batchSize: 8, lr: 0.01 });
  const config = resolveConfig({ dims: [3, 4], strides: [2], act_num: 1, num_classes: 2, input_size: 8 });
  const begun = { ...whole, recipe, config };
  const planOf = async (given: Partial<TrainFlags>, description?: object, checkpoint: Checkpoint = begun) => {
    const { flags, isGiven } = onLine(given);
    return resumedPlan(await open(checkpoint, description), flags, isGiven);
  };

  /** A folder whose checkpoint has other values; its weights do not matter. */
  const begunWith = async (values: Partial<Checkpoint>): Promise<RunFolder> =>
    Object.create(await open(begun), {
      ...{ checkpoint: { value: { ...begun, ...values } }, description: { value: null } },
    }) as RunFolder;

  test('is that of the checkpoint', async () => {
    expect(await planOf({})).toMatchObject({ recipe, inputSize: [8, 8], notes: [], network: { dims: [3, 4] } });
    expect((await planOf({}))?.network).not.toHaveProperty('variant');
    expect((await planOf({}))?.explicit).toEqual(new Set(Object.keys(recipe)));
  });

  test('is missing without a checkpoint', async () => {
    expect(await resumedPlan(await open(null, {}), DEFAULTS, () => false)).toBeNull();
  });

  test('may have more epochs, now or in a resume before this one', async () => {
    expect((await planOf({ epochs: 9 }))?.recipe).toEqual({ ...recipe, epochs: 9 });
    const raised = { ...recipeToFile(recipe), epochs: 7 };
    expect((await planOf({}, raised))?.recipe.epochs).toBe(7);
    expect((await planOf({}, { ...raised, epochs: 7.5 }))?.recipe.epochs).toBe(4);
    expect((await planOf({}, { ...raised, epochs: 2 }))?.recipe.epochs).toBe(4);
    expect((await planOf({}, { ...raised, epochs: '7' }))?.recipe.epochs).toBe(4);
    // The configuration of another run.
    expect((await planOf({}, { ...raised, lr: 0.5 }))?.recipe.epochs).toBe(4);
  });

  test('keeps what was computed when the run began', async () => {
    // As with another number of epochs, and divided to fit into memory.
    const computed = { ...recipe, warmupEpochs: 1, gradAccumSteps: 2 };
    const longer = await planOf({ epochs: 9 }, undefined, { ...begun, recipe: computed });
    expect(longer?.recipe).toEqual({ ...computed, epochs: 9 });
    const { recipe: cifar, config: network } = PRESETS.cifar;
    const stored = { ...cifar, gradAccumSteps: 4, decayEpochs: 5, warmupEpochs: 1 };
    const folder = await begunWith({ recipe: stored, config: resolveConfig({ ...network, num_classes: 2 }) });
    const { flags, isGiven } = onLine({ preset: 'cifar' });
    expect((await resumedPlan(folder, flags, isGiven))?.recipe).toEqual(stored);
  });

  test.each<[Partial<TrainFlags>, string]>([
    [{ randomCrop: 2 }, '--random-crop'],
    [{ randomResizedCrop: [0.5, 1] }, '--random-resized-crop'],
    [{ randomResizedCrop: [0.5, 1], cropInterpolation: 'bicubic' }, '--random-resized-crop'],
    [{ rotation: 10 }, '--rotation'],
    [{ colorJitter: [0.1] }, '--color-jitter'],
    [{ randAugment: 7 }, '--rand-augment'],
    [{ randomErasing: 0.5 }, '--random-erasing'],
  ])('%j contradicts a run without augmentation', async (given, op) => {
    await expect(planOf(given)).rejects.toMatchObject({ op, expected: '{}, as in the run' });
  });

  test.each<[Partial<TrainFlags>, string, string]>([
    [{ augment: false }, '--no-augment', '{}'],
    [{ cropInterpolation: 'bicubic' }, '--crop-interpolation', '{"randomResizedCrop":{"interpolation":"bicubic"}}'],
  ])('%j contradicts a run with augmentation', async (given, op, got) => {
    const before = { ...recipe, augment: { randomResizedCrop: {} } };
    const error = planOf(given, undefined, { ...begun, recipe: before });
    await expect(error).rejects.toMatchObject({ op, expected: '{"randomResizedCrop":{}}, as in the run', got });
  });

  test.each<[Partial<TrainFlags>, string, string, string]>([
    [{ epochs: 3 }, '--epochs', 'at least 4', '3'],
    [{ adaPool: [2] }, '--ada-pool', 'none', '[2]'],
    [{ decayVectors: false }, '--decay-vectors', 'true', 'false'],
    [{ batchSize: 4 }, '--batch-size', '8', '4'],
    [{ optimizer: 'sgd' }, '--optimizer', 'adam', 'sgd'],
    [{ flip: 0.5 }, '--flip', '{}', '{"horizontalFlip":0.5}'],
    [{ decayEpochs: 2 }, '--decay-epochs', '1', '2'],
    [{ dims: [3, 5] }, '--dims', '[3,4]', '[3,5]'],
    [{ size: [9, 9] }, '--size', '[8,8]', '[9,9]'],
    [{ actNum: 2 }, '--act-num', '1', '2'],
    [{ preset: 'cifar' }, '--preset', '--batch-size 8', '128'],
  ])('%j contradicts the run', async (given, op, expected, got) => {
    await expect(planOf(given)).rejects.toMatchObject({ op, expected: `${expected}, as in the run`, got });
  });

  test('is not made shorter by fewer epochs', async () => {
    await expect(planOf({ epochs: 3 })).rejects.toMatchObject({ hint: 'More epochs than before make a run longer.' });
  });

  test('agrees with flags that say the same', async () => {
    expect(await planOf({ batchSize: 8, lr: 0.01, dims: [3, 4], decayEpochs: 1, epochs: 4 })).toMatchObject({ recipe });
  });

  test('names a preset with another augmentation', async () => {
    const { recipe: cifar, config: network } = PRESETS.cifar;
    const stored = { ...cifar, augment: { rotation: 5 } };
    const folder = await begunWith({ recipe: stored, config: resolveConfig({ ...network, num_classes: 2 }) });
    const { flags, isGiven } = onLine({ preset: 'cifar' });
    await expect(resumedPlan(folder, flags, isGiven)).rejects.toMatchObject({
      ...{ op: '--preset', expected: 'augment {"rotation":5}, as in the run' },
      got: '{"randomCrop":{"padding":4},"horizontalFlip":0.5}',
    });
  });

  test('names the file that contradicts it', async () => {
    await writeFile(path('other.json'), JSON.stringify({ batch_size: 4, dims: [3, 4], strides: [2], act_num: 1 }));
    await expect(planOf({ config: path('other.json') })).rejects.toMatchObject({
      ...{ op: '--config', expected: expect.stringMatching(/^--[a-z-]+ .*, as in the run$/) },
    });
  });

  test('of a published variant has no dims of its own', async () => {
    const network = resolveConfig({ variant: 'vanillanet_5', num_classes: 2, input_size: 32 });
    const variant = await begunWith({ config: network });
    const plan = await resumedPlan(variant, DEFAULTS, () => false);
    expect(plan?.network).toMatchObject({ variant: 'vanillanet_5', input_size: [32, 32] });
    for (const key of ['dims', 'strides', 'ada_pool']) expect(plan?.network).not.toHaveProperty(key);
  });
});

describe('a run without a checkpoint', () => {
  const restart = (folder: RunFolder, given: Partial<TrainFlags> = {}) => {
    const { flags, isGiven } = onLine(given);
    return restartedFlags(folder, flags, isGiven);
  };

  test('begins with its configuration, unless another one or a preset is named', async () => {
    const folder = await open(null, { epochs: 2 });
    expect(restart(folder)).toEqual({ ...DEFAULTS, config: `${folder.path}/config.json` });
    for (const given of [{ config: 'x.json' }, { preset: 'cifar' as const }]) {
      expect(restart(folder, given)).toEqual({ ...DEFAULTS, ...given });
    }
  });

  test('needs its configuration, or flags that say what to train', async () => {
    const folder = await open(null);
    const none = refusal(ParamError, folder.path, 'the folder of a run', 'one without a run');
    for (const given of [{}, { resume: true as const }, { output: 'x' }, { json: true as const }]) {
      expect(() => restart(folder, given)).toThrow(none);
    }
    expect(() => restart(folder)).toThrow(expect.objectContaining({ hint: 'Start a new run: leave out --resume.' }));
    expect(restart(folder, { epochs: 3 })).toEqual({ ...DEFAULTS, epochs: 3 });
  });

  test('whose configuration is damaged says so', async () => {
    const { path: name } = await open(null, {});
    await rm(`${name}/lock`, { force: true });
    await writeFile(`${name}/config.json`, '{');
    const folder = await RunFolder.open(name, { resume: true, onDamage: () => undefined });
    opened.push(folder);
    expect(() => restart(folder)).toThrow(refusal(ParamError, 'config.json', '', ''));
    expect(restart(folder, { config: 'x.json' })).toMatchObject({ config: 'x.json' });
  });
});
