/** What `train` opens and prints before its first step, in process and for a few tiny images. */
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { TrainFlags } from '../../src/cli/trainFlags.js';
import { dataChoice, openTrainingData } from '../../src/cli/trainingData.js';
import { planRun } from '../../src/cli/runPlan.js';
import { dataSpec, prepareRun } from '../../src/cli/trainingSetup.js';
import { resolveConfig } from '../../src/core/config.js';
import { isStreamed } from '../../src/data/sets/dataset.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import { fitOptions, type FitOptions } from '../../src/image/preprocess.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import type { Origin } from '../../src/train/origin.js';
import { resolveRecipe, type Recipe } from '../../src/train/recipe.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { checkpointAt } from '../train/checkpointAt.js';

const path = temporaryFolder();
const FLAGS: TrainFlags = {
  ...{ backend: 'reference', threads: 1, build: 'plain', workers: 0, checkpointEvery: 300 },
  ...{ cache: 'memory', onBadImage: 'skip', size: [8, 8], dims: [2, 3], strides: [2], batchSize: 2, epochs: 1 },
};

async function imageIn(folder: string, name: string, size = 8): Promise<void> {
  await mkdir(path(folder), { recursive: true });
  const raw = { width: size, height: size, channels: 3 } as const;
  await writeFile(
    path(folder, name),
    await sharp(new Uint8Array(3 * size * size).fill(size), { raw })
      .png()
      .toBuffer(),
  );
}

beforeAll(async () => {
  // Six and two images without splits; two files that are no images.
  for (let i = 0; i < 6; i++) await imageIn('pets/cat', `${i}.png`);
  for (let i = 0; i < 2; i++) await imageIn('pets/dog', `${i}.png`);
  await writeFile(path('pets/cat/x.png'), 'x');
  await writeFile(path('pets/dog/y.png'), 'y');
  // Two of each class, larger, with a split of their own.
  for (const split of ['train', 'val']) {
    for (const name of ['cat', 'dog']) {
      for (let i = 0; i < 2; i++) await imageIn(`split/${split}/${name}`, `${i}.png`, 12);
    }
  }
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** The lines of a run's preparation, and what it has prepared. */
async function prepare(flags: Partial<TrainFlags>, checkpoint: Checkpoint | null = null) {
  let text = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const all = { ...FLAGS, ...flags };
  const folder = Object.create(RunFolder.prototype, { checkpoint: { value: checkpoint } }) as RunFolder;
  const setup = await prepareRun(folder, await planRun(all), all, {});
  jest.restoreAllMocks();
  return { setup, lines: text.split('\n').slice(0, -1) };
}

const startOf = (lines: readonly string[], word: string): string | undefined =>
  lines.find((line) => line.startsWith(word));

describe('the lines about the data', () => {
  test('tell what is held out at random, what was skipped and how the classes differ', async () => {
    const { lines, setup } = await prepare({ data: path('pets'), valSplit: 0.5 });
    expect(startOf(lines, 'data')).toBe(
      `data   ${path('pets')}: 4 images to train on, 4 held out (50.0% of each class at random: there is no folder val or test), 2 classes`,
    );
    expect(lines.filter((line) => line.startsWith('skipped'))).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^skipped .*x\.png: /),
        expect.stringMatching(/^skipped .*y\.png: /),
      ]),
    );
    expect(startOf(lines, 'unbalanced')).toBe(
      'unbalanced classes, from 1 (dog) to 3 (cat) images: training does not weight them',
    );
    expect(setup.origin).toMatchObject({
      backend: 'reference',
      flags: {},
      data: { spec: path('pets'), val_split: 0.5 },
    });
  });

  test('tell nothing of the kind about a set with held-out images of its own', async () => {
    const { lines, setup } = await prepare({ data: path('split') });
    expect(startOf(lines, 'data')).toBe(`data   ${path('split')}: 4 images to train on, 4 held out, 2 classes`);
    expect(startOf(lines, 'skipped')).toBeUndefined();
    expect(startOf(lines, 'unbalanced')).toBeUndefined();
    expect(setup.data.validation?.n).toBe(4);
  });

  test('one that was skipped, and classes of which one has twice as many images as the other', async () => {
    for (let i = 0; i < 4; i++) await imageIn('double/cat', `${i}.png`);
    for (let i = 0; i < 2; i++) await imageIn('double/dog', `${i}.png`);
    await writeFile(path('double/dog/y.png'), 'y');
    const { lines } = await prepare({ data: path('double'), valLimit: 0 });
    expect(startOf(lines, 'data')).toBe(`data   ${path('double')}: 6 images to train on, 0 held out, 2 classes`);
    expect(lines.filter((line) => line.startsWith('skipped'))).toEqual([expect.stringMatching(/y\.png: /)]);
    expect(startOf(lines, 'unbalanced')).toBeUndefined();
  });

  test('none that was skipped if unreadable images are refused', async () => {
    const { lines } = await prepare({ data: path('split'), onBadImage: 'fail' });
    expect(lines.filter((line) => line.startsWith('skipped'))).toEqual([]);
  });

  test('none held out', async () => {
    const { lines, setup } = await prepare({ data: path('pets'), valLimit: 0 });
    expect(startOf(lines, 'data')).toBe(`data   ${path('pets')}: 8 images to train on, 0 held out, 2 classes`);
    expect(setup.data.validation).toBeNull();
    expect(lines).toContain('skipped 2 in total');
  });

  test('are left out with --json', async () => {
    expect((await prepare({ data: path('split'), json: true })).lines).toEqual([]);
  });
});

describe('the lines about network and memory', () => {
  test('have the sizes', async () => {
    const { lines, setup } = await prepare({ data: path('split'), dims: [2, 3, 4], strides: [2, 1] });
    expect(startOf(lines, 'net')).toBe('net    dims 2,3,4  strides 2,1  act_num 3');
    expect(startOf(lines, 'memory')).toBe(
      'memory chosen by reference for the network in training, 0 MiB for the images',
    );
    expect(setup.config).toMatchObject({ num_classes: 2, class_names: ['cat', 'dog'], input_size: [8, 8] });
    expect(setup.file).toMatchObject({ epochs: 1, batch_size: 2, dims: [2, 3, 4], input_size: [8, 8] });
  });

  test('count the images to train on, those that are held out, and two batches', async () => {
    // 4 images of 192 KiB, and a batch of 2 in float32.
    const flags = { data: path('split'), size: [256, 256] } as const;
    const { lines } = await prepare({ ...flags, valLimit: 0 });
    expect(startOf(lines, 'memory')).toMatch(/, 2 MiB for the images$/);
    const { lines: both } = await prepare(flags);
    expect(startOf(both, 'memory')).toMatch(/, 5 MiB for the images$/);
  });

  test('know that images to train on are read from the disk, though those held out are not', async () => {
    const { lines, setup } = await prepare({ data: path('split'), cache: 'auto', randomResizedCrop: [0.5, 1] });
    const { train, validation } = setup.data;
    expect([isStreamed(train), validation !== null && isStreamed(validation)]).toEqual([true, false]);
    expect(startOf(lines, 'memory')).toMatch(/ for the images \(read from disk for each batch\)$/);
  });

  test('know the memory of WebAssembly, and of sets on the disk', async () => {
    const { lines } = await prepare({ data: path('split'), backend: 'wasm', cache: 'none', size: [64, 64] });
    expect(startOf(lines, 'memory')).toMatch(
      /^memory [1-9]\d* MiB for the network in training, \d+ MiB for the images \(read from disk for each batch\)$/,
    );
  });
});

describe('a run that continues', () => {
  const set = { images: 1, size: [8, 8], of: 'pixels', sha256: 'a' } as const;
  const choice = { spec: 'pets', limit: null, val_limit: null, val_split: null };
  const data = { ...choice, class_names: ['cat', 'dog'], train: set, held_out: null };
  const origin: Origin = { backend: 'reference', data };
  const begun = checkpointAt(3);
  const resume = (more: Partial<TrainFlags>, checkpoint: Checkpoint | null) =>
    prepare({ data: path('split'), resume: true, epochs: 3, ...more }, checkpoint);

  test.each([
    ['resume after 3 steps, in epoch 1', begun],
    ['resume after 3 steps, in epoch 3', { ...begun, epoch: 2 }],
    ['resume after 3 steps: all epochs are done; --epochs makes the run longer', { ...begun, epoch: 3 }],
    ['resume: no checkpoint yet, starting from the beginning', null],
  ])('says: %s', async (line, checkpoint) => {
    expect(startOf((await resume({}, checkpoint)).lines, 'resume')).toBe(line);
  });

  test('is not a new one', async () => {
    expect(startOf((await prepare({ data: path('split') })).lines, 'resume')).toBeUndefined();
  });

  test('needs the data of its checkpoint, unless others are accepted', async () => {
    await expect(resume({}, { ...begun, origin })).rejects.toMatchObject({
      ...{ op: 'resume', hint: 'Accept other images with --accept-data.' },
    });
    const { setup } = await resume({ acceptData: true }, { ...begun, origin });
    expect(setup.data.train.n).toBe(4);
    // With another seed, the flag is refused elsewhere: the data follow from it.
    expect((await resume({ seed: 5 }, { ...begun, origin })).setup.recipe.seed).toBe(5);
  });
});

describe('the network', () => {
  const configOf = async (flags: Partial<TrainFlags>) =>
    (await prepare({ data: path('split'), ...flags })).setup.config;

  test('is validated on whole images if it is trained on them', async () => {
    const size = [64, 64] as const;
    expect(await configOf({ size })).toMatchObject({ crop_pct: 1 });
    expect(await configOf({ size, randomResizedCrop: [0.5, 1] })).toMatchObject({ crop_pct: 0.875 });
    expect(await configOf({ size, cropPct: 0.9 })).toMatchObject({ crop_pct: 0.9 });
  });

  test('scales images as training does', async () => {
    expect(await configOf({})).toMatchObject({ interpolation: 'bicubic' });
    expect(await configOf({ imageSize: [8, 8] })).toMatchObject({ interpolation: 'bicubic' });
    expect(await configOf({ imageSize: [8, 9] })).toMatchObject({ interpolation: 'bilinear' });
    expect(await configOf({ imageSize: [9, 8] })).toMatchObject({ interpolation: 'bilinear' });
  });

  test.each<[Partial<TrainFlags>, object]>([
    [
      { inChans: 4 },
      {
        ...{ op: 'config.in_chans', expected: '3, or 1 for grayscale, as images are read', got: '4' },
        hint: 'Train on images of other channels in code: train() of vanillanet/train.',
      },
    ],
    [
      { articleStem: true },
      {
        ...{ op: 'config.article_stem', expected: 'a network with adaptive pools', got: 'none' },
        hint: 'Add --ada-pool, or omit --article-stem: without adaptive pools, both stems are the same.',
      },
    ],
    [{ size: [4, 4], dims: [2, 3, 4], strides: [2, 2] }, { op: 'config.input_size' }],
  ])('is refused before the data are opened: %j', async (flags, error) => {
    await expect(planRun({ ...FLAGS, ...flags })).rejects.toMatchObject(error);
  });

  test('may have the stem of the article with adaptive pools', async () => {
    const { network } = await planRun({ ...FLAGS, articleStem: true, adaPool: [1], size: [16, 16] });
    expect(network).toMatchObject({ article_stem: true, ada_pool: [1] });
  });

  test('may be one for grayscale', async () => {
    expect((await planRun({ ...FLAGS, inChans: 1 })).network).toMatchObject({ in_chans: 1 });
  });
});

describe('the images', () => {
  const config = resolveConfig({ input_size: 8, num_classes: 2, dims: [2, 3], strides: [2] });
  const openSet = (
    spec: string,
    flags: Partial<TrainFlags> = {},
    more: Partial<Recipe> = {},
    { size = [8, 8], crop_pct = 1 }: Partial<FitOptions> = {},
  ) =>
    openTrainingData(
      spec,
      { ...FLAGS, ...flags },
      {
        ...{ inputSize: size, recipe: resolveRecipe(more), note: () => undefined },
        heldOutFit: () => ({ ...fitOptions(config), size, crop_pct }),
      },
    );
  const open = (spec: string, ...more: [Partial<TrainFlags>?, Partial<Recipe>?, Partial<FitOptions>?]) =>
    openSet(path(spec), ...more);

  test('have the input size, or that of --image-size', async () => {
    expect((await open('split')).train).toMatchObject({ height: 8, width: 8, n: 4 });
    expect((await open('split', { imageSize: [10, 11] })).train).toMatchObject({ height: 10, width: 11 });
    expect((await open('split', { imageSize: [10, 11] })).validation).toMatchObject({ height: 8, width: 8 });
  });

  test('are cropped from the whole picture by random resized crops, but not with --image-size', async () => {
    const fromOriginal = async (flags: Partial<TrainFlags>, more: Partial<Recipe>) => {
      const { train } = await open('split', { cache: 'none', ...flags }, more);
      return isStreamed(train) && train.files.cropFromOriginal === true;
    };
    const augment = { randomResizedCrop: {} };
    expect(await fromOriginal({}, { augment })).toBe(true);
    expect(await fromOriginal({ imageSize: [9, 9] }, { augment })).toBe(false);
    expect(await fromOriginal({}, {})).toBe(false);
  });

  test('that are held out stay as they are, and are scaled when they are needed', async () => {
    const { train, validation } = await openSet('shapes', { limit: 4, valLimit: 3 }, {}, { crop_pct: 0.5 });
    const drawn = { size: 8, seed: 0 };
    expect(train).toEqual(drawShapes(4, drawn));
    expect(validation).toEqual(drawShapes(3, { ...drawn, first: 2 ** 31 }));
  });

  test.each([
    ['--size', {}, [50_000, 50_000]],
    ['--image-size', { imageSize: [50_000, 50_000] }, [8, 8]],
    // Of the images that are held out.
    ['--size', { imageSize: [8, 8] }, [50_000, 50_000]],
  ] as const)('are refused by %s if they are too large', async (op, flags, size) => {
    await expect(open('split', { cache: 'none', ...flags }, {}, { size })).rejects.toMatchObject({
      ...{ name: 'ParamError', op, got: '50000 x 50000' },
    });
  });

  test('are refused by their own name for another reason', async () => {
    await expect(openSet('shapes', {}, {}, { size: [8, 9] })).rejects.toMatchObject({
      ...{ name: 'ParamError', op: 'shapes', expected: 'a square size', got: '8x9' },
    });
  });

  test('are counted by a bar on a terminal, which is removed', async () => {
    const { isTTY } = process.stderr;
    let text = '';
    jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      text += String(chunk);
      return true;
    });
    process.stderr.isTTY = true;
    try {
      await open('split');
    } finally {
      process.stderr.isTTY = isTTY;
    }
    expect(text).toContain('images to train on');
    expect(text).toContain('held-out images');
    // Clears the line.
    expect(text.endsWith('\x1b[2K')).toBe(true);
  });

  test('are as many as the limits', async () => {
    const { train, validation } = await open('split', { limit: 2, valLimit: 2 });
    expect([train.n, validation?.n]).toEqual([2, 2]);
    expect((await open('pets', { valSplit: 0 })).validation).toBeNull();
  });

  test('are chosen by flags that the run records', () => {
    expect(dataChoice('pets', FLAGS)).toEqual({ spec: 'pets', limit: null, val_limit: null, val_split: null });
    expect(dataChoice('pets', { ...FLAGS, limit: 5, valLimit: 0, valSplit: 0 })).toEqual({
      ...{ spec: 'pets', limit: 5, val_limit: 0, val_split: 0 },
    });
  });

  test('are those of the flag', async () => {
    expect(await dataSpec({ ...FLAGS, data: 'pets' })).toBe('pets');
  });

  test('are CIFAR without a flag, or shapes if it is not there', async () => {
    const [start, before] = [process.cwd(), process.env['VANILLANET_DATA']];
    await mkdir(path('work', 'data'), { recursive: true });
    process.chdir(path('work'));
    process.env['VANILLANET_DATA'] = '';
    try {
      expect(await dataSpec(FLAGS)).toBe('shapes');
      await mkdir(path('work', 'data', 'cifar-10-batches-bin'));
      expect(await realpath(await dataSpec(FLAGS))).toBe(await realpath(path('work', 'data', 'cifar-10-batches-bin')));
    } finally {
      process.chdir(start);
      if (before === undefined) delete process.env['VANILLANET_DATA'];
      else process.env['VANILLANET_DATA'] = before;
    }
  });
});
