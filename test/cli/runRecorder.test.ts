import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isRecorded, RunRecorder } from '../../src/cli/runRecorder.js';
import { DataError, ParamError } from '../../src/core/errors.js';
// Loaded before the run imports them twice at once, which jest does not support.
import '../../src/report/curves.js';
import '../../src/report/page.js';
import { readMetrics } from '../../src/report/record.js';
import { readCheckpoint, type Checkpoint } from '../../src/train/checkpoint.js';
import type { Origin } from '../../src/train/origin.js';
import type { NetworkWeights, Progress, TrainingResult } from '../../src/train/progress.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { refusal } from '../io/refusal.js';
import { epochRecord, stepRecord } from '../report/syntheticRun.js';
import { checkpointAt } from '../train/checkpointAt.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();

describe('if a checkpoint cannot be written between two steps', () => {
  const full = new ParamError({ op: 'run', expected: 'a file to write', got: 'a full disk' });
  const point = { globalStep: 5, checkpoint: () => Promise.reject(full) };

  async function openRecorder(reported: unknown[] = []): Promise<RunRecorder> {
    const folder = await RunFolder.open(path('run'), { resume: false, onDamage: () => undefined });
    return new RunRecorder(folder, {
      stops: () => true,
      every: 0,
      onUnsaved: (error) => reported.push(error),
      onStale: () => undefined,
    });
  }

  test('leaves the error that ends the run to be thrown, and reports the other', async () => {
    const reported: unknown[] = [];
    const error = new DataError({ op: 'cat/1.png', expected: 'a whole image', got: 'half of one' });
    await (await openRecorder(reported)).between({ ...point, error });
    expect(reported).toEqual([full]);
  });

  test('throws it if there is no other error', async () => {
    const reported: unknown[] = [];
    await expect((await openRecorder(reported)).between(point)).rejects.toBe(full);
    expect(reported).toEqual([]);
  });
});

test.each([
  // Every tenth, and the last of the epoch.
  [1251, undefined, [10, 20], 125 + 1],
  [200, undefined, [10, 20], 20],
  // 20 an epoch if it is shorter.
  [100, undefined, [5, 10], 20],
  [20, undefined, [1, 2], 20],
  [5, undefined, [1, 2], 5],
  [7, 3, [3, 6], 3],
  [7, 100, [7], 1],
])('of %d steps, with --log-every %p, records %p, … (%d in all)', (steps, logEvery, first, count) => {
  const recorded = Array.from({ length: steps }, (_, i) => i + 1).filter((step) => isRecorded(step, steps, logEvery));
  expect(recorded.slice(0, first.length)).toEqual(first);
  expect(recorded).toHaveLength(count);
  expect(recorded[recorded.length - 1]).toBe(steps);
});

describe('if a file of the run cannot be written', () => {
  /** A run of one step, which goes on to `end` if nothing stops it. */
  async function runOf(name: string, prepare: (folder: string) => Promise<void>, more: Partial<Progress> = {}) {
    const folder = await RunFolder.open(path(name), { resume: false, onDamage: () => undefined });
    await folder.begin({ lr: 1 }, {} as Origin);
    await prepare(path(name));
    const stale: string[] = [];
    const recorder = new RunRecorder(folder, {
      ...{ stops: () => false, every: 1000, onUnsaved: () => undefined },
      onStale: (error) => stale.push(error.message),
    });
    const progress = {
      ...stepRecord(1, 4),
      checkpoint: () => Promise.resolve(checkpointAt(4)),
      weights: () => Promise.reject(new Error('not needed')),
      ...more,
    } as Progress;
    async function* steps(): AsyncGenerator<Progress, TrainingResult> {
      yield progress;
      yield progress;
      return Promise.reject(new Error('end'));
    }
    const error: unknown = await recorder.follow(steps(), () => undefined).catch((cause: unknown) => cause);
    await folder.close();
    return { error, stale, names: (await readdir(path(name))).sort() };
  }

  const CHECKPOINT = 'checkpoint-00000004.safetensors';

  test('saves the last step, and the record in its checkpoint', async () => {
    const { error, names } = await runOf('metrics', (folder) => mkdir(`${folder}/metrics.jsonl`).then(() => undefined));
    expect(error).toEqual(refusal(ParamError, path('metrics', 'metrics.jsonl'), 'a file to write', 'a folder'));
    expect(names).toEqual([CHECKPOINT, 'config.json', 'metrics.jsonl']);
    const { unrecorded = [] } = await readCheckpoint(path('metrics', CHECKPOINT));
    expect(unrecorded.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ...stepRecord(1, 4), time: expect.any(Number) },
    ]);
  });

  test('saves configuration, records and the last step in a new folder if it was removed', async () => {
    const { error, names } = await runOf('removed', (folder) => rm(folder, { recursive: true }));
    expect(error).toEqual(
      refusal(ParamError, path('removed'), 'the folder in which this run began', 'a folder that was removed'),
    );
    expect(names).toEqual([CHECKPOINT, 'config.json', 'metrics.jsonl']);
    expect(await readMetrics(path('removed', 'metrics.jsonl'))).toEqual([
      { ...stepRecord(1, 4), time: expect.any(Number) },
    ]);
    expect((await readCheckpoint(path('removed', CHECKPOINT))).unrecorded).toBeUndefined();
  });

  test.each([
    [
      'emptied',
      'one without its lock',
      async (folder: string) => {
        for (const name of await readdir(folder)) await rm(`${folder}/${name}`);
      },
    ],
    ['unlocked', 'one without its lock', (folder: string) => rm(`${folder}/lock`)],
  ])('saves the same in a folder that was %s', async (name, got, prepare) => {
    const { error, names } = await runOf(name, prepare);
    expect(error).toEqual(refusal(ParamError, path(name), 'the folder in which this run began', got));
    expect(error).toMatchObject({ hint: expect.stringContaining('until the run ends') });
    expect(names).toEqual([CHECKPOINT, 'config.json', 'metrics.jsonl']);
    expect(await readMetrics(path(name, 'metrics.jsonl'))).toMatchObject([{ global_step: 4 }]);
  });

  test('writes nothing into a folder that another run has taken', async () => {
    const { error, names } = await runOf('taken', async (folder) => {
      await writeFile(`${folder}/lock`, `${process.ppid}\n`);
      await writeFile(`${folder}/config.json`, '{}');
    });
    expect(error).toEqual(
      refusal(ParamError, path('taken'), 'the folder in which this run began', 'one that another process has locked'),
    );
    expect(names).toEqual(['config.json', 'lock']);
    expect(await readFile(path('taken', 'config.json'), 'utf8')).toBe('{}');
  });

  test('does not overwrite a run that has ended in the same folder', async () => {
    const { error, names } = await runOf('ended', async (folder) => {
      await rm(`${folder}/lock`);
      await writeFile(`${folder}/metrics.jsonl`, '');
    });
    expect(error).toEqual(refusal(ParamError, path('ended'), 'the folder in which', 'one without its lock'));
    expect(names).toEqual(['config.json', 'metrics.jsonl']);
  });

  const epoch = (best: () => Promise<NetworkWeights>): Partial<Progress> => ({ ...epochRecord(1), newBest: { best } });

  test('saves no checkpoint that names a best epoch without its weights', async () => {
    const failure = new ParamError({ op: 'best', expected: 'a file to write', got: 'a full disk' });
    const { error, names } = await runOf(
      'best',
      () => Promise.resolve(),
      epoch(() => Promise.reject(failure)),
    );
    expect(error).toBe(failure);
    expect(names).toEqual(['config.json', 'metrics.jsonl']);
  });

  test('continues if it is derived from the records, and reports it once', async () => {
    const { config, snapshot } = checkpointAt(4);
    const { error, stale, names } = await runOf(
      'derived',
      (folder) => mkdir(`${folder}/results.csv`).then(() => undefined),
      epoch(() => Promise.resolve({ config, state: snapshot.state })),
    );
    expect(error).toEqual(new Error('end'));
    expect(stale).toEqual([`${path('derived', 'results.csv')}: expected a file to write, got a folder`]);
    expect(names).toEqual(
      [
        'best.safetensors',
        CHECKPOINT,
        'config.json',
        'curves.html',
        'curves.svg',
        'metrics.jsonl',
        'results.csv',
      ].sort(),
    );
  });
});

describe('what is written, and when', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** A recorder in a folder that lists what is written, with a clock. The last checkpoint is that of step 4. */
  function listing({ stops = (): boolean => false, logEvery = 1, saves = [] as Promise<void>[] } = {}) {
    let now = 1e6;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const writes: unknown[] = [];
    const write = (item: unknown): Promise<void> => Promise.resolve(void writes.push(item));
    const members = {
      checkpoint: checkpointAt(4),
      failures: [],
      record: write,
      derive: write,
      save: ({ globalStep }: Checkpoint) => saves.shift() ?? write(`checkpoint ${globalStep}`),
      saveWeights: (name: string, { config }: NetworkWeights) => write(`${name} at ${config.lambda}`),
      restoreIfRemoved: () => write('restored'),
    };
    const folder = Object.create(RunFolder.prototype, Object.getOwnPropertyDescriptors(members)) as RunFolder;
    const unsaved = (error: unknown): void => void writes.push(error);
    const recorder = new RunRecorder(folder, { stops, every: 10, logEvery, onUnsaved: unsaved, onStale: unsaved });
    const wait = (milliseconds: number): void => {
      now += milliseconds;
    };
    return { recorder, writes, wait };
  }

  const point = (globalStep: number) => ({ globalStep, checkpoint: () => Promise.resolve(checkpointAt(globalStep)) });
  const weightsAt = (lambda: number) => (): Promise<NetworkWeights> => {
    const { config, snapshot } = checkpointAt(4);
    return Promise.resolve({ config: { ...config, lambda }, state: snapshot.state });
  };
  const copies = (globalStep: number) => ({ checkpoint: point(globalStep).checkpoint, weights: weightsAt(0.5) });
  const stepAt = (step: number): Progress => ({ ...stepRecord(1, step), ...copies(step) });
  const epochAt = (epoch: number, newBest = {}): Progress => ({ ...epochRecord(epoch), newBest, ...copies(4 * epoch) });

  test('a checkpoint between two steps, more than so many seconds after the last one', async () => {
    const { recorder, writes, wait } = listing();
    await recorder.between(point(5));
    wait(10_000);
    await recorder.between(point(6));
    expect(writes).toEqual([]);
    wait(1);
    // It is there already.
    await recorder.between(point(4));
    expect(writes).toEqual([]);
    await recorder.between(point(7));
    await recorder.between(point(8));
    expect(writes).toEqual(['checkpoint 7']);
  });

  test('a checkpoint before the error that ends the run, unless it is there', async () => {
    const { recorder, writes } = listing();
    const error = new DataError({ op: 'cat/1.png', expected: 'a whole image', got: 'half of one' });
    await recorder.between({ ...point(4), error });
    expect(writes).toEqual([]);
    await recorder.between({ ...point(5), error });
    await recorder.between({ ...point(5), error });
    expect(writes).toEqual(['checkpoint 5']);
  });

  test('a checkpoint before the run stops, unless it is there', async () => {
    const { recorder, writes } = listing({ stops: () => true });
    await expect(recorder.between(point(4))).rejects.toThrow();
    expect(writes).toEqual([]);
    await expect(recorder.between(point(5))).rejects.toThrow();
    expect(writes).toEqual(['checkpoint 5']);
  });

  test('the checkpoint once more, in a restored folder, if it fails', async () => {
    const full = new ParamError({ op: 'run', expected: 'a file to write', got: 'a full disk' });
    const { recorder, writes, wait } = listing({ saves: [Promise.reject(full)] });
    wait(10_001);
    await expect(recorder.between(point(5))).rejects.toBe(full);
    expect(writes).toEqual(['restored', 'checkpoint 5']);
  });

  /** The steps of a run, which lists when it is left. */
  async function* steps(
    writes: unknown[],
    progress: readonly (() => Promise<Progress> | Progress)[],
  ): AsyncGenerator<Progress, TrainingResult> {
    try {
      for (const next of progress) yield await next();
      return { ...(await weightsAt(1)()), best: null, bestFusable: null };
    } finally {
      writes.push('left');
    }
  }

  test('records of steps and epochs, the weights of the best epochs, and what is derived from them', async () => {
    const { recorder, writes } = listing({ logEvery: 3 });
    const shown: string[] = [];
    const newBest = { best: weightsAt(0.5), bestFusable: weightsAt(1) };
    const progress = [1, 2, 3, 4].map((step) => () => stepAt(step));
    const run = steps(writes, [...progress, () => epochAt(1, newBest), () => epochAt(2)]);
    const result = await recorder.follow(run, ({ kind }) => shown.push(kind));
    expect(result).toMatchObject({ best: null, config: { lambda: 1 } });
    expect(shown).toEqual([...Array<string>(4).fill('step'), 'epoch', 'epoch']);
    const [first, second] = [epochRecord(1), epochRecord(2)];
    expect(writes).toEqual([
      ...[stepRecord(1, 3), stepRecord(1, 4)],
      ...[first, 'best at 0.5', 'best-fusable at 1', 'checkpoint 4', { curves: true }],
      ...[second, 'checkpoint 8', { curves: false }, 'left'],
    ]);
  });

  test('curves after an epoch, more than five seconds after the last ones, and at the end', async () => {
    const { recorder, writes, wait } = listing();
    const run = [0, 5000, 1, 4000, 1001].map((milliseconds, i) => () => {
      wait(milliseconds);
      return epochAt(i + 1);
    });
    await recorder.follow(steps(writes, run), () => undefined);
    expect(await recorder.derive()).toEqual([]);
    const curves = (writes as { curves?: boolean }[]).flatMap((item) => item.curves ?? []);
    expect(curves).toEqual([true, false, true, false, true, true]);
  });

  test('nothing more if the run is stopped after a step, or between two', async () => {
    let stopped = false;
    const { recorder, writes } = listing({ stops: () => stopped });
    const stop = (): Progress => {
      stopped = true;
      return stepAt(5);
    };
    expect(await recorder.follow(steps(writes, [stop, () => stepAt(6)]), () => undefined)).toBeNull();
    expect(writes).toEqual([stepRecord(1, 5), 'checkpoint 5', 'left']);
    writes.length = 0;
    const between = async (): Promise<Progress> => {
      await recorder.between(point(6));
      return stepAt(7);
    };
    expect(await recorder.follow(steps(writes, [between]), () => undefined)).toBeNull();
    expect(writes).toEqual(['checkpoint 6', 'left']);
  });

  test('an error of the run, after which its steps are left', async () => {
    const { recorder, writes } = listing();
    const error = new Error('no image');
    const failing = steps(writes, [() => stepAt(5), () => Promise.reject(error)]);
    await expect(recorder.follow(failing, () => undefined)).rejects.toBe(error);
    expect(writes).toEqual([stepRecord(1, 5), 'left']);
  });
});
