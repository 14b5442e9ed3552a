/** What a run's folder is opened with, and the files that it gets. */
import { describe, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { decodeSafetensors } from '../../src/io/safetensors.js';
import { readWeights } from '../../src/io/weightsFile.js';
// Loaded before the tests, because jest cannot load two modules at once that import the same one.
import '../../src/report/curves.js';
import '../../src/report/page.js';
import { readMetrics } from '../../src/report/record.js';
import { listCheckpoints, readCheckpoint, readLastCheckpoint, writeCheckpoint } from '../../src/train/checkpoint.js';
import type { Origin } from '../../src/train/origin.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { epochRecord, stepRecord } from '../report/syntheticRun.js';
import { checkpointAt } from './checkpointAt.js';

const path = temporaryFolder();
const open = (name: string, resume = false) => RunFolder.open(path(name), { resume, onDamage: () => undefined });
const origin = { backend: 'wasm plain' } as Origin;
const parsed = async (...names: string[]): Promise<unknown> => JSON.parse(await readFile(path(...names), 'utf8'));

/** Begins a run in a new folder. */
async function begin(name: string, description: Record<string, unknown> = {}): Promise<RunFolder> {
  const folder = await open(name);
  await folder.begin(description, origin);
  return folder;
}

describe('opening', () => {
  test.each([true, false])('refuses a file: resume %p', async (resume) => {
    await writeFile(path('file'), '');
    await expect(open('file', resume)).rejects.toThrow(
      refusal(ParamError, path('file'), resume ? 'the folder of a run' : 'a folder for the run', 'a file'),
    );
  });

  test('refuses to resume in a folder that does not exist, and does not create it', async () => {
    const promise = open('absent', true);
    await expect(promise).rejects.toThrow(
      refusal(ParamError, path('absent'), 'the folder of a run', 'no such file or folder'),
    );
    await expect(promise).rejects.toMatchObject({ hint: 'Start a new run: leave out --resume.' });
    expect(await readdir(path())).not.toContain('absent');
  });

  test.each(['metrics.jsonl', 'checkpoint-00000001.safetensors'])('refuses a folder that has %s', async (file) => {
    await mkdir(path(`with ${file}`));
    await writeFile(path(`with ${file}`, file), '');
    const promise = open(`with ${file}`);
    await expect(promise).rejects.toThrow(refusal(ParamError, file, 'a folder without a run', 'one with a run'));
    await expect(promise).rejects.toMatchObject({
      hint: 'Resume it with --resume, or choose another folder with --output.',
    });
  });

  test('accepts a folder with other files; nothing is locked, and closing is harmless', async () => {
    await mkdir(path('others'));
    await writeFile(path('others', 'notes.txt'), '');
    const folder = await open('others');
    expect([folder.checkpoint, folder.description]).toEqual([null, null]);
    await folder.close();
    expect(await readdir(path('others'))).toEqual(['notes.txt']);
  });

  test.each([
    ['an object', '{"epochs": 4}', { epochs: 4 }],
    ['a list', '[1]', null],
    ['no JSON', '{', null],
  ])('reads config.json with %s', async (what, text, description) => {
    await mkdir(path(what));
    await writeFile(path(what, 'config.json'), text);
    const folder = await open(what, true);
    expect(folder.description).toEqual(description);
    await folder.close();
  });
});

describe('a run that begins', () => {
  test('writes its description, with the origin and the folder that paths refer to', async () => {
    const folder = await begin('described', { epochs: 2 });
    const text = await readFile(path('described', 'config.json'), 'utf8');
    expect(JSON.parse(text)).toEqual({ epochs: 2, run: { backend: 'wasm plain', directory: process.cwd() } });
    expect(text).toMatch(/^\{\n {2}"epochs": 2,\n[^]*\}\n$/);
    await folder.close();
  });

  test('has no rejected lines, and keeps no records, if there is no checkpoint yet', async () => {
    await mkdir(path('early'));
    await writeFile(path('early', 'metrics.jsonl'), `${JSON.stringify(stepRecord(1, 1))}\n`);
    const folder = await open('early', true);
    expect(await folder.begin({}, origin)).toEqual([]);
    expect(await readMetrics(path('early', 'metrics.jsonl'))).toEqual([]);
    await folder.close();
    const fresh = await open('new');
    expect(await fresh.begin({}, origin)).toEqual([]);
    await fresh.close();
  });

  test('names the reason why its folder cannot be created', async () => {
    const folder = await open('blocked/run');
    await writeFile(path('blocked'), '');
    const promise = folder.begin({}, origin);
    await expect(promise).rejects.toThrow(refusal(ParamError, 'run', 'a folder for the run', 'a file: '));
    await folder.close();
  });
});

describe('files', () => {
  test('a checkpoint has the origin of the run, and no list of unrecorded lines', async () => {
    const folder = await begin('saved');
    await folder.save(checkpointAt(3));
    const saved = await readLastCheckpoint(path('saved'), () => undefined);
    expect(saved).toEqual({ ...checkpointAt(3), origin });
    expect(saved).not.toHaveProperty('unrecorded');
    await folder.close();
  });

  test('a checkpoint has the lines that could not be recorded', async () => {
    const folder = await begin('unrecorded');
    await mkdir(path('unrecorded', 'metrics.jsonl'));
    await expect(folder.record(stepRecord(1, 1))).rejects.toThrow(ParamError);
    await folder.save(checkpointAt(1));
    const saved = await readLastCheckpoint(path('unrecorded'), () => undefined);
    expect(saved?.unrecorded?.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ global_step: 1 }]);
    await folder.close();
  });

  test('a checkpoint before the run begins has no origin', async () => {
    await mkdir(path('early-save'));
    const folder = await open('early-save');
    await folder.save(checkpointAt(1));
    expect(await readLastCheckpoint(path('early-save'), () => undefined)).not.toHaveProperty('origin');
  });

  test('weights are written in float32 under their name', async () => {
    const folder = await begin('weights');
    const { config, snapshot } = checkpointAt(1);
    const file = await folder.saveWeights('best-fusable', { state: snapshot.state, config });
    expect(file).toBe(path('weights', 'best-fusable.safetensors'));
    expect((await readWeights(file)).state).toEqual(snapshot.state);
    const { tensors } = decodeSafetensors(await readFile(file));
    expect(tensors.get('stem1.0.weight')?.data).toBeInstanceOf(Float32Array);
    // Those of the reference are float64.
    const wide = new Map(
      [...snapshot.state].map(([key, { data, shape }]) => [key, { data: Float64Array.from(data), shape }]),
    );
    await folder.saveWeights('last', { state: wide, config });
    expect(await readFile(path('weights', 'last.safetensors'))).toEqual(await readFile(file));
    await rm(path('weights', 'last.safetensors'));
    await writeFile(path('weights', 'best.safetensors'), '');
    expect(await folder.describeWeights()).toBe(`best-fusable.safetensors, best.safetensors in ${path('weights')}`);
    await folder.close();
  });

  test('pictures are drawn on request', async () => {
    const folder = await begin('pictures', { epochs: 1, smoothing: 0.375 });
    await folder.record(epochRecord(1));
    await folder.derive({ curves: false });
    expect((await readdir(path('pictures'))).sort()).toEqual(['config.json', 'lock', 'metrics.jsonl', 'results.csv']);
    await folder.derive({ curves: true });
    expect(folder.failures).toEqual([]);
    expect(await readFile(path('pictures', 'curves.svg'), 'utf8')).toMatch(/^<svg [^]*pictures[^]*<\/svg>\s*$/);
    expect(await readFile(path('pictures', 'curves.html'), 'utf8')).toMatch(
      /^<!doctype html>[^]*epochs[^]*smoothing[^]*0\.375/i,
    );
    await folder.close();
  });

  test('files that cannot be written are failures, which a later success ends', async () => {
    const folder = await begin('failures');
    await folder.record(epochRecord(1));
    await mkdir(path('failures', 'results.csv'));
    await folder.derive({ curves: false });
    expect(folder.failures).toEqual([expect.objectContaining({ op: path('failures', 'results.csv') })]);
    await rm(path('failures', 'results.csv'), { recursive: true });
    await folder.derive({ curves: false });
    expect(folder.failures).toEqual([]);
    await folder.close();
  });

  test('a folder that was removed is created again, with its records', async () => {
    const folder = await begin('removed', { epochs: 7 });
    await folder.record(stepRecord(1, 1));
    expect(await folder.restoreIfRemoved()).toBe(false);
    await rm(path('removed'), { recursive: true });
    await expect(folder.save(checkpointAt(1))).rejects.toMatchObject({ got: 'a folder that was removed' });
    expect(await folder.restoreIfRemoved()).toBe(true);
    expect(await parsed('removed', 'config.json')).toMatchObject({ epochs: 7, run: origin });
    expect(await readMetrics(path('removed', 'metrics.jsonl'))).toMatchObject([{ global_step: 1 }]);
    expect(await folder.restoreIfRemoved()).toBe(false);
    await folder.close();
  });

  test('records that were removed or cut are noticed by the next one, and written again', async () => {
    const folder = await begin('cut');
    const metrics = path('cut', 'metrics.jsonl');
    const damages = [() => rm(metrics), () => truncate(metrics, 5)];
    for (const [i, damage] of damages.entries()) {
      await folder.record(stepRecord(1, 2 * i + 1));
      await damage();
      await expect(folder.record(stepRecord(1, 2 * i + 2))).rejects.toThrow(
        refusal(
          ParamError,
          path('cut'),
          'the folder in which this run began',
          'one whose metrics.jsonl was removed or cut',
        ),
      );
      expect(await folder.restoreIfRemoved()).toBe(true);
    }
    expect(await readMetrics(metrics)).toMatchObject([1, 2, 3, 4].map((step) => ({ global_step: step })));
    // A file that has more, such as one that an editor has saved, is no loss.
    await writeFile(path('copy'), `${await readFile(metrics, 'utf8')}\n`);
    await rename(path('copy'), metrics);
    await folder.record(stepRecord(1, 5));
    await folder.close();
    expect(await readdir(path('cut'))).not.toContain('lock');
  });

  test('a folder that another process has locked is not written to, nor created again', async () => {
    const folder = await begin('locked');
    await writeFile(path('locked', 'lock'), `${process.ppid}\n`);
    const loss = {
      ...{ op: path('locked'), expected: 'the folder in which this run began' },
      ...{ got: 'one that another process has locked', hint: 'Leave the folder of a run as it is until the run ends.' },
    };
    await expect(folder.record(stepRecord(1, 1))).rejects.toMatchObject(loss);
    await expect(folder.restoreIfRemoved()).rejects.toMatchObject(loss);
    expect(await readFile(path('locked', 'lock'), 'utf8')).toBe(`${process.ppid}\n`);
    await folder.close();
  });

  test('neither checkpoints nor weights are written into an emptied folder', async () => {
    const folder = await begin('emptied');
    await rm(path('emptied', 'lock'));
    const loss = refusal(ParamError, path('emptied'), 'the folder in which this run began', 'one without its lock');
    await expect(folder.save(checkpointAt(4))).rejects.toThrow(loss);
    await expect(folder.saveWeights('best', checkpointAt(4) as never)).rejects.toThrow(loss);
    expect(await readdir(path('emptied'))).toEqual(['config.json']);
    await folder.close();
  });
});

describe('checkpoints', () => {
  test('are listed with the last first, by their whole name', async () => {
    const names = ['checkpoint-00000010.safetensors', 'checkpoint-00000009.safetensors'];
    const others = [
      'old-checkpoint-00000011.safetensors',
      'checkpoint-00000012.safetensors.bak',
      'checkpoint-13.safetensors',
    ];
    await mkdir(path('list'));
    for (const name of [...others, ...names]) await writeFile(path('list', name), '');
    expect(await listCheckpoints(path('list'))).toEqual(names.map((name) => path('list', name)));
    expect(await listCheckpoints(path('no such folder'))).toEqual([]);
    expect(await readLastCheckpoint(path('no such folder'), () => undefined)).toBeNull();
  });

  test('are two at most', async () => {
    await mkdir(path('two'));
    for (const step of [1, 2, 3, 4]) await writeCheckpoint(path('two'), checkpointAt(step));
    expect((await readdir(path('two'))).sort()).toEqual([3, 4].map((step) => `checkpoint-0000000${step}.safetensors`));
  });

  test('that cannot be read are damaged, also for another reason than their content', async () => {
    await mkdir(path('unreadable', 'checkpoint-00000001.safetensors'), { recursive: true });
    const errors: WeightsError[] = [];
    await expect(readLastCheckpoint(path('unreadable'), (error) => errors.push(error))).rejects.toThrow(WeightsError);
    // There is none before it.
    expect(errors).toEqual([]);
    await expect(readCheckpoint(path('none.safetensors'))).rejects.toThrow(WeightsError);
  });
});
