/** What `train` prints from its first step on, in a folder that is only in memory, with a trainer that computes nothing. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { join } from 'node:path';
import { followTraining } from '../../src/cli/followTraining.js';
import type { TrainFlags } from '../../src/cli/trainFlags.js';
import type { RunSetup } from '../../src/cli/trainingSetup.js';
import { DataError } from '../../src/core/errors.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import type { InvalidLine } from '../../src/report/record.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import type { Origin } from '../../src/train/origin.js';
import { RunFolder } from '../../src/train/runFolder.js';
import type { OpenTrainer } from '../../src/train/runOptions.js';
import { scripted } from '../train/scriptedTrainer.js';
import { config, data, FLAGS, recipe, removeListeners, SIGNALS } from './smallRun.js';

const { isTTY } = process.stdin;

/** Undoes what a test has changed in the process. */
function restore(): void {
  jest.restoreAllMocks();
  process.exitCode = undefined;
  process.stdin.isTTY = isTTY;
  removeListeners();
}
afterEach(restore);

interface Follow {
  readonly flags?: Partial<TrainFlags>;
  readonly setup?: Partial<RunSetup>;
  readonly checkpoint?: Checkpoint | null;
  readonly invalid?: readonly InvalidLine[];
  readonly failures?: readonly Error[];
  readonly isRemoved?: boolean;
  /** The weights that the folder has at the end. */
  readonly weights?: readonly string[];
  /** Called before each step, with the number of those before it. */
  readonly onStep?: (step: number) => void;
  readonly isTerminal?: boolean;
}

/** Follows a training. */
async function follow({ flags = {}, setup = {}, onStep, isTerminal = false, ...run }: Follow = {}) {
  const { checkpoint = null, invalid = [], failures = [], isRemoved = false, weights = ['best', 'best-fusable'] } = run;
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    jest.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      output[stream] += String(chunk);
      return true;
    });
  }
  const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
  process.stdin.isTTY = isTerminal;
  const saved: Checkpoint[] = [];
  let restorations = 0;
  const members = {
    ...{ path: 'run', checkpoint, warnings: [], failures },
    begin: () => Promise.resolve(invalid),
    restoreIfRemoved: () => Promise.resolve(++restorations > 0 && isRemoved),
    save: (one: Checkpoint) => Promise.resolve(saved.push(one)),
    saveWeights: (name: string) => Promise.resolve(join('run', `${name}.safetensors`)),
    hasWeights: (name: string) => Promise.resolve(weights.includes(name)),
    describeWeights: () => Promise.resolve('nothing in run'),
    ...Object.fromEntries(['record', 'derive', 'close'].map((name) => [name, () => Promise.resolve()])),
  };
  const folder = Object.create(
    RunFolder.prototype,
    Object.fromEntries(Object.entries(members).map(([name, value]) => [name, { value }])),
  ) as RunFolder;
  const { open, calls } = scripted(() => 0.2);
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
  const origin = { backend: 'reference', data: { spec: 'shapes', val_split: null } } as Origin;
  const whole: RunSetup = { folder, data, config, recipe, openTrainer, origin, file: {}, ...setup };
  const error: unknown = await followTraining(whole, { ...FLAGS, ...flags }).then(
    () => null,
    (reason: unknown) => reason,
  );
  const signals = kill.mock.calls.map(([, signal]) => signal);
  const { exitCode } = process;
  restore();
  return { ...output, lines: output.stdout.split('\n'), error, exitCode, calls, signals, saved, restorations };
}

const send =
  (signal: (typeof SIGNALS)[number]) =>
  (step: number): void => {
    if (step === 1) process.emit(signal, signal);
  };

describe('at the end', () => {
  test('weights and the next commands are named', async () => {
    const { lines, stderr, error, exitCode, restorations, signals } = await follow();
    expect([error, exitCode, stderr, restorations, signals]).toEqual([null, undefined, '', 1, []]);
    expect(lines.slice(lines.findIndex((line) => line.startsWith('wrote')))).toEqual([
      'wrote  run/last.safetensors (train form, lambda 1)',
      '       run/best.safetensors (epoch 1, top-1 20.0%)',
      '       run/best-fusable.safetensors (epoch 1, top-1 20.0%)',
      'next   vanillanet plot run',
      '       vanillanet fuse run/best-fusable.safetensors run/deploy.safetensors',
      '       vanillanet eval --weights run/deploy.safetensors --data shapes',
      '',
    ]);
  });

  test('weights that are gone are not named, and no score without held-out images', async () => {
    const train = { ...data.train, splitSource: 'drawn' as const };
    const { lines, error } = await follow({ weights: ['best'], setup: { data: { train, validation: null } } });
    expect(error).toBeNull();
    expect(
      lines.slice(
        lines.findIndex((line) => line.startsWith('wrote')),
        -4,
      ),
    ).toEqual(['wrote  run/last.safetensors (train form, lambda 1)', '       run/best.safetensors (epoch 1)']);
    expect(lines.at(-2)).toBe('       vanillanet eval --weights run/deploy.safetensors --data shapes');
  });

  test('the share that was drawn is named', async () => {
    const train = { ...data.train, splitSource: 'drawn' as const };
    const { lines } = await follow({ setup: { data: { ...data, train } } });
    expect(lines.at(-2)).toMatch(/ --data shapes --val-split 0\.1 --seed 9$/);
  });

  test('a folder that was removed, and a picture that could not be drawn, are told', async () => {
    const failure = new Error('no picture');
    const { stderr, lines, error } = await follow({ isRemoved: true, failures: [failure] });
    expect(stderr).toContain('run was removed or emptied; its records are written again');
    expect(lines.some((line) => line.startsWith('next '))).toBe(true);
    expect(error).toBe(failure);
  });

  test('there are only records with --json', async () => {
    const { lines, stderr } = await follow({ flags: { json: true } });
    const kinds = lines.slice(0, -1).map((line) => (JSON.parse(line) as { kind: string }).kind);
    expect([kinds, stderr]).toEqual([['step', 'step', 'step', 'epoch'], '']);
  });
});

test('the first steps tell the time of all', async () => {
  let now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const onStep = (): void => {
    now += 100_000;
  };
  const { lines } = await follow({ onStep });
  expect(lines.filter((line) => line.startsWith('time '))).toEqual([
    'time   about 5:00 an epoch, 3:20 to the end, by the first steps; evaluation comes on top',
  ]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends the training after a step, and is not sent again', async (signal, status) => {
  const options = { onStep: send(signal), isTerminal: true, isRemoved: true };
  const { lines, exitCode, calls, saved, signals, stderr, restorations } = await follow(options);
  expect([exitCode, calls.steps.length, saved.length, signals, stderr, restorations]).toEqual([
    ...[status, 2, 1, [], '', 0],
  ]);
  expect(lines).toContain('stopping after the next checkpoint; send the signal again to stop at once');
  expect(lines.slice(-2)).toEqual(['stopped; continue with: vanillanet train --resume run', '']);
});

test('SIGHUP is sent again if there was a terminal', async () => {
  const { exitCode, signals, lines } = await follow({ onStep: send('SIGHUP'), isTerminal: true });
  expect([exitCode, signals]).toEqual([129, ['SIGHUP']]);
  expect(lines.some((line) => line.startsWith('stopping '))).toBe(false);
});

describe('a training that is resumed', () => {
  test('goes on after the checkpoint, with other images if they are accepted', async () => {
    const { saved } = await follow({ onStep: send('SIGTERM') });
    const [checkpoint] = saved;
    expect((await follow({ checkpoint })).calls.steps).toHaveLength(1);
    const setup = { data: { ...data, train: drawShapes(13, { seed: 3, size: 8 }) } };
    const { error } = await follow({ checkpoint, setup });
    expect(error).toMatchObject({ op: 'resume', expected: '12 images to train on, as in the checkpoint', got: '13' });
    const accepted = await follow({ checkpoint, setup, flags: { acceptData: true } });
    expect([accepted.error, accepted.calls.steps.length]).toEqual([null, 1]);
  });

  test('names the lines of its records that it moved', async () => {
    const line = { line: 2, text: '{', expected: 'a record', got: 'half of one' };
    expect((await follow({ invalid: [line] })).stderr.replaceAll(/\s+/g, ' ')).toBe(
      'run/metrics.jsonl:2: expected a record, got half of one; moved to metrics.rejected.jsonl ',
    );
    expect((await follow({ invalid: [line, line] })).stderr.replaceAll(/\s+/g, ' ')).toContain(
      '; the first of 2 such lines, moved to ',
    );
  });
});

test('weights to start from must be those of the network', async () => {
  const { error, calls } = await follow({ setup: { state: new Map() } });
  expect(error).toMatchObject({ name: 'WeightsError' });
  expect(calls.steps).toHaveLength(0);
});

test('an error of the data says what is there, and how to go on', async () => {
  const cause = new DataError({ op: 'a.png', expected: 'an image', got: 'nothing' });
  const onStep = (): void => {
    throw cause;
  };
  const { error, lines } = await follow({ onStep });
  const remedy = 'Then run with --resume --accept-data, or leave it out: add --on-bad-image skip.';
  expect(error).toMatchObject({ op: 'a.png', hint: `Fix the file. ${remedy}`, cause });
  expect(lines.at(-2)).toBe('kept   nothing in run');
});
