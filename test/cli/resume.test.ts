/** Resuming a run: with the same data and backend, or not at all. */
import { beforeAll, expect, test } from '@jest/globals';
import { appendFile, cp, mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { linesOf, stepRecord } from '../report/syntheticRun.js';
import { hosted, PATIENCE, printed } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

/** No other threads: to start them takes longer than the steps of these trainings. */
const ALONE = ['--threads', '1', '--workers', '0'];
const RECIPE = ['--size', '8', '--dims', '4,6', '--strides', '1', '--epochs', '2', '--decay-epochs', '1', '-b', '4'];
const train = (output: string, ...more: string[]): string[] => [
  ...['train', '--data', 'shapes', '--limit', '20', '--val-limit', '10', '--build', 'plain', ...RECIPE],
  ...[...ALONE, '--output', output, ...more],
];
const LAST = 'checkpoint-00000010.safetensors';

beforeAll(async () => {
  await printed(train('run'), path(), inHost);
}, PATIENCE);

test('config.json and checkpoints record data and backend', async () => {
  const { run } = JSON.parse(await readFile(path('run/config.json'), 'utf8')) as { run: { directory: string } };
  const set = (images: number) => ({
    images,
    size: [8, 8],
    of: 'pixels',
    sha256: expect.stringMatching(/^[\da-f]{64}$/),
  });
  // The folder is not in checkpoints, which may be passed on.
  const { directory, ...origin } = run;
  expect(await realpath(directory)).toBe(await realpath(path()));
  expect(origin).toEqual({
    backend: 'wasm plain',
    flags: { threads: 1, workers: 0 },
    data: {
      ...{ spec: 'shapes', limit: 20, val_limit: 10, val_split: null },
      ...{ class_names: expect.arrayContaining(['disc']), train: set(20), held_out: set(10) },
    },
  });
  expect((await readCheckpoint(path('run', LAST))).origin).toEqual(origin);
});

test(
  '--config accepts the config.json of a run, and ignores its data',
  async () => {
    const config = ['train', '--config', 'run/config.json', '--data', 'shapes', '--limit', '20', '--val-limit', '10'];
    await printed([...config, ...ALONE, '--build', 'plain', '-o', 'copy'], path(), inHost);
    expect(await readFile(path('copy/last.safetensors'))).toEqual(await readFile(path('run/last.safetensors')));
  },
  PATIENCE,
);

test.each([
  ['more images', ['--limit', '24'], '--limit: expected 20, as in the run, got 24\n'],
  ['fewer held out', ['--val-limit', '9'], '--val-limit: expected 10, as in the run, got 9\n'],
  ['a share held out', ['--val-split', '0.2'], '--val-split: expected none, as in the run, got 0.2\n'],
  ['larger images', ['--image-size', '9'], /^ParamError: resume: expected .* 20 of 8x8 .*, got .* 20 of 9x9 /],
  ['another backend', ['--backend', 'reference'], '--backend: expected wasm, as in the run, got reference\n'],
  ['another build', ['--build', 'relaxed'], '--build: expected plain, as in the run, got relaxed\n'],
  ['another seed', ['--seed', '1'], '--seed: expected 0, as in the run, got 1\n'],
  ['another rate', ['--lr', '0.5'], '--lr: expected 0.003, as in the run, got 0.5\n'],
  ['other epochs of lambda', ['--decay-epochs', '0.5'], '--decay-epochs: expected 1, as in the run, got 0.5\n'],
  ['fewer epochs', ['--epochs', '1', '--decay-epochs', '1'], '--epochs: expected at least 2, as in the run, got 1\n'],
  ['a flag of augmentation', ['--flip', '0.5'], '--flip: expected {}, as in the run, got {"horizontalFlip":0.5}\n'],
  ['other dims', ['--dims', '4,8'], '--dims: expected [4,6], as in the run, got [4,8]\n'],
  ['another size', ['--size', '9'], '--size: expected [8,8], as in the run, got [9,9]\n'],
  ['a preset', ['--preset', 'cifar'], /^ParamError: --preset: expected --\S+ \S+, as in the run, got /],
  ['another folder', ['--output', 'other'], '--output: expected run, as --resume has it, or none, got other\n'],
] as const)(
  'with %s it does not',
  async (_, more, expected) => {
    // A record after the checkpoint, as a killed run has it.
    await appendFile(path('run/metrics.jsonl'), linesOf([stepRecord(3, 1, { steps: 5, global_step: 11 })]));
    const runFiles = () =>
      Promise.all(['config.json', 'metrics.jsonl'].map((name) => readFile(path('run', name), 'utf8')));
    const before = await runFiles();
    const { status, stderr } = await inHost(['train', '--resume', 'run', ...more], path());
    if (typeof expected === 'string') expect(stderr).toContain(`ParamError: ${expected}`);
    else expect(stderr).toMatch(expected);
    expect(status).toBe(1);
    expect(await runFiles()).toEqual(before);
  },
  PATIENCE,
);

/** A copy of the run as it was after its first epoch. */
async function half(name: string): Promise<void> {
  await cp(path('run'), path(name), { recursive: true });
  for (const file of [LAST, 'last.safetensors']) await rm(path(name, file));
}

const weightsOf = (name: string): Promise<Buffer> => readFile(path(name, 'last.safetensors'));

test.each([
  ['the folder alone', 'alone', ['--resume', 'alone'], '.'],
  ['the folder as --output', 'output', ['--resume', '-o', 'output'], '.'],
  ['all flags again', 'again', train('again', '--resume').slice(1), '.'],
  [
    'the folder twice, and flags that do not change the result',
    'twice',
    [...['--resume', 'twice', '-o', './twice', '--threads', '2', '--workers', '2'], '--log-every', '2'],
    '.',
  ],
  ['its folder and recipe from the folder above', 'above', ['--resume', 'runs/above', '--lr', '0.003'], '..'],
])(
  'resumes with %s, to the same bits',
  async (_, name, args, directory) => {
    await half(name);
    const cwd = directory === '.' ? path() : path('elsewhere');
    if (directory !== '.') {
      await mkdir(path('elsewhere', 'runs'), { recursive: true });
      await rename(path(name), path('elsewhere', 'runs', name));
    }
    const { status, stdout, stderr } = await inHost(['train', ...args], cwd);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('\nresume after 5 steps, in epoch 2\n');
    const weights = await readFile(
      directory === '.' ? path(name, 'last.safetensors') : path('elsewhere', 'runs', name, 'last.safetensors'),
    );
    expect(weights).toEqual(await weightsOf('run'));
  },
  PATIENCE,
);

test.each([
  ['a finished run', 'longer', false],
  ['a run that is stopped in between', 'longer-half', true],
])(
  'makes %s longer: the epochs of lambda stay, the learning rate follows the longer schedule',
  async (_, name, isHalf) => {
    if (isHalf) await half(name);
    else await cp(path('run'), path(name), { recursive: true });
    expect(await inHost(['train', '--resume', name, '--epochs', '3'], path())).toMatchObject({ status: 0, stderr: '' });
    const config = JSON.parse(await readFile(path(name, 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ epochs: 3, decay_epochs: 1, warmup_epochs: 0 });
    const lines = (await readFile(path(name, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
    const steps = lines
      .map((line) => JSON.parse(line) as { kind: string; global_step: number; lr: number; lambda: number })
      .filter(({ kind }) => kind === 'step');
    expect(steps.map(({ global_step }) => global_step)).toEqual(Array.from({ length: 15 }, (__, i) => i + 1));
    const first = isHalf ? 5 : 10;
    for (const { global_step, lr, lambda } of steps.slice(first)) {
      expect(lr).toBeCloseTo(0.0015 * (1 + Math.cos((Math.PI * (global_step - 1)) / 15)), 12);
      expect(lambda).toBe(1);
    }
    if (!isHalf) return;
    // Without flags, the run keeps the number.
    await rm(path(name, 'checkpoint-00000015.safetensors'));
    const { stdout } = await inHost(['train', '--resume', name], path());
    expect(stdout).toContain('\nepoch 3/3  train loss');
  },
  PATIENCE,
);

test(
  'finds data with a relative path from another folder, and keeps flags that do not change the result',
  async () => {
    for (const split of ['train', 'val']) {
      for (const name of ['a', 'b']) {
        await mkdir(path('images', split, name), { recursive: true });
        for (let i = 0; i < 4; i++) {
          const data = Uint8Array.from({ length: 192 }, (_, k) => (k * (i + 3) * (name === 'a' ? 5 : 7)) % 256);
          const image = sharp(data, { raw: { width: 8, height: 8, channels: 3 } }).png();
          await writeFile(path('images', split, name, `${i}.png`), await image.toBuffer());
        }
      }
    }
    const args = ['train', '-d', 'images', '-o', 'pictures', ...RECIPE, '--log-every', '1', '--tensorboard'];
    await printed([...args, ...ALONE], path(), inHost);
    const before = await weightsOf('pictures');
    for (const file of ['checkpoint-00000004.safetensors', 'last.safetensors']) await rm(path('pictures', file));
    // Data of the same name in the folder from which the run is resumed are not those of the run.
    await mkdir(path('away', 'images', 'train', 'c'), { recursive: true });
    const { status, stderr } = await inHost(['train', '--resume', '../pictures'], path('away'));
    expect([status, stderr]).toEqual([0, '']);
    expect(await weightsOf('pictures')).toEqual(before);
    const { run } = JSON.parse(await readFile(path('pictures/config.json'), 'utf8')) as {
      run: { directory: string; flags: unknown; data: { spec: string } };
    };
    expect(run.flags).toEqual({ threads: 1, workers: 0, logEvery: 1, tensorboard: true });
    expect(await realpath(run.data.spec)).toBe(await realpath(path('images')));
    expect((await readdir(path('pictures'))).filter((name) => name.includes('tfevents'))).toHaveLength(1);
    expect((await readFile(path('pictures/metrics.jsonl'), 'utf8')).split('\n')).toHaveLength(4 + 2 + 1);
  },
  PATIENCE,
);

test(
  'without a checkpoint, starts from the beginning with the configuration of the folder',
  async () => {
    await mkdir(path('begun'));
    await cp(path('run/config.json'), path('begun/config.json'));
    const { status, stdout, stderr } = await inHost(['train', '--resume', 'begun'], path());
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('\nresume: no checkpoint yet, starting from the beginning\n');
    expect(await weightsOf('begun')).toEqual(await weightsOf('run'));
  },
  PATIENCE,
);

test.each([
  [
    'an empty folder',
    'empty',
    null,
    'empty: expected the folder of a run, got one without a run\nhint: Start a new run',
  ],
  ['an unreadable config.json', 'cut', '{"epochs":', 'config.json: expected a JSON object, got '],
  ['an invalid config.json', 'invalid', '{"epochs":"two"}', 'epochs: expected an integer in [1, 536870912], got "two"'],
])(
  'refuses %s',
  async (_, name, config, message) => {
    await mkdir(path(name));
    if (config !== null) await writeFile(path(name, 'config.json'), config);
    const { status, stderr } = await inHost(['train', '--resume', name], path());
    expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(await readdir(path(name))).toEqual(config === null ? [] : ['config.json']);
  },
  PATIENCE,
);

test(
  'resumes from the checkpoint if config.json is damaged, and writes it again',
  async () => {
    await half('damaged-config');
    const before = JSON.parse(await readFile(path('run/config.json'), 'utf8')) as object;
    await writeFile(path('damaged-config/config.json'), '{"epochs":');
    const { status, stderr } = await inHost(['train', '--resume', 'damaged-config'], path());
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/config\.json: .*; written again from the checkpoint\n$/),
    ]);
    expect(await weightsOf('damaged-config')).toEqual(await weightsOf('run'));
    const after = JSON.parse(await readFile(path('damaged-config/config.json'), 'utf8')) as object;
    expect(after).toMatchObject({ epochs: 2, lr: 0.003, dims: [4, 6], run: { backend: 'wasm plain' } });
    expect(Object.keys(before).every((key) => key in after)).toBe(true);
  },
  PATIENCE,
);

test(
  'a bad line of metrics.jsonl is set aside',
  async () => {
    await half('bad-line');
    const lines = (await readFile(path('bad-line/metrics.jsonl'), 'utf8')).split('\n');
    await writeFile(
      path('bad-line/metrics.jsonl'),
      [lines[0], '{"kind":"step","global_step":1}', ...lines.slice(1)].join('\n'),
    );
    const { status, stderr } = await inHost(['train', '--resume', 'bad-line'], path());
    expect([status, stderr]).toEqual([
      0,
      `${join('bad-line', 'metrics.jsonl')}:2: expected an integer >= 1 as epoch, got nothing; moved to metrics.rejected.jsonl\n`,
    ]);
    expect(await weightsOf('bad-line')).toEqual(await weightsOf('run'));
    expect(await readFile(path('bad-line/results.csv'), 'utf8')).toMatch(/^epoch,.*\n1,.*\n2,.*\n$/);
  },
  PATIENCE,
);

test(
  'names a damaged checkpoint, and uses the previous one',
  async () => {
    await cp(path('run'), path('damaged'), { recursive: true });
    const whole = await readFile(path('run', LAST));
    await writeFile(path('damaged', LAST), whole.with(whole.length - 1, whole[whole.length - 1] ^ 1));
    const { status, stdout, stderr } = await inHost(train('damaged', '--resume'), path());
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(
        /^WeightsError: damaged[/\\]checkpoint-00000010\.safetensors: .*; using the previous checkpoint\n$/,
      ),
    ]);
    expect(stdout).toContain('\nresume after 5 steps, in epoch 2\n');
    for (const name of ['last.safetensors', LAST]) {
      expect(await readFile(path('damaged', name))).toEqual(await readFile(path('run', name)));
    }
  },
  PATIENCE,
);

test(
  'resumes a checkpoint of version 1, which has no record of its data, with any data',
  async () => {
    await cp(path('run'), path('old'), { recursive: true });
    for (const name of [LAST, 'checkpoint-00000005.safetensors']) {
      const { tensors, metadata } = decodeSafetensors(await readFile(path('old', name)), name);
      const key = 'vanillanet.training';
      const text = metadata.get(key) ?? '';
      const { origin, ...rest } = JSON.parse(text) as Record<string, unknown>;
      expect(origin).toBeDefined();
      const old = new Map([[key, JSON.stringify({ ...rest, version: 1 })]]);
      await writeFile(path('old', name), encodeSafetensors(tensors, { metadata: old }));
    }
    const others = ['--data', 'shapes', '--limit', '20', '--val-limit', '9', '--workers', '0'];
    const args = ['train', ...others, ...RECIPE, '--backend', 'reference', '-o', 'old', '--resume'];
    expect(await inHost(args, path())).toMatchObject({ status: 0, stderr: '' });
  },
  PATIENCE,
);
