/** What `train` prints and writes from its first step on, with a trainer that computes nothing. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { followTraining } from '../../src/cli/followTraining.js';
import type { TrainFlags } from '../../src/cli/trainFlags.js';
import type { RunSetup } from '../../src/cli/trainingSetup.js';
import { resolveConfig } from '../../src/core/config.js';
import { DataError } from '../../src/core/errors.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
// Loaded before the tests, because jest cannot load two modules at once that import the same one.
import '../../src/report/curves.js';
import '../../src/report/page.js';
import type { Origin } from '../../src/train/origin.js';
import { resolveRecipe } from '../../src/train/recipe.js';
import { RunFolder } from '../../src/train/runFolder.js';
import type { OpenTrainer } from '../../src/train/runOptions.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { scripted, type Script } from '../train/scriptedTrainer.js';

const path = temporaryFolder();
const data = { train: drawShapes(12, { seed: 3, size: 8 }), validation: drawShapes(20, { seed: 4, size: 8 }) };
const config = resolveConfig({ dims: [2, 3], strides: [1], act_num: 0, num_classes: 10, input_size: 8 });
/** Three steps. */
const recipe = resolveRecipe({ epochs: 1, batchSize: 4, decayEpochs: 0, seed: 9 });
const FLAGS: TrainFlags = {
  ...{ backend: 'reference', threads: 1, build: 'plain', workers: 0, checkpointEvery: 300 },
  ...{ cache: 'auto', onBadImage: 'fail' },
};

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
const before = SIGNALS.map((signal) => process.listeners(signal));

afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
  // A training that was stopped keeps listeners, for a signal that comes late.
  SIGNALS.forEach((signal, i) => {
    for (const listener of process.listeners(signal)) {
      if (!before[i].includes(listener)) process.off(signal, listener);
    }
  });
});

interface Follow {
  readonly flags?: Partial<TrainFlags>;
  readonly setup?: Partial<RunSetup>;
  readonly resume?: boolean;
  /** Called before each step, with the number of those before it. */
  readonly onStep?: (step: number) => void;
  readonly script?: Script;
}

/** Follows a training in a folder. */
async function follow(name: string, { flags = {}, setup = {}, resume = false, onStep, script }: Follow = {}) {
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    jest.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      output[stream] += String(chunk);
      return true;
    });
  }
  // After a training that was stopped, another signal ends the process.
  jest.spyOn(process, 'kill').mockReturnValue(true);
  const { open, calls } = scripted(script);
  const openTrainer: OpenTrainer = async (network, options) => {
    const trainer = await open(network, options);
    return {
      ...trainer,
      step(...args) {
        onStep?.(calls.steps.length);
        return trainer.step(...args);
      },
    };
  };
  const folder = await RunFolder.open(path(name), { resume, onDamage: () => undefined });
  const origin = { backend: 'reference', data: { spec: 'shapes', val_split: null } } as Origin;
  const run: RunSetup = { folder, data, config, recipe, openTrainer, origin, file: {}, ...setup };
  const error: unknown = await followTraining(run, { ...FLAGS, ...flags }).then(
    () => null,
    (reason: unknown) => reason,
  );
  jest.restoreAllMocks();
  const exitCode = process.exitCode;
  process.exitCode = undefined;
  return { ...output, lines: output.stdout.split('\n'), error, exitCode, calls };
}

const failAt = (last: number, error: Error) => (step: number) => {
  if (step === last) throw error;
};

describe('a training to the end', () => {
  test('names its weights and the next commands', async () => {
    const { lines, stderr, error, exitCode } = await follow('whole', { script: () => 0.2 });
    expect([error, exitCode, stderr]).toEqual([null, undefined, '']);
    expect(lines.some((line) => /^epoch 1\/1 /.test(line))).toBe(true);
    expect(await readdir(path('whole'))).not.toContain('lock');
    const end = lines.slice(lines.findIndex((line) => line.startsWith('wrote')));
    expect(end).toEqual([
      `wrote  ${path('whole', 'last.safetensors')} (train form, lambda 1)`,
      `       ${path('whole', 'best.safetensors')} (epoch 1, top-1 20.0%)`,
      `       ${path('whole', 'best-fusable.safetensors')} (epoch 1, top-1 20.0%)`,
      `next   vanillanet plot ${path('whole')}`,
      `       vanillanet fuse ${path('whole', 'best-fusable.safetensors')} ${path('whole', 'deploy.safetensors')}`,
      `       vanillanet eval --weights ${path('whole', 'deploy.safetensors')} --data shapes`,
      '',
    ]);
  });

  test('prints records alone with --json', async () => {
    const { lines, stderr } = await follow('json', { flags: { json: true } });
    const records = lines.slice(0, -1).map((line) => JSON.parse(line) as { kind: string });
    expect(records.map(({ kind }) => kind)).toEqual(['step', 'step', 'step', 'epoch']);
    expect(stderr).toBe('');
  });

  test('names the share and seed of images that were held out at random', async () => {
    const setup = { data: { ...data, train: { ...data.train, splitSource: 'drawn' as const } } };
    const { lines } = await follow('drawn', { setup });
    expect(lines.at(-2)).toMatch(/ --data shapes --val-split 0\.1 --seed 9$/);
  });

  test('without held-out images names no score, and no share', async () => {
    const setup = { data: { train: { ...data.train, splitSource: 'drawn' as const }, validation: null } };
    const { lines, calls } = await follow('unscored', { setup });
    expect(lines).toContain(`       ${path('unscored', 'best.safetensors')} (epoch 1)`);
    expect(lines.at(-2)).toMatch(/ --data shapes$/);
    expect([calls.steps.length, calls.disposed.length]).toEqual([3, 1]);
  });
});

describe('a signal', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it after the current step, with the command that continues it', async (signal, status) => {
    const onStep = (step: number): void => {
      if (step === 1) process.emit(signal, signal);
    };
    const { lines, error, exitCode, calls } = await follow(`stopped by ${signal}`, { onStep });
    expect([error, exitCode, calls.steps.length]).toEqual([null, status, 2]);
    expect(lines).toContain('stopping after the next checkpoint; send the signal again to stop at once');
    expect(lines).toContain(`stopped; continue with: vanillanet train --resume '${path(`stopped by ${signal}`)}'`);
    const { lines: again, error: none, calls: rest } = await follow(`stopped by ${signal}`, { resume: true });
    expect([none, rest.steps.length]).toEqual([null, 1]);
    expect(again.some((line) => line.startsWith('wrote '))).toBe(true);
  });
});

describe('an error', () => {
  test('of the data says how to continue, after what is to be done about the file', async () => {
    const image = { op: 'a.png', expected: 'an image', got: 'nothing' };
    const remedy = 'Then run with --resume --accept-data, or leave it out: add --on-bad-image skip.';
    const cause = new DataError(image);
    const { error, lines } = await follow('bad', { onStep: failAt(2, cause) });
    expect(error).toMatchObject({ ...image, hint: `Fix the file. ${remedy}`, cause });
    expect(lines.at(-2)).toBe(`kept   checkpoint-00000002.safetensors in ${path('bad')}`);
    const { error: other } = await follow('worse', { onStep: failAt(2, new DataError({ ...image, hint: 'Buy it.' })) });
    expect(other).toMatchObject({ hint: `Buy it. ${remedy}` });
    expect(await readdir(path('bad'))).not.toContain('lock');
  });

  test('of another kind is thrown as it is', async () => {
    const fault = new TypeError('a fault');
    expect((await follow('fault', { onStep: failAt(2, fault) })).error).toBe(fault);
  });

  test('before the run begins keeps nothing', async () => {
    const { error, lines } = await follow('early', { setup: { recipe: { ...recipe, batchSize: 13 } } });
    expect(error).toMatchObject({ op: 'batchSize' });
    expect(lines).toEqual(['']);
  });

  test('of a picture is thrown after the weights are written', async () => {
    const onStep = (step: number): void => {
      if (step === 0) void mkdir(path('no picture', 'results.csv'));
    };
    const { error, lines } = await follow('no picture', { onStep });
    expect(error).toMatchObject({ op: path('no picture', 'results.csv') });
    expect(lines.some((line) => line.startsWith('wrote '))).toBe(true);
  });
});

describe('a run that is resumed', () => {
  test.each([
    [1, 'moved'],
    [2, 'the first of 2 such lines, moved'],
  ])('with %d lines that are no records names the first', async (count, what) => {
    const name = `rejected ${count}`;
    await follow(name, { onStep: failAt(2, new Error('enough')) });
    const lines = Array<string>(count).fill('{"kind":"step"}\n').join('');
    await writeFile(path(name, 'metrics.jsonl'), lines);
    const { stderr } = await follow(name, { resume: true });
    const file = path(name, 'metrics.jsonl');
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(`${file}:1: expected `);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(`; ${what} to metrics.rejected.jsonl`);
  });
});
