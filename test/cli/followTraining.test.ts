/** What `train` prints and writes from its first step on, with a trainer that computes nothing. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { SingleBar } from 'cli-progress';
import { rmSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { followTraining } from '../../src/cli/followTraining.js';
import type { TrainFlags } from '../../src/cli/trainFlags.js';
import type { RunSetup } from '../../src/cli/trainingSetup.js';
import { DataError } from '../../src/core/errors.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
// Loaded before the tests, because jest cannot load two modules at once that import the same one.
import '../../src/report/curves.js';
import '../../src/report/page.js';
import { readMetrics } from '../../src/report/record.js';
import type { Origin } from '../../src/train/origin.js';
import { RunFolder } from '../../src/train/runFolder.js';
import type { OpenTrainer } from '../../src/train/runOptions.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { scripted, type Script } from '../train/scriptedTrainer.js';
import { config, data, FLAGS, recipe, removeListeners } from './smallRun.js';

const path = temporaryFolder();

const STREAMS = ['stdin', 'stdout', 'stderr'] as const;
const areTerminals = STREAMS.map((stream) => process[stream].isTTY);

afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
  removeListeners();
});

interface Follow {
  readonly flags?: Partial<TrainFlags>;
  readonly setup?: Partial<RunSetup>;
  readonly resume?: boolean;
  /** Called before each step, with the number of those before it. */
  readonly onStep?: (step: number) => void;
  /** Called when the training has ended, before its result is written. */
  readonly onEnd?: () => void;
  readonly script?: Script;
  /** The stream that is a terminal; none by default. */
  readonly terminal?: 'stdin' | 'stdout';
}

/** Follows a training in a folder. */
async function follow(
  name: string,
  { flags = {}, setup = {}, resume = false, onStep, onEnd, script, terminal }: Follow = {},
) {
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    jest.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      output[stream] += String(chunk);
      return true;
    });
  }
  // After a training that was stopped, another signal ends the process.
  const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
  const [startBar, stopBar] = (['start', 'stop'] as const).map((name) => jest.spyOn(SingleBar.prototype, name));
  STREAMS.forEach((stream) => {
    process[stream].isTTY = stream === terminal;
  });
  const { open, calls } = scripted(script);
  const openTrainer: OpenTrainer = async (network, options) => {
    const trainer = await open(network, options);
    return {
      ...trainer,
      step(...args) {
        onStep?.(calls.steps.length);
        return trainer.step(...args);
      },
      dispose() {
        trainer.dispose();
        onEnd?.();
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
  // Signal 0 only asks whether a process runs.
  const signals = kill.mock.calls.filter(([, signal]) => signal !== 0);
  const isBarStopped = stopBar.mock.calls.length > 0;
  // A bar that was left would draw over the output of later tests.
  for (const bar of startBar.mock.contexts) (bar as SingleBar).stop();
  jest.restoreAllMocks();
  STREAMS.forEach((stream, i) => {
    process[stream].isTTY = areTerminals[i];
  });
  const exitCode = process.exitCode;
  process.exitCode = undefined;
  return { ...output, lines: output.stdout.split('\n'), error, exitCode, calls, signals, isBarStopped };
}

const failAt = (last: number, error: Error) => (step: number) => {
  if (step === last) throw error;
};

describe('a training to the end', () => {
  test('names its weights and the next commands', async () => {
    const { lines, stderr, error, exitCode } = await follow('whole', { script: () => 0.2 });
    expect([error, exitCode, stderr]).toEqual([null, undefined, '']);
    expect(lines.slice(0, 4)).toEqual([
      ...[1, 2, 3].map((step) => expect.stringMatching(new RegExp(`^epoch 1/1 {2}step ${step}/3 `)) as unknown),
      expect.stringMatching(/^epoch 1\/1 {2}train loss /),
    ]);
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

  test('tells the time that it will take, measured in the first steps', async () => {
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const onStep = (): void => {
      now += 100_000;
    };
    const { lines } = await follow('slow', { onStep });
    expect(lines.filter((line) => line.startsWith('time '))).toEqual([
      'time   about 5:00 an epoch, 3:20 to the end, by the first steps; evaluation comes on top',
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

describe('SIGHUP', () => {
  const onStep = (step: number): void => {
    if (step === 1) process.emit('SIGHUP', 'SIGHUP');
  };

  test('ends the process again if its terminal is gone', async () => {
    const { lines, exitCode, signals } = await follow('terminal gone', { onStep, terminal: 'stdin' });
    expect([exitCode, signals]).toEqual([129, [[process.pid, 'SIGHUP']]]);
    expect(lines.some((line) => line.startsWith('stopping '))).toBe(false);
  });

  test('without a terminal only stops the training', async () => {
    const { exitCode, signals } = await follow('no terminal', { onStep });
    expect([exitCode, signals]).toEqual([129, []]);
  });

  test('is not sent after another signal', async () => {
    const other = (step: number): void => {
      if (step === 1) process.emit('SIGTERM', 'SIGTERM');
    };
    const { exitCode, signals } = await follow('other signal', { onStep: other, terminal: 'stdin' });
    expect([exitCode, signals]).toEqual([143, []]);
  });
});

describe('a folder that is removed', () => {
  const removed = (name: string) => (): void => {
    rmSync(path(name), { recursive: true });
  };

  test('at the end is created again, without the best weights', async () => {
    const name = 'removed';
    const { lines, stderr, error } = await follow(name, { onEnd: removed(name) });
    const what = 'its records are written again, and the best weights may be missing';
    expect([error, stderr]).toEqual([null, `${path(name)} was removed or emptied; ${what}\n`]);
    const end = lines.findIndex((line) => line.startsWith('wrote'));
    expect(lines.slice(end, end + 2)).toEqual([
      `wrote  ${path(name, 'last.safetensors')} (train form, lambda 1)`,
      `next   vanillanet plot ${path(name)}`,
    ]);
    expect(await readMetrics(path(name, 'metrics.jsonl'))).toHaveLength(4);
  });

  test('after a signal stays removed', async () => {
    const name = 'stopped and removed';
    const onStep = (step: number): void => {
      if (step === 1) process.emit('SIGINT', 'SIGINT');
    };
    const { stderr } = await follow(name, { onStep, onEnd: removed(name) });
    expect(stderr).not.toContain('was removed or emptied');
    await expect(readdir(path(name))).rejects.toThrow('ENOENT');
  });

  test('before an error of the data loses the last steps', async () => {
    const name = 'removed early';
    const fault = new DataError({ op: 'a.png', expected: 'an image', got: 'nothing' });
    const onStep = (step: number): void => {
      if (step < 2) return;
      removed(name)();
      throw fault;
    };
    const { lines, stderr, error } = await follow(name, { onStep });
    expect(error).toMatchObject({ cause: fault });
    expect(stderr).toBe(
      `ParamError: ${path(name)}: expected the folder in which this run began, got a folder that was removed; ` +
        'the last steps are lost\n',
    );
    expect(lines.at(-2)).toBe(`kept   no weights in ${path(name)}`);
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

  test('removes the bar on a terminal', async () => {
    const { isBarStopped } = await follow('bar', { onStep: failAt(2, new Error('enough')), terminal: 'stdout' });
    expect(isBarStopped).toBe(true);
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
    const { error, lines, stderr } = await follow('no picture', { onStep });
    expect(error).toMatchObject({ op: path('no picture', 'results.csv') });
    expect(stderr).toBe(`ParamError: ${(error as Error).message}; the training continues\n`);
    expect(lines.some((line) => line.startsWith('wrote '))).toBe(true);
  });
});

describe('a run that is resumed', () => {
  test('has as many images as before, unless other data are accepted', async () => {
    await follow('other data', {
      onStep: failAt(2, new DataError({ op: 'a.png', expected: 'an image', got: 'none' })),
    });
    const setup = { data: { ...data, train: drawShapes(13, { seed: 3, size: 8 }) } };
    const { error } = await follow('other data', { resume: true, setup });
    expect(error).toMatchObject({ op: 'resume', expected: '12 images to train on, as in the checkpoint', got: '13' });
    const { error: none, calls } = await follow('other data', { resume: true, setup, flags: { acceptData: true } });
    expect([none, calls.steps.length]).toEqual([null, 1]);
  });

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
