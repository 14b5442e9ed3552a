/** Where a training begins, and which flags it takes: without a network that runs. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Command } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { downloadCommand } from '../../src/cli/download.js';
import { planRun, type RunPlan } from '../../src/cli/runPlan.js';
import { prepareRun } from '../../src/cli/trainingSetup.js';
import { checkWeightsPath } from '../../src/cli/weightsPath.js';
import { checkInitialWeights, restartedInit, resumedFlags, resumedPlan } from '../../src/cli/resumedRun.js';
import { trainCommand } from '../../src/cli/train.js';
import { flagOf, type TrainFlags } from '../../src/cli/trainFlags.js';
import { resolvePlan, withRecipe } from '../../src/cli/trainOptions.js';
import { resolveConfig } from '../../src/core/config.js';
import { writeCheckpoint } from '../../src/train/checkpoint.js';
import type { Origin } from '../../src/train/origin.js';
import { PRESETS } from '../../src/train/presets.js';
import { resolveRecipe, type Recipe } from '../../src/train/recipe.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { checkpointAt } from '../train/checkpointAt.js';

const path = temporaryFolder();
afterEach(() => {
  jest.restoreAllMocks();
});

/** A folder that is only in memory. */
const folderWith = (members: { readonly description: unknown; readonly checkpoint?: unknown }): RunFolder =>
  Object.create(RunFolder.prototype, {
    ...{ path: { value: 'run' }, description: { value: members.description } },
    checkpoint: { value: members.checkpoint ?? null },
  }) as RunFolder;

describe('the weights that a run starts from again', () => {
  const initOf = (run: unknown) => restartedInit(folderWith({ description: { run } }));

  test.each<[string, unknown, object]>([
    ['a name and a new head', { file: 'a', redrawn: ['cls.2.bias'] }, { init: 'a', newHead: true }],
    ['a name and the head of the file', { file: 'a', redrawn: [] }, { init: 'a' }],
    ['a name alone', { file: 'a' }, { init: 'a' }],
    ['a name and a text', { file: 'a', redrawn: 'all' }, { init: 'a' }],
    ['a name and a number', { file: 'a', redrawn: 3 }, { init: 'a' }],
    ['a name that is no text', { file: 1, redrawn: ['cls.2.bias'] }, {}],
    ['nothing', undefined, {}],
  ])('have %s', async (_, init, expected) => {
    expect(await initOf({ init })).toEqual(expected);
  });

  test('are found where the run began', async () => {
    await mkdir(path('before'));
    await writeFile(path('before', 'weights.pth'), '');
    const init = { file: 'weights.pth' };
    expect(await initOf({ init, directory: path('before') })).toEqual({ init: path('before', 'weights.pth') });
    expect(await initOf({ init, directory: path('after') })).toEqual({ init: 'weights.pth' });
  });

  test('are none in a folder without a description', async () => {
    expect(await restartedInit(folderWith({ description: null }))).toEqual({});
  });

  test('must be the same', () => {
    const [old, other] = ['0123456789abcdef', 'fedcba9876543210'];
    const planned = { init: { source: { file: 'a.pth', sha256: other } } } as RunPlan;
    const check = (init: unknown, plan: RunPlan = planned) => {
      checkInitialWeights(folderWith({ description: { run: { init } } }), plan);
    };
    expect(() => {
      check({ sha256: old });
    }).toThrow(
      expect.objectContaining({
        ...{ name: 'ParamError', op: 'a.pth' },
        expected: 'the weights that the run began with (sha256 0123456789ab…)',
        got: 'others (sha256 fedcba987654…)',
        hint: 'Copy the file back, or start a new run in another folder with --output.',
      }),
    );
    check({ sha256: other });
    check({ sha256: 5 });
    check(undefined);
    check({ sha256: old }, {} as RunPlan);
    checkInitialWeights(folderWith({ description: null }), planned);
  });
});

describe('a run that continues', () => {
  const recipe = resolveRecipe({ epochs: 4, decayEpochs: 1, batchSize: 8, lr: 0.01 });
  const continued = (network: object, flags: object = {}, stored: Recipe = recipe) => {
    const checkpoint = { recipe: stored, config: resolveConfig({ num_classes: 2, input_size: 32, ...network }) };
    const isGiven = (name: string): boolean => name in flags;
    return resumedPlan(folderWith({ description: {}, checkpoint }), flags as TrainFlags, isGiven);
  };

  test('has the dims of its network, or its variant', async () => {
    const own = await continued({ dims: [3, 4], strides: [2] });
    expect(own?.network).toMatchObject({ dims: [3, 4], strides: [2] });
    expect(own?.network).not.toHaveProperty('variant');
    const published = await continued({ variant: 'vanillanet_5' });
    expect(published?.network).toMatchObject({ variant: 'vanillanet_5' });
    for (const key of ['dims', 'strides', 'ada_pool']) expect(published?.network).not.toHaveProperty(key);
  });

  test('names the file or the preset that contradicts it', async () => {
    await writeFile(path('recipe.json'), '{"batch_size": 4, "dims": [3, 4], "strides": [2]}');
    const network = { dims: [3, 4], strides: [2] };
    await expect(continued(network, { config: path('recipe.json') })).rejects.toMatchObject({ op: '--config' });
    await expect(continued(network, { preset: 'cifar' })).rejects.toMatchObject({ op: '--preset' });
  });

  test.each<[string, object]>([
    ['--random-crop', { randomCrop: 2 }],
    ['--random-resized-crop', { randomResizedCrop: [0.5, 1] }],
    ['--crop-interpolation', { cropInterpolation: 'bicubic' }],
    ['--flip', { flip: 0.5 }],
    ['--rotation', { rotation: 10 }],
    ['--color-jitter', { colorJitter: [0.1] }],
    ['--rand-augment', { randAugment: 7 }],
    ['--random-erasing', { randomErasing: 0.5 }],
    ['--no-augment', { augment: false }],
  ])('names %s, which changes the augmentation', async (op, flags) => {
    const augment: Recipe['augment'] = { randomResizedCrop: { scale: [0.1, 1] } };
    const network = { dims: [3, 4], strides: [2] };
    await expect(continued(network, flags, { ...recipe, augment })).rejects.toMatchObject({ op });
  });

  test('keeps what was computed when it began', async () => {
    const computed = { ...recipe, warmupEpochs: 1, gradAccumSteps: 2, decayEpochs: 3 };
    const plan = await continued({ dims: [3, 4], strides: [2] }, { epochs: 9 }, computed);
    expect(plan?.recipe).toEqual({ ...computed, epochs: 9 });
    expect(plan?.explicit).toEqual(new Set(Object.keys(computed)));
    const preset = { ...PRESETS.cifar.recipe, warmupEpochs: 1, gradAccumSteps: 2, decayEpochs: 3 };
    const again = await continued(PRESETS.cifar.config, { preset: 'cifar' }, preset);
    expect(again?.recipe).toEqual(preset);
  });

  test('has the flags that it began with', async () => {
    const data = { spec: 'shapes', limit: 40, val_limit: null, val_split: 0.25 };
    const run = { backend: 'wasm plain', data, flags: { workers: 2, cache: 'disk' } };
    const flags = { backend: 'wasm', build: 'plain', data: 'shapes', limit: 40, valSplit: 0.25, workers: 2 };
    for (const folder of [{ description: { run } }, { description: null, checkpoint: { origin: run } }]) {
      expect(await resumedFlags(folderWith(folder), {} as TrainFlags, () => false)).toEqual(flags);
    }
  });
});

/** Runs `train` with flags that it refuses. */
async function refusalOf(...argv: string[]): Promise<unknown> {
  for (const stream of ['stdout', 'stderr'] as const) jest.spyOn(process[stream], 'write').mockReturnValue(true);
  try {
    await trainCommand().exitOverride().parseAsync(argv, { from: 'user' });
    return null;
  } catch (error) {
    return error;
  } finally {
    jest.restoreAllMocks();
  }
}

describe('train', () => {
  test.each([
    ['--init', 'a.pth'],
    ['--new-head', undefined],
  ])('does not resume with %s', async (flag, value) => {
    const argv = ['--resume', path('none'), flag, ...(value === undefined ? [] : [value])];
    expect(await refusalOf(...argv)).toMatchObject({
      ...{ name: 'ParamError', op: flag, expected: 'a new run', got: '--resume' },
      hint: 'Omit it: the run continues with the weights of its checkpoint. To start anew, omit --resume.',
    });
  });

  test('starts with --init, and needs no --init to resume', async () => {
    expect(await refusalOf('--init', path('none.pth'), '-o', path('new'))).toMatchObject({ op: path('none.pth') });
    expect(await refusalOf('--resume', path('none'))).toMatchObject({ op: path('none') });
  });

  test('continues from a checkpoint that has no description beside it', async () => {
    const spec = path('nothing');
    const origin = { backend: 'reference', data: { spec, limit: null, val_limit: null, val_split: null } } as Origin;
    await mkdir(path('bare'));
    await writeCheckpoint(path('bare'), { ...checkpointAt(1), origin });
    expect(await refusalOf('--resume', path('bare'))).toMatchObject({ name: 'DataError', op: spec });
  });
});

describe('the flags', () => {
  const { options } = trainCommand();
  const choicesOf = (flag: string) => options.find(({ long }) => long === flag)?.argChoices;

  test.each([
    ['--lambda-schedule', ['linear', 'cosine']],
    ['--lambda-per', ['step', 'epoch']],
    ['--loss', ['cross-entropy', 'bce']],
    ['--crop-interpolation', ['bilinear', 'bicubic', 'random']],
    ['--cache', ['auto', 'memory', 'none']],
    ['--on-bad-image', ['fail', 'skip']],
  ])('%s has its choices', (flag, choices) => {
    expect(choicesOf(flag)).toEqual(choices);
  });

  test('are in groups', () => {
    const groupOf = (flag: string) => options.find(({ long }) => long === flag)?.helpGroupHeading;
    expect(['--dims', '--epochs', '--lr', '--loss'].map(groupOf)).toEqual([
      ...['Network:', 'Schedule:', 'Optimizer:', 'Loss and augmentation:'],
    ]);
    expect(groupOf('--preset')).toBeUndefined();
  });

  test('are explained below the list', () => {
    let text = '';
    trainCommand()
      .configureOutput({
        writeOut: (part) => {
          text += part;
        },
      })
      .outputHelp();
    const words = text.replaceAll(/\s+/g, ' ');
    expect(words).toContain('folder of the run (default: runs/train)');
    expect(words.slice(words.indexOf('--init FILE fine-tunes'))).toBe(
      '--init FILE fine-tunes: the file decides the network, lambda is 1 unless --decay-epochs lets it rise again, and ' +
        'the head is drawn anew if the number of classes differs. --freeze backbone trains the head alone; frozen ' +
        'parts keep every bit, and their batch norms use running statistics; bn freezes only these, of stem and ' +
        'stages. --head-lr is a rate as --lr, on the same curve. Weights of the deploy form are trained fused. Each ' +
        'epoch prints its speed and `idle`, the share of its time in which the network waited for images: more ' +
        '--workers lower it. Ctrl-C saves a checkpoint; continue with vanillanet train --resume <folder>. ',
    );
  });

  const valueOf = (flag: string, value: string): unknown => {
    const parse = options.find(({ long }) => long === flag)?.parseArg;
    if (parse === undefined) throw new Error(`${flag} takes any text`);
    return parse(value, undefined as never);
  };

  test.each<[string, readonly string[], readonly string[]]>([
    ['--val-split', ['0', '0.99'], ['-0.1', '1']],
    ['--crop-pct', ['0.01', '1'], ['0', '1.01']],
    ['--layer-decay', ['0.01', '1'], ['0', '1.01']],
    ['--head-lr', ['1e-9', '2'], ['0', '-1']],
    ['--lr', ['1e-9', '2'], ['0', '-1']],
    ['--random-resized-crop', ['0.1', '0.1,1'], ['0', '0.5,1.01', '0.1,0.2,0.3']],
    ['--color-jitter', ['0', '0,1', '0,1,2,3'], ['-0.1', '1,2,3,4,5']],
    ['--betas', ['0,0.99'], ['0.9', '0.9,1', '-0.1,0.9', '0.9,0.9,0.9']],
  ])('%s takes %j and refuses %j', (flag, right, wrong) => {
    for (const value of right) {
      const numbers = value.split(',').map(Number);
      expect([valueOf(flag, value)].flat()).toEqual(numbers);
    }
    for (const value of wrong) expect(() => valueOf(flag, value)).toThrow(/^Expected /);
  });

  test('have the names of their values', () => {
    expect(['lr', 'batchSize', 'gradAccumSteps'].map(flagOf)).toEqual(['--lr', '--batch-size', '--grad-accum-steps']);
    const names = withRecipe(new Command()).options.map((option) => option.attributeName());
    expect(names).toContain('gradAccumSteps');
  });
});

test('a network keeps the mean or the deviation that it has, and gets none', async () => {
  const networkOf = async (network: object, flags: object = {}) =>
    (await resolvePlan(flags, undefined, network)).network;
  const dims = { dims: [3, 4], strides: [2] };
  expect(await networkOf(dims)).toStrictEqual(dims);
  expect(await networkOf(dims, { inChans: 1 })).toStrictEqual({ ...dims, in_chans: 1 });
  const mean = [0.1, 0.2, 0.3];
  expect(await networkOf({ ...dims, mean })).toEqual({ ...dims, mean });
  expect(await networkOf({ ...dims, std: mean })).toEqual({ ...dims, std: mean });
  expect(await networkOf({ ...dims, mean, std: [1, 1, 1] }, { inChans: 1 })).toEqual({
    ...{ ...dims, in_chans: 1, mean: [0.1815], std: [1] },
  });
});

test('a network that is trained on whole images is validated on them', async () => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const cropOf = async (more: Partial<TrainFlags>): Promise<number> => {
    const flags: TrainFlags = {
      ...{ backend: 'reference', threads: 1, build: 'plain', workers: 0, checkpointEvery: 300 },
      ...{ cache: 'memory', onBadImage: 'fail', size: [64, 64], dims: [2, 3], strides: [2], batchSize: 2, epochs: 1 },
      ...{ data: 'shapes', limit: 2, valLimit: 2, ...more },
    };
    return (await prepareRun(folderWith({ description: null }), await planRun(flags), flags, {})).config.crop_pct;
  };
  expect(await cropOf({})).toBe(1);
  expect(await cropOf({ randomResizedCrop: [0.5, 1] })).toBe(0.875);
  expect(await cropOf({ cropPct: 0.9 })).toBe(0.9);
});

test('a data set is downloaded where train looks for it, in a format that train reads', () => {
  const option = (flag: string) => downloadCommand().options.find(({ long }) => long === flag);
  expect(option('--format')).toMatchObject({ argChoices: ['python', 'binary'], defaultValue: 'python' });
  expect(option('--output')).toMatchObject({ defaultValue: 'data' });
});

test('of a folder of weights, those that are fused are named first', async () => {
  await mkdir(path('weights'));
  for (const name of ['best', 'deploy', 'last']) await writeFile(path('weights', `${name}.safetensors`), '');
  const names = ['deploy', 'best', 'last'].map((name) => path('weights', `${name}.safetensors`));
  await expect(checkWeightsPath(path('weights'))).rejects.toMatchObject({
    ...{ name: 'WeightsError', got: 'a folder', hint: `Pass a file in it: ${names.join(', ')}.` },
  });
  expect(await checkWeightsPath('-')).toBe('/dev/stdin');
});
