/** A run is resumed in a folder that has lost files, or has those of another run: nothing more is lost. */
import { describe, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { readMetrics } from '../../src/report/record.js';
import { resultsCsv } from '../../src/report/resultsCsv.js';
import { encodeCheckpoint } from '../../src/train/checkpointFile.js';
import { readCheckpoint, readLastCheckpoint, writeCheckpoint } from '../../src/train/checkpoint.js';
import type { Origin } from '../../src/train/origin.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { linuxTest } from '../platform.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { epochRecord, linesOf, stepRecord, syntheticRun } from '../report/syntheticRun.js';
import { checkpointAt } from './checkpointAt.js';

const path = temporaryFolder();
const onLinux = linuxTest('/proc');
const origin = {} as Origin;
const open = (name: string, resume = true) => RunFolder.open(path(name), { resume, onDamage: () => undefined });
const textOf = (name: string, file: string) => readFile(path(name, file), 'utf8');
const exists = async (name: string, file: string) => (await readdir(path(name))).includes(file);

const RESULTS = resultsCsv(syntheticRun(2));
/** The accuracy of the second epoch of `syntheticRun`. */
const TOP1 = epochRecord(2).validation?.top1 ?? NaN;

/** A folder after the second epoch of `syntheticRun`. */
async function folderOf(name: string, metrics: string | null = linesOf(syntheticRun(2))): Promise<void> {
  await mkdir(path(name));
  await writeCheckpoint(path(name), {
    ...checkpointAt(8),
    ...{ epoch: 2, step: 0, best: { epoch: 2, top1: TOP1 }, bestFusable: { epoch: 2, top1: TOP1 } },
  });
  await writeFile(path(name, 'results.csv'), RESULTS);
  await writeFile(path(name, 'curves.svg'), '<svg/>');
  await writeFile(path(name, 'curves.html'), '<p>');
  await writeFile(path(name, 'config.json'), '{}');
  for (const file of ['best', 'best-fusable']) await writeFile(path(name, `${file}.safetensors`), '');
  if (metrics !== null) await writeFile(path(name, 'metrics.jsonl'), metrics);
}

/** Resumes, derives, and returns the warnings. */
async function resume(name: string, tensorboard = false): Promise<readonly string[]> {
  const folder = await open(name);
  try {
    await folder.begin({}, origin, { tensorboard });
    await folder.derive({ curves: false });
    return folder.warnings;
  } finally {
    await folder.close();
  }
}

test('a whole folder gives no warning, and keeps its results', async () => {
  await folderOf('whole');
  expect(await resume('whole')).toEqual([]);
  expect(await textOf('whole', 'results.csv')).toBe(RESULTS);
  expect(await exists('whole', 'results.1.csv')).toBe(false);
});

describe('results of lost records are kept', () => {
  const all = 'the records of epochs 1 to 2 are missing, so that results and curves lack them';
  const kept = '; kept results.csv as results.1.csv, curves.svg as curves.1.svg, curves.html as curves.1.html';
  const [first] = [linesOf(syntheticRun(1))];
  test.each<readonly [string, string | null, string]>([
    ['missing', null, all],
    ['empty', '', all],
    ['cut in the first line', linesOf(syntheticRun(2)).slice(0, 20), all],
    ['that end in the second epoch', first, 'the records of epoch 2 are missing, so that results and curves lack them'],
    [
      'that end before the evaluation of the second epoch',
      linesOf(syntheticRun(2).slice(0, -1)),
      'the records of epoch 2 are missing, so that results and curves lack them',
    ],
    [
      'without the first epoch',
      linesOf(syntheticRun(2)).slice(first.length),
      'the records of epoch 1 are missing, so that results and curves lack them',
    ],
  ])('%s', async (what, metrics, note) => {
    const name = what.replaceAll(' ', '-');
    await folderOf(name, metrics);
    expect(await resume(name)).toEqual([`${path(name, 'metrics.jsonl')}: ${note}${kept}`]);
    expect(await textOf(name, 'results.1.csv')).toBe(RESULTS);
    expect(await textOf(name, 'curves.1.svg')).toBe('<svg/>');
    // The next resume keeps those of this one.
    await resume(name);
    expect(await textOf(name, 'results.1.csv')).toBe(RESULTS);
    expect(await exists(name, 'results.2.csv')).toBe(true);
  });

  test('of several gaps, and of a folder that has nothing to keep', async () => {
    await folderOf('gaps', linesOf(syntheticRun(7).filter(({ epoch }) => [3, 6].includes(epoch))));
    await writeCheckpoint(path('gaps'), { ...checkpointAt(28), epoch: 7, step: 0 });
    for (const file of ['results.csv', 'curves.svg', 'curves.html']) await rm(path('gaps', file));
    expect(await resume('gaps')).toEqual([
      `${path('gaps', 'metrics.jsonl')}: the records of epochs 1 to 2, 4 to 5, 7 are missing, so that results and curves lack them`,
    ]);
  });

  test('those of another run, too, with its metrics', async () => {
    const other = [stepRecord(1, 1), epochRecord(1), epochRecord(2, { validation: { loss: 1, top1: 0.99, top5: 1 } })];
    await folderOf('foreign', linesOf(other));
    const [note, ...rest] = await resume('foreign');
    expect(rest).toEqual([]);
    expect(note).toContain(`${all}; kept metrics.jsonl as metrics.1.jsonl, results.csv as results.1.csv`);
    expect(await textOf('foreign', 'metrics.1.jsonl')).toBe(linesOf(other));
    expect(await readMetrics(path('foreign', 'metrics.jsonl'))).toEqual([]);
  });

  test('event files of lost records stay', async () => {
    await folderOf('events', null);
    const file = 'events.out.tfevents.1.host.2.vanillanet';
    await writeFile(path('events', file), 'x');
    await resume('events', true);
    expect(await textOf('events', file)).toBe('x');
    expect((await readdir(path('events'))).filter((name) => name.startsWith('events.'))).toHaveLength(2);
  });

  test('the best epoch of the averaged weights is one of this run', async () => {
    const scores = { loss: 1, top1: TOP1, top5: 1 };
    const own = [...syntheticRun(1), epochRecord(2, { validation: { ...scores, top1: 0 }, ema: scores })];
    await folderOf('averaged', linesOf(own));
    expect(await resume('averaged')).toEqual([]);
  });
});

describe('other files', () => {
  test('a missing config.json is written again without a warning', async () => {
    await folderOf('bare');
    await rm(path('bare', 'config.json'));
    const folder = await open('bare');
    expect([folder.description, folder.descriptionError]).toEqual([null, null]);
    await folder.close();
    expect(await resume('bare')).toEqual([]);
    expect(JSON.parse(await textOf('bare', 'config.json'))).toHaveProperty('run');
  });

  test('a damaged config.json is named, and written again', async () => {
    await folderOf('config');
    await writeFile(path('config', 'config.json'), '{"epochs": ');
    const [note, ...rest] = await resume('config');
    expect(rest).toEqual([]);
    expect(note).toContain(`${path('config', 'config.json')}: expected a JSON object, got `);
    expect(note).toMatch(/; written again from the checkpoint$/);
    expect(JSON.parse(await textOf('config', 'config.json'))).toHaveProperty('run');
  });

  test('a nested config.json is refused by its depth', async () => {
    await folderOf('deep');
    await writeFile(path('deep', 'config.json'), '['.repeat(100_000));
    expect((await resume('deep'))[0]).toContain('nested levels');
  });

  test('best weights that are missing are named', async () => {
    await folderOf('best');
    await rm(path('best', 'best-fusable.safetensors'));
    const note = 'that of epoch 2 is missing, and is written again if a later epoch is better';
    expect(await resume('best')).toEqual([`${path('best', 'best-fusable.safetensors')}: ${note}`]);
  });

  test('a folder in place of config.json is refused, and changes no result', async () => {
    await folderOf('place');
    await rm(path('place', 'config.json'));
    await mkdir(path('place', 'config.json'));
    await expect(resume('place')).rejects.toThrow(
      refusal(ParamError, path('place', 'config.json'), 'a file to write', 'a folder'),
    );
    expect(await textOf('place', 'results.csv')).toBe(RESULTS);
    expect(await exists('place', 'lock')).toBe(false);
  });
});

describe('checkpoints', () => {
  test.each([
    ['after two epochs', syntheticRun(2), false, 'none, though epoch 2 has begun'],
    ['at the end', [], true, 'none, in the folder of a finished run'],
  ])('a run that has lost them %s is not begun again in its folder', async (what, records, isFinished, got) => {
    const name = what.replaceAll(' ', '-');
    await mkdir(path(name));
    await writeFile(path(name, 'metrics.jsonl'), linesOf(records));
    if (isFinished) await writeFile(path(name, 'last.safetensors'), '');
    await expect(open(name)).rejects.toThrow(refusal(ParamError, path(name), 'checkpoint-<step>.safetensors', got));
    await expect(open(name)).rejects.toMatchObject({ hint: expect.stringContaining('with --output') as unknown });
    expect(await textOf(name, 'metrics.jsonl')).toBe(linesOf(records));
    expect(await exists(name, 'lock')).toBe(false);
  });

  test('a run that was killed in its first epoch is begun again', async () => {
    await mkdir(path('first'));
    await writeFile(path('first', 'metrics.jsonl'), linesOf(syntheticRun(1)));
    const folder = await open('first');
    expect(folder.checkpoint).toBeNull();
    await folder.close();
  });

  const bytes = encodeCheckpoint(checkpointAt(1));
  const headerEnd = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const grouped = (n: number) => n.toLocaleString('en-US');
  test.each<readonly [string, Uint8Array, string]>([
    [
      'cut in its data',
      bytes.subarray(0, -9),
      `one that is cut after ${grouped(bytes.length - 9)} of ${grouped(bytes.length)} bytes`,
    ],
    ['cut in its header', bytes.subarray(0, 300), 'one that is cut after 300 bytes'],
    [
      'cut after its header',
      bytes.subarray(0, headerEnd),
      `one that is cut after ${grouped(headerEnd)} of ${grouped(bytes.length)} bytes`,
    ],
    ['with more bytes', new Uint8Array([...bytes, 0, 0]), 'one with 2 bytes too many'],
    ['of other bytes', bytes.with(-1, bytes[bytes.length - 1] ^ 1), 'one that is damaged: its SHA-256 differs'],
  ])('%s', async (what, damaged, got) => {
    const name = what.replaceAll(' ', '-');
    await mkdir(path(name));
    const file = path(name, 'checkpoint-00000002.safetensors');
    await writeFile(file, damaged);
    await expect(readCheckpoint(file)).rejects.toThrow(refusal(WeightsError, file, 'a whole file', got));
    const damages: WeightsError[] = [];
    const read = () => readLastCheckpoint(path(name), (error) => damages.push(error));
    await expect(read()).rejects.toMatchObject({
      op: path(name),
      got: `none, but one damaged: checkpoint-00000002.safetensors (expected a whole file, got ${got})`,
      hint: expect.stringContaining('start a new run with --output') as unknown,
    });
    // There is no previous one to use.
    expect(damages).toEqual([]);
    await writeCheckpoint(path(name), checkpointAt(1));
    expect(await read()).toMatchObject({ globalStep: 1 });
    expect(damages).toEqual([refusal(WeightsError, file, 'a whole file', got)]);
  });

  test('all of several that are damaged are named', async () => {
    await mkdir(path('two'));
    for (const step of [1, 2]) await writeFile(path('two', `checkpoint-0000000${step}.safetensors`), 'x');
    const each = ['2', '1'].map((step) => `checkpoint-0000000${step}.safetensors (expected a safetensors file, got `);
    const promise = open('two');
    await expect(promise).rejects.toThrow(
      refusal(WeightsError, path('two'), 'a whole checkpoint', `none, but 2 damaged: ${each[0]}`),
    );
    await expect(promise).rejects.toThrow(refusal(WeightsError, '', '', `), ${each[1]}`));
    await expect(promise).rejects.toMatchObject({
      hint:
        'Copy an older checkpoint into the folder, or start a new run with --output. Its weights, such as ' +
        'best.safetensors, can still be fused and evaluated.',
    });
  });
});

describe('the folder of a new run', () => {
  test('is looked at before the data are read, and left as it is', async () => {
    const folder = await open('new/run', false);
    await folder.close();
    expect(await readdir(path())).not.toContain('new');
  });

  test.each([
    ['a file', 'plain', true, ''],
    ['below a file', 'plain/run', true, ''],
    ['a file, to resume', 'plain', false, 'a file'],
    ['missing, to resume', 'nowhere', false, 'no such file or folder'],
  ])('%s', async (_, name, isNew, got) => {
    await writeFile(path('plain'), '');
    const refused = open(name, !isNew);
    await expect(refused).rejects.toThrow(
      refusal(ParamError, path(name), isNew ? 'a folder for the run' : 'the folder of a run', got),
    );
    if (!isNew) await expect(refused).rejects.toMatchObject({ hint: 'Start a new run: leave out --resume.' });
  });

  onLinux('in a place that takes none', async () => {
    const refused = RunFolder.open('/proc/vanillanet', { resume: false, onDamage: () => undefined });
    await expect(refused).rejects.toThrow(
      refusal(ParamError, '/proc/vanillanet', 'a folder for the run', 'no folders'),
    );
  });
});
