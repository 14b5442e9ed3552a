/** The records of a run, and the files that are derived from them, on broken files and full disks. */
import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ParamError } from '../../src/core/errors.js';
import { readMetrics, type MetricsRecord } from '../../src/report/record.js';
import { resultsCsv } from '../../src/report/resultsCsv.js';
import { RunRecords } from '../../src/train/runRecords.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { linuxTest } from '../platform.js';
import { epochRecord, linesOf, stepRecord, syntheticRun } from '../report/syntheticRun.js';

const path = temporaryFolder();
/** After the second epoch of `syntheticRun`. */
const END = { globalStep: 8, epoch: 2 };

const textOf = (folder: string, file = 'metrics.jsonl'): Promise<string> => readFile(path(folder, file), 'utf8');
const withoutTime = (records: readonly MetricsRecord[]): MetricsRecord[] =>
  records.map((record) => {
    const copy: Record<string, unknown> = { ...record };
    delete copy['time'];
    return copy as unknown as MetricsRecord;
  });

async function folderOf(name: string, metrics?: string | Uint8Array): Promise<string> {
  await mkdir(path(name));
  if (metrics !== undefined) await writeFile(path(name, 'metrics.jsonl'), metrics);
  return path(name);
}

describe('restore', () => {
  test('keeps the records up to the checkpoint', async () => {
    const records = new RunRecords(await folderOf('later', linesOf(syntheticRun(3))), false);
    expect(await records.restore(END)).toEqual([]);
    expect(records.all).toEqual(syntheticRun(2));
    expect(await textOf('later')).toBe(linesOf(syntheticRun(2)));
  });

  test('tells an epoch that is evaluated from one that is not by the epochs done', async () => {
    const records = new RunRecords(await folderOf('evaluation', linesOf(syntheticRun(2))), false);
    await records.restore({ globalStep: 8, epoch: 1 });
    expect(records.all).toEqual(syntheticRun(2).slice(0, -1));
  });

  test('begins without records if there is no file', async () => {
    const records = new RunRecords(await folderOf('missing'), false);
    expect(await records.restore(END)).toEqual([]);
    expect(await textOf('missing')).toBe('');
  });

  test.each([
    ['an object that is no record', '{"loss":1}\n', 1],
    ['null', 'null\n', 1],
    ['a value of another type', `${JSON.stringify({ ...stepRecord(1, 1), loss: 'low' })}\n`, 1],
    ['a number instead of scores', `${JSON.stringify({ ...epochRecord(1), train: 1 })}\n`, 1],
    ["another program's log", 'epoch,loss\n1,2\n{"step": 1}\n', 3],
    ['a line that was cut in the middle of the file', `${linesOf([stepRecord(1, 1)]).slice(0, 30)}\n`, 1],
    ['zeros, as after a power failure', `${'\0'.repeat(512)}\n`, 1],
    ['nested lists', `${'['.repeat(20_000)}\n${'['.repeat(20_000)}${']'.repeat(20_000)}\n`, 2],
  ])('moves %s to metrics.rejected.jsonl', async (what, lines, count) => {
    const folder = await folderOf(what.replaceAll(/\W/g, '-'));
    const whole = linesOf(syntheticRun(2));
    const half = linesOf(syntheticRun(1));
    await writeFile(`${folder}/metrics.jsonl`, half + lines + whole.slice(half.length));
    const records = new RunRecords(folder, false);
    const invalid = await records.restore(END);
    expect(invalid).toHaveLength(count);
    expect(invalid[0]).toMatchObject({ line: 6, text: lines.split('\n')[0] });
    expect(await readFile(`${folder}/metrics.jsonl`, 'utf8')).toBe(whole);
    expect(await readFile(`${folder}/metrics.rejected.jsonl`, 'utf8')).toBe(lines);
    // A second resume finds nothing to repair.
    expect(await new RunRecords(folder, false).restore(END)).toEqual([]);
    expect(await readFile(`${folder}/metrics.rejected.jsonl`, 'utf8')).toBe(lines);
  });

  test.each([
    ['a cut last line', linesOf([stepRecord(3, 1)]).slice(0, 50)],
    ['zeros at the end', '\0'.repeat(100)],
    ['records that are there already', linesOf(syntheticRun(1))],
  ])('drops %s', async (what, tail) => {
    const folder = await folderOf(what.replaceAll(' ', '-'), linesOf(syntheticRun(2)) + tail);
    const records = new RunRecords(folder, false);
    expect(await records.restore(END)).toEqual([]);
    expect(await readdir(folder)).toEqual(['metrics.jsonl']);
    expect(await readMetrics(`${folder}/metrics.jsonl`)).toEqual(syntheticRun(2));
  });

  test('drops the mark that some editors put at the start', async () => {
    const folder = await folderOf('mark', `\ufeff${linesOf(syntheticRun(2))}`);
    expect(await new RunRecords(folder, false).restore(END)).toEqual([]);
    expect(await textOf('mark')).toBe(linesOf(syntheticRun(2)));
  });

  test('adds lines that the checkpoint has because the file could not be written', async () => {
    const [last, ...rest] = syntheticRun(2).reverse();
    const folder = await folderOf('unrecorded', linesOf(rest.reverse()));
    const records = new RunRecords(folder, false);
    await records.restore({ ...END, unrecorded: [linesOf([last]).trimEnd()] });
    expect(await textOf('unrecorded')).toBe(linesOf(syntheticRun(2)));
    expect(records.unrecorded).toEqual([]);
  });

  test('refuses a folder in place of the file, and changes nothing', async () => {
    await mkdir(path('folder', 'metrics.jsonl'), { recursive: true });
    await expect(new RunRecords(path('folder'), false).restore(END)).rejects.toThrow(
      refusal(ParamError, path('folder', 'metrics.jsonl'), 'a readable file', 'a folder'),
    );
    expect(await readdir(path('folder'))).toEqual(['metrics.jsonl']);
  });
});

describe('records of another run', () => {
  const scores = { loss: 1, top1: 0.5, top5: 1 };
  const restored = async (name: string, lines: readonly MetricsRecord[], top1: number | null): Promise<number> => {
    const records = new RunRecords(await folderOf(name, linesOf(lines)), false);
    await records.restore({ ...END, best: { epoch: 2, top1 } });
    return records.all.length;
  };

  test('have another accuracy of the best epoch, also after its steps', async () => {
    expect(await restored('other', syntheticRun(2), 0.5)).toBe(0);
    expect(await readdir(path('other'))).toEqual(['metrics.1.jsonl', 'metrics.jsonl']);
  });

  test('are not those without validation', async () => {
    const { validation, ...last } = epochRecord(2);
    expect(validation).toBeDefined();
    const lines = [...syntheticRun(1), { ...last, ema: scores }];
    expect(await restored('averaged', lines, 0.5)).toBe(lines.length);
    expect(await restored('unscored', [...syntheticRun(1), last], null)).toBe(lines.length);
  });

  linuxTest('a limit of 4095 bytes of a path')('are not overwritten if they cannot be renamed', async () => {
    // Of metrics.jsonl, the path has the largest length: that of metrics.1.jsonl is too long.
    const length = 4095 - '/metrics.jsonl'.length;
    let folder = path();
    while (folder.length < length) folder += `/${'d'.repeat(Math.min(200, length - folder.length - 1))}`;
    await mkdir(folder, { recursive: true });
    await writeFile(`${folder}/metrics.jsonl`, linesOf(syntheticRun(2)));
    const promise = new RunRecords(folder, false).restore({ ...END, best: { epoch: 2, top1: 0.5 } });
    await expect(promise).rejects.toMatchObject({
      ...{ name: 'ParamError', op: expect.stringContaining('/ddd') as unknown, expected: 'a file to rename' },
      ...{ got: 'a name that is too long', cause: { code: 'ENAMETOOLONG' } },
    });
    expect(await readFile(`${folder}/metrics.jsonl`, 'utf8')).toBe(linesOf(syntheticRun(2)));
  });
});

describe('inspect', () => {
  test('tells a file that was removed, cut or replaced from its own', async () => {
    const folder = await folderOf('inspected', linesOf(syntheticRun(1)));
    const metrics = path('inspected', 'metrics.jsonl');
    const records = new RunRecords(folder, false);
    expect(await records.inspect()).toEqual({ isLost: false, isOther: true });
    await records.append(stepRecord(1, 1));
    expect(await records.inspect()).toEqual({ isLost: false, isOther: false });
    await writeFile(path('inspected', 'copy'), `${await readFile(metrics, 'utf8')}\n`);
    await rename(path('inspected', 'copy'), metrics);
    expect(await records.inspect()).toEqual({ isLost: false, isOther: true });
    await truncate(metrics, 5);
    expect(await records.inspect()).toEqual({ isLost: true, isOther: true });
    await rm(metrics);
    expect(await records.inspect()).toEqual({ isLost: true, isOther: false });
    // What cannot be looked at is not lost.
    await rm(folder, { recursive: true });
    await writeFile(folder, '');
    expect(await records.inspect()).toEqual({ isLost: false, isOther: false });
  });

  test('finds no loss before the first write', async () => {
    const records = new RunRecords(await folderOf('unwritten'), false);
    expect(await records.inspect()).toEqual({ isLost: false, isOther: false });
  });
});

describe('append', () => {
  test('writes a line with the time', async () => {
    const records = new RunRecords(await folderOf('appended'), false);
    const before = Date.now() / 1000;
    await records.append(stepRecord(1, 1));
    await records.append(epochRecord(1));
    const written = await readMetrics(path('appended', 'metrics.jsonl'));
    expect(withoutTime(written)).toEqual([stepRecord(1, 1), epochRecord(1)]);
    expect(records.all).toEqual(written);
    for (const { time = 0 } of written) {
      expect(time).toBeGreaterThanOrEqual(before);
      expect(time).toBeLessThanOrEqual(Date.now() / 1000);
    }
    expect(await readdir(path('appended'))).toEqual(['metrics.jsonl']);
  });

  test('remembers a line that could not be written; writing all again has it', async () => {
    const records = new RunRecords(await folderOf('blocked'), true);
    await mkdir(path('blocked', 'metrics.jsonl'));
    await expect(records.append(stepRecord(1, 1))).rejects.toThrow(
      refusal(ParamError, path('blocked', 'metrics.jsonl'), 'a file to write', 'a folder'),
    );
    expect(records.unrecorded).toEqual([linesOf(records.all).trimEnd()]);
    await rm(path('blocked', 'metrics.jsonl'), { recursive: true });
    await records.rewrite();
    expect(await textOf('blocked')).toBe(linesOf(records.all));
    expect(records.unrecorded).toEqual([]);
  });
});

describe('derive', () => {
  test('writes results.csv and draws curves of all records', async () => {
    const records = new RunRecords(await folderOf('derived', linesOf(syntheticRun(2))), false);
    await records.restore(END);
    const drawn: (readonly MetricsRecord[])[] = [];
    await records.derive((all) => {
      drawn.push(all);
      return Promise.resolve();
    });
    await records.derive(null);
    expect(drawn).toEqual([syntheticRun(2)]);
    expect(await textOf('derived', 'results.csv')).toBe(resultsCsv(syntheticRun(2)));
    expect(records.failures).toEqual([]);
    expect((await readdir(path('derived'))).sort()).toEqual(['metrics.jsonl', 'results.csv']);
  });

  test('keeps errors instead of throwing them, until the files are up to date', async () => {
    const records = new RunRecords(await folderOf('stale'), true);
    await records.append(epochRecord(1));
    await mkdir(path('stale', 'results.csv'));
    await records.derive(() => Promise.reject(new Error('no room for a picture')));
    expect(records.failures.map(({ message }) => message)).toEqual([
      `${path('stale', 'results.csv')}: expected a file to write, got a folder`,
      'no room for a picture',
    ]);
    await rm(path('stale', 'results.csv'), { recursive: true });
    await records.derive(() => Promise.resolve());
    expect(records.failures).toEqual([]);
    expect(await textOf('stale', 'results.csv')).toBe(resultsCsv(records.all));
  });
});

describe('event files', () => {
  const eventFiles = async (folder: string): Promise<string[]> =>
    (await readdir(path(folder))).filter((name) => name.includes('tfevents'));

  test('there is one, whose name TensorBoard recognizes, with a version and an event a record', async () => {
    const records = new RunRecords(await folderOf('events'), true);
    await records.append(stepRecord(1, 1));
    const [name] = await eventFiles('events');
    expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\..+\.\d+\.vanillanet$/);
    const lengths: number[] = [];
    for (const record of [stepRecord(1, 2), epochRecord(1)]) {
      lengths.push((await readFile(path('events', name))).length);
      await records.append(record);
    }
    const bytes = await readFile(path('events', name));
    // Appended: the beginning is as before.
    expect(bytes.subarray(0, 12).toString('hex')).toMatch(/^1800000000000000/);
    expect(lengths[1]).toBeGreaterThan(lengths[0]);
    expect(bytes.length).toBeGreaterThan(lengths[1]);
    expect(await eventFiles('events')).toEqual([name]);
  });

  test('an append that fails is repaired by a new file, and reported until then', async () => {
    const records = new RunRecords(await folderOf('broken-events'), true);
    await records.append(stepRecord(1, 1));
    const [name] = await eventFiles('broken-events');
    await rm(path('broken-events', name));
    await mkdir(path('broken-events', name));
    await records.append(stepRecord(1, 2));
    expect(records.failures.map(({ message }) => message)).toEqual([
      `${path('broken-events', name)}: expected a file to write, got a folder`,
    ]);
    await rm(path('broken-events', name), { recursive: true });
    await records.derive(null);
    expect(records.failures).toEqual([]);
    expect(await eventFiles('broken-events')).toHaveLength(1);
  });

  const python = process.env.VANILLANET_PYTHON;
  const title =
    python === undefined ? 'TensorBoard: VANILLANET_PYTHON names no Python with tensorboard' : 'TensorBoard';
  (python === undefined ? test.skip : test)(`${title} reads each record once, also of a resumed run`, async () => {
    const folder = await folderOf('tensorboard');
    const first = new RunRecords(folder, true);
    for (const record of syntheticRun(3)) await first.append(record);
    const foreign = 'events.out.tfevents.1700000000.other.1.0';
    await appendFile(path('tensorboard', foreign), '');
    const second = new RunRecords(folder, true);
    await second.restore(END);
    for (const record of syntheticRun(4).slice(second.all.length)) {
      await second.append({ ...record, loss: NaN } as MetricsRecord);
    }
    expect((await eventFiles('tensorboard')).sort()[0]).toBe(foreign);
    expect(await eventFiles('tensorboard')).toHaveLength(2);
    const script = fileURLToPath(new URL('readEvents.py', import.meta.url));
    const { stdout } = await promisify(execFile)(python ?? '', [script, folder]);
    const { version, scalars } = JSON.parse(stdout.replaceAll('NaN', 'null')) as {
      readonly version: number;
      readonly scalars: Readonly<Record<string, readonly [step: number, time: number, value: number | null][]>>;
    };
    expect(version).toBe(2);
    const steps = second.all.filter(({ kind }) => kind === 'step');
    const epochs = second.all.filter(({ kind }) => kind === 'epoch');
    expect(scalars['batch/loss'].map(([step]) => step)).toEqual(steps.map(({ global_step }) => global_step));
    expect(scalars['batch/loss'].map(([, , value]) => value)).toEqual([
      ...Array.from({ length: 8 }, (_, i) => Math.fround(i < 4 ? 3 : 1.5)),
      ...Array.from({ length: 8 }, () => null),
    ]);
    expect(scalars['batch/lr'].map(([, time]) => time)).toEqual(steps.map(({ time }) => time));
    expect(scalars['epoch/epoch'].map(([step, , value]) => [step, value])).toEqual(
      epochs.map(({ global_step, epoch }) => [global_step, epoch]),
    );
    expect(scalars['val/top1'].map(([, , value]) => value)).toEqual(
      epochs.map((record) => Math.fround((record.kind === 'epoch' && record.validation?.top1) || 0)),
    );
  });
});
