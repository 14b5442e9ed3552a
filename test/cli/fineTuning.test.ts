/** `train --init`: the network that the weights decide, what is refused, what is printed and recorded, and how it resumes. */
// Loaded before the tests, because jest cannot load two modules at once that import the same one.
import '../../src/report/curves.js';
import '../../src/report/page.js';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { trainCommand } from '../../src/cli/train.js';
import { planRun } from '../../src/cli/runPlan.js';
import type { TrainFlags } from '../../src/cli/trainFlags.js';
import { prepareRun } from '../../src/cli/trainingSetup.js';
import { ParamError } from '../../src/core/errors.js';
import type { StateDict } from '../../src/core/tensor.js';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import { fuseState } from '../../src/oracle/fuse.js';
import { readLastCheckpoint } from '../../src/train/checkpoint.js';
import type { InitOrigin } from '../../src/train/origin.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

const path = temporaryFolder();
const OFFICIAL = fileURLToPath(new URL('../formats/fixtures/network/official.pth', import.meta.url));

const SIZE = {
  input_size: 16,
  crop_pct: 0.9,
  interpolation: 'box',
  mean: [0.1, 0.2, 0.3],
  std: [0.4, 0.5, 0.6],
  drop_rate: 0.1,
};
const five = drawnConfig('train', SIZE);
const NAMES = ['circle', 'square', 'triangle', 'diamond', 'cross', 'ring', 'star', 'bars', 'dots', 'moon'];
const ten = drawnConfig('train', {
  ...SIZE,
  num_classes: 10,
  class_names: NAMES.map((name) => `old ${name}`),
  lambda: 0.5,
});

beforeAll(async () => {
  await writeWeights(path('five.safetensors'), drawnState(five), five, { dtype: 'float32' });
  await writeWeights(path('ten.safetensors'), drawnState(ten), ten, { dtype: 'float32' });
  const deploy = fuseState(drawnState(five), five);
  await writeWeights(path('deploy.safetensors'), deploy.state, deploy.config, { dtype: 'float32' });
});
afterEach(() => {
  jest.restoreAllMocks();
});

const FLAGS: TrainFlags = {
  ...{
    backend: 'wasm',
    threads: 1,
    build: 'plain',
    workers: 0,
    checkpointEvery: 300,
    cache: 'auto',
    onBadImage: 'fail',
  },
  ...{ data: 'shapes', limit: 30, valLimit: 10, batchSize: 10, epochs: 1 },
};
const fiveFile = (): string => path('five.safetensors');
const plan = (flags: Partial<TrainFlags>) => planRun({ ...FLAGS, init: fiveFile(), ...flags });

describe('the plan', () => {
  test('has the network and the input of the weights, and λ 1', async () => {
    const { network, recipe, inputSize, explicit, init } = await plan({});
    const { dims, strides, ada_pool, article_stem, in_chans, act_num, drop_rate, input_size } = five;
    const { crop_pct, interpolation, mean, std } = five;
    expect(network).toEqual({
      ...{ dims, strides, ada_pool, article_stem, in_chans, act_num, drop_rate, input_size },
      ...{ crop_pct, interpolation, mean, std },
    });
    expect([recipe.decayEpochs, inputSize, explicit.has('decayEpochs')]).toEqual([0, [16, 16], true]);
    expect(init?.config).toEqual(five);
  });

  test('changes the input by flags, and the recipe by a preset, whose network does not count', async () => {
    const { network, recipe } = await plan({ size: [32, 16], cropPct: 1, dropRate: 0, preset: 'cifar' });
    expect(network).toMatchObject({
      input_size: [32, 16],
      crop_pct: 1,
      drop_rate: 0,
      mean: five.mean,
      dims: [4, 6, 8],
    });
    expect([recipe.optimizer, recipe.decayEpochs]).toEqual(['adamw', 0]);
  });

  test('lets λ rise again if a flag or a file says so', async () => {
    expect((await plan({ epochs: 5, decayEpochs: 2 })).recipe.decayEpochs).toBe(2);
    await writeFile(
      path('recipe.json'),
      JSON.stringify({ epochs: 4, decay_epochs: 1, freeze: ['stem'], dims: [4, 6, 8], strides: [2, 1] }),
    );
    const { recipe } = await plan({ config: path('recipe.json') });
    expect([recipe.decayEpochs, recipe.freeze]).toEqual([1, ['stem']]);
  });

  test.each<[Partial<TrainFlags>, string, string, string]>([
    [{ dims: [4, 6, 9] }, 'config.dims', '[4,6,8], as in', '[4,6,9]'],
    [{ strides: [2, 2] }, 'config.strides', '[2,1], as in', '[2,2]'],
    [{ adaPool: [3, 0] }, 'config.ada_pool', 'null, as in', '[3,0]'],
    [{ inChans: 1 }, 'config.in_chans', '3, as in', '1'],
    [{ actNum: 2 }, 'config.act_num', '1, as in', '2'],
    [{ variant: 'vanillanet_5' }, 'config.variant', 'dims 4,6,8, as in', 'vanillanet_5'],
  ])('refuses another network: %j', async (flags, op, expected, got) => {
    await expect(plan(flags)).rejects.toThrow(refusal(ParamError, op, expected, got));
    await expect(plan(flags)).rejects.toMatchObject({
      hint: 'Omit it: the weights decide the network. For another network, omit --init.',
    });
  });

  test('takes flags that say the same', async () => {
    const { network } = await plan({ dims: [4, 6, 8], strides: [2, 1], actNum: 1, inChans: 3 });
    expect(network).toMatchObject({ dims: [4, 6, 8], strides: [2, 1] });
  });

  test.each<[Partial<TrainFlags>, string]>([
    [{ newHead: true }, '--new-head'],
    [{ freeze: ['stem'] }, 'freeze'],
    [{ headLr: 0.1 }, 'headLr'],
  ])('refuses %j for random weights', async (flags, op) => {
    const none = refusal(ParamError, op, '--init FILE, with the weights to start from', 'random weights');
    await expect(planRun({ ...FLAGS, ...flags })).rejects.toThrow(none);
    await expect(planRun({ ...FLAGS, ...flags })).rejects.toMatchObject({
      hint: expect.stringMatching(/^Add --init, or omit --/),
    });
  });

  test('refuses what fused weights do not have', async () => {
    const deploy = (flags: Partial<TrainFlags>) => plan({ init: path('deploy.safetensors'), ...flags });
    const got = 'the deploy form in';
    await expect(deploy({ decayEpochs: 0.5 })).rejects.toThrow(
      refusal(ParamError, 'decayEpochs', 'the train form', got),
    );
    await expect(deploy({ fuseAtDecay: true })).rejects.toThrow(
      refusal(ParamError, 'fuseAtDecay', 'the train form', got),
    );
    await expect(deploy({ freeze: ['bn'] })).rejects.toThrow(refusal(ParamError, 'freeze', 'batch norms', 'bn'));
    await expect(deploy({ decayEpochs: 0.5 })).rejects.toMatchObject({
      hint: 'Omit --decay-epochs, or start from weights of the train form.',
    });
    expect((await deploy({ decayEpochs: 0, freeze: ['stem'] })).init?.config.form).toBe('deploy');
    await expect(plan({ freeze: ['stages.2'] })).rejects.toThrow(
      refusal(ParamError, 'freeze', 'stages.0 to stages.1', 'stages.2'),
    );
  });

  test('takes what is stated where a file of another framework is not clear', async () => {
    const { network, init } = await plan({ init: OFFICIAL });
    expect(init?.notes.length).toBeGreaterThan(0);
    expect((await plan({ init: OFFICIAL, strides: [2, 2] })).network.strides).toEqual([2, 2]);
    expect(network.strides).toEqual(init?.config.strides);
  });
});

/** The lines of a run's preparation, and what it has prepared. */
async function prepare(flags: Partial<TrainFlags>) {
  let text = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const all = { ...FLAGS, init: fiveFile(), ...flags };
  const folder = Object.create(RunFolder.prototype, { checkpoint: { value: null } }) as RunFolder;
  const setup = await prepareRun(folder, await planRun(all), all, {});
  jest.restoreAllMocks();
  return { setup, lines: text.split('\n').filter((line) => /^(init|head|freeze|lambda)/.test(line)) };
}

const HEAD = [
  'cls1.2.weight',
  'cls1.2.bias',
  'cls1.3.weight',
  'cls1.3.bias',
  'cls1.3.running_mean',
  'cls1.3.running_var',
  'cls2.0.weight',
  'cls2.0.bias',
];

describe('the lines about the weights', () => {
  test('count the tensors that are taken, and name those that are drawn', async () => {
    const { lines, setup } = await prepare({ freeze: ['stem', 'bn'], headLr: 0.1 });
    // The stem of the train form: 4·3·16 + 4, 4·4 + 4, three norms of 2·4, 4·9.
    const stem = 192 + 4 + 16 + 4 + 24 + 36;
    const all =
      stem + (16 + 4 + 24 + 6 + 8 + 12 + 54 + 12) + (36 + 6 + 48 + 8 + 12 + 16 + 72 + 16) + (80 + 10 + 20 + 100 + 10);
    expect(lines).toEqual([
      `init   ${setup.origin.init?.taken.length} tensors of ${fiveFile()} (safetensors, the train form), 8 of a new head drawn: ${HEAD.join(', ')}`,
      `freeze stem, bn: ${stem} of ${all.toLocaleString('en-US')} parameters stay as they are`,
    ]);
    expect(setup.origin.init).toMatchObject({ file: fiveFile(), redrawn: HEAD, format: 'safetensors', lambda: 1 });
    expect(setup.origin.init?.taken.every((name) => /^(stem|stages)/.test(name))).toBe(true);
    expect(setup.file).toMatchObject({ freeze: ['stem', 'bn'], head_lr: 0.1, decay_epochs: 0, dims: [4, 6, 8] });
    expect(setup.config).toMatchObject({ num_classes: 10, form: 'train' });
    expect(setup.state?.get('stages.1.act.weight')?.data).toEqual(
      Float32Array.from(drawnState(five).get('stages.1.act.weight')?.data ?? []),
    );
  });

  test('tell of a head for as many other classes, and of λ', async () => {
    const { lines, setup } = await prepare({ init: path('ten.safetensors') });
    expect(lines).toEqual([
      `init   ${setup.origin.init?.taken.length} tensors of ${path('ten.safetensors')} (safetensors, the train form)`,
      expect.stringMatching(
        /^head {3}taken, for other classes \(old circle, old square, old triangle, …\); --new-head draws a new one$/,
      ),
      'lambda 1 from the first step; in the file it is 0.5',
    ]);
    const again = await prepare({ init: path('ten.safetensors'), newHead: true, epochs: 3, decayEpochs: 1 });
    expect(again.lines.slice(1)).toEqual(['lambda rises again, from 0 to 1 in 1 epoch']);
    expect(again.setup.origin.init?.redrawn).toEqual(HEAD);
  });

  test('tell what was found in a file of another framework', async () => {
    const { lines, setup } = await prepare({ init: OFFICIAL, size: [32, 32] });
    expect(lines[0]).toMatch(/^init {3}took .*, the exponential moving average$/);
    expect(setup.origin.init).toMatchObject({ ema: true, format: 'PyTorch checkpoint (zip)' });
  });

  test('say nothing of λ and norms in the deploy form', async () => {
    const { lines, setup } = await prepare({ init: path('deploy.safetensors') });
    expect(lines).toEqual([
      `init   12 tensors of ${path('deploy.safetensors')} (safetensors, the deploy form), 2 of a new head drawn: cls.2.weight, cls.2.bias`,
    ]);
    expect(setup.config.form).toBe('deploy');
  });

  test('are left out with --json', async () => {
    expect((await prepare({ json: true })).lines).toEqual([]);
  });

  test('refuse a rate of a head that is taken, and a new head that stays as it is', async () => {
    const taken = refusal(ParamError, 'headLr', 'a new head', 'for as many classes');
    await expect(prepare({ init: path('ten.safetensors'), headLr: 0.1 })).rejects.toThrow(taken);
    await expect(prepare({ init: path('ten.safetensors'), headLr: 0.1 })).rejects.toMatchObject({
      hint: 'Omit --head-lr, or add --new-head.',
    });
    await expect(prepare({ freeze: ['head'] })).rejects.toThrow(
      refusal(ParamError, 'freeze', 'parts of the trained', 'head, which is new'),
    );
  });
});

/** Runs the command; what it prints is dropped. */
async function run(...argv: string[]): Promise<void> {
  for (const stream of ['stdout', 'stderr'] as const) jest.spyOn(process[stream], 'write').mockReturnValue(true);
  try {
    await trainCommand().exitOverride().parseAsync(argv, { from: 'user' });
  } finally {
    jest.restoreAllMocks();
  }
}

const stateIn = async (folder: string): Promise<StateDict> =>
  (await readWeights(path(folder, 'last.safetensors'))).state;
const DATA = [
  '--data',
  'shapes',
  '--limit',
  '40',
  '--val-limit',
  '10',
  '-b',
  '10',
  '--build',
  'plain',
  '--threads',
  '1',
  '--workers',
  '0',
];
const tune = (init = fiveFile()): string[] => [
  ...['--init', init, '--freeze', 'stem,stages.0', '--head-lr', '0.02', '--lr', '1e-3', '-e', '2', ...DATA],
];
const initIn = async (folder: string): Promise<InitOrigin> =>
  (JSON.parse(await readFile(path(folder, 'config.json'), 'utf8')) as { run: { init: InitOrigin } }).run.init;

describe('a run', () => {
  beforeAll(async () => {
    await run(...tune(), '-o', path('whole'));
  });

  test('keeps what is frozen, and records where it began', async () => {
    const state = await stateIn('whole');
    const before = (await readWeights(fiveFile())).state;
    const isFrozen = (name: string): boolean => /^(stem|stages\.0)/.test(name);
    for (const [name, { data }] of state) {
      const isSame = String(data) === String(before.get(name)?.data);
      expect([name, isSame]).toEqual([name, isFrozen(name)]);
    }
    expect(await initIn('whole')).toMatchObject({ file: fiveFile(), redrawn: HEAD });
  });

  test('resumes without its weights', async () => {
    const short = path('gone.safetensors');
    await writeFile(short, await readFile(fiveFile()));
    await run(...tune(short), '-e', '1', '-o', path('short'));
    await rm(short);
    const { epoch, origin } = (await readLastCheckpoint(path('short'), () => undefined)) ?? {};
    expect([epoch, origin?.init?.file]).toEqual([1, short]);
    await run('--resume', path('short'), '-e', '2');
    expect(await initIn('short')).toMatchObject({ file: short, redrawn: HEAD });
    // The cosine of two epochs from the middle on.
    expect((await readLastCheckpoint(path('short'), () => undefined))?.recipe).toMatchObject({
      freeze: ['stem', 'stages.0'],
      headLr: 0.02,
    });
    await expect(run('--resume', path('short'), '--freeze', 'stem')).rejects.toThrow(
      refusal(ParamError, '--freeze', '["stem","stages.0"], as in the run', '["stem"]'),
    );
    await expect(run('--resume', path('short'), '--head-lr', '0.5')).rejects.toThrow(
      refusal(ParamError, '--head-lr', '0.02, as in the run', '0.5'),
    );
  });

  test('that was killed before its first checkpoint begins again with the same weights', async () => {
    await mkdir(path('killed'));
    const description = await readFile(path('whole/config.json'), 'utf8');
    await writeFile(path('killed/config.json'), description);
    await run('--resume', path('killed'));
    expect(await stateIn('killed')).toEqual(await stateIn('whole'));

    await mkdir(path('other'));
    const { run: origin, ...rest } = JSON.parse(description) as { run: { init: object } };
    const init = { ...origin.init, sha256: '0'.repeat(64) };
    await writeFile(path('other/config.json'), JSON.stringify({ ...rest, run: { ...origin, init } }));
    const others = refusal(
      ParamError,
      fiveFile(),
      'the weights that the run began with (sha256 000000000000…)',
      'others (sha256 ',
    );
    await expect(run('--resume', path('other'))).rejects.toThrow(others);
  });

  test.each(['--init', '--new-head'])('that is resumed takes no %s', async (flag) => {
    const argv = ['--resume', path('whole'), flag, ...(flag === '--init' ? [fiveFile()] : [])];
    await expect(run(...argv)).rejects.toThrow(refusal(ParamError, flag, 'a new run', '--resume'));
  });
});

test('--freeze names the nearest part', async () => {
  await expect(run('--init', fiveFile(), '--freeze', 'stem,stges', ...DATA)).rejects.toThrow(
    /Expected backbone, stem, stages, head, bn or stages\.0, stages\.1, …\. Did you mean "stages"\?/,
  );
});

test('errors name flags', async () => {
  await expect(run('--init', fiveFile(), '--dims', '4,6', '--strides', '2', ...DATA, '-o', path('x'))).rejects.toThrow(
    /^--dims: expected \[4,6,8\], as in /,
  );
  await expect(run('--freeze', 'stem', ...DATA, '-o', path('x'))).rejects.toThrow(/^--freeze: expected --init FILE/);
});
