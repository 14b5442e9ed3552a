/** The lock of a run's folder, and the files in it. */
import { expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { ParamError } from '../../src/core/errors.js';
import { readMetrics } from '../../src/report/record.js';
import { writeCheckpoint } from '../../src/train/checkpoint.js';
import type { Origin } from '../../src/train/origin.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { stepRecord } from '../report/syntheticRun.js';
import { checkpointAt } from './checkpointAt.js';

const path = temporaryFolder();
const open = (name: string, resume: boolean) => RunFolder.open(path(name), { resume, onDamage: () => undefined });
const origin = {} as Origin;
const record = stepRecord(1, 1);

test('locks the folder while the run lasts', async () => {
  const folder = await open('run', false);
  await folder.begin({}, origin);
  expect((await readdir(path('run'))).sort()).toEqual(['config.json', 'lock']);
  await folder.close();
  expect(await readdir(path('run'))).toEqual(['config.json']);
});

test('refuses a folder that another process has locked', async () => {
  const busy = refusal(
    ParamError,
    path('busy', 'lock'),
    'no other process that trains here',
    `process ${process.ppid}`,
  );
  const folder = await open('busy', false);
  await mkdir(path('busy'));
  await writeFile(path('busy', 'lock'), `${process.ppid}\n`);
  await expect(folder.begin({}, origin)).rejects.toThrow(busy);
  await expect(open('busy', true)).rejects.toThrow(busy);
  expect(await readdir(path('busy'))).toEqual(['lock']);
});

test('refuses to overwrite a run that ended after the folder was opened', async () => {
  const [first, second] = [await open('once', false), await open('once', false)];
  await first.begin({ run: 'first' }, origin);
  await first.record(record);
  await first.close();
  const files = () => Promise.all(['config.json', 'metrics.jsonl'].map((name) => readFile(path('once', name), 'utf8')));
  const before = await files();
  await expect(second.begin({ run: 'second' }, origin)).rejects.toThrow(
    refusal(ParamError, path('once'), 'a folder without a run', 'one with'),
  );
  await second.close();
  expect(await files()).toEqual(before);
  expect((await readdir(path('once'))).sort()).toEqual(['config.json', 'metrics.jsonl']);
});

test('describes the weights, also in a folder that is gone', async () => {
  const folder = await open('gone', false);
  await folder.begin({}, origin);
  await writeFile(path('gone', 'last.safetensors'), '');
  expect(await folder.describeWeights()).toBe(`last.safetensors in ${path('gone')}`);
  expect([await folder.hasWeights('last'), await folder.hasWeights('best')]).toEqual([true, false]);
  await rm(path('gone'), { recursive: true });
  expect(await folder.describeWeights()).toBe(`no weights in ${path('gone')}`);
  await folder.close();
});

test('removes temporary files of a killed process when a resumed run begins, and not before', async () => {
  await mkdir(path('killed'));
  const names = ['.checkpoint-00000002.safetensors.4194305.3.tmp', 'metrics.jsonl'];
  for (const name of names) await writeFile(path('killed', name), '');
  const refused = await open('killed', true);
  await refused.close();
  expect((await readdir(path('killed'))).sort()).toEqual(names);
  const folder = await open('killed', true);
  await folder.begin({}, origin);
  await folder.close();
  expect((await readdir(path('killed'))).sort()).toEqual(['config.json', 'metrics.jsonl']);
});

test('releases the lock if all checkpoints are damaged', async () => {
  await mkdir(path('damaged'));
  await writeFile(path('damaged', 'checkpoint-00000001.safetensors'), 'x');
  await expect(open('damaged', true)).rejects.toThrow('a safetensors file');
  expect(await readdir(path('damaged'))).toEqual(['checkpoint-00000001.safetensors']);
});

test('keeps the records up to the checkpoint, also of a file with CRLF line ends', async () => {
  await mkdir(path('crlf'));
  const lines = [1, 2].map((step) => JSON.stringify(stepRecord(1, step)));
  await writeFile(path('crlf', 'metrics.jsonl'), `${lines.join('\r\n')}\r\n`);
  await writeCheckpoint(path('crlf'), checkpointAt(1));
  const folder = await open('crlf', true);
  await folder.begin({}, origin);
  expect(await readMetrics(path('crlf', 'metrics.jsonl'))).toEqual([stepRecord(1, 1)]);
  await folder.close();
});

test('an old checkpoint that cannot be removed does not end the run, and is removed later', async () => {
  const names = [1, 2, 3].map((step) => `checkpoint-0000000${step}.safetensors`);
  // A folder: removing it fails like removing an open file on Windows.
  await mkdir(path('open', names[0]), { recursive: true });
  const write = (step: number) => writeCheckpoint(path('open'), checkpointAt(step));
  await write(2);
  await write(3);
  expect((await readdir(path('open'))).sort()).toEqual(names);
  await rm(path('open', names[0]), { recursive: true });
  await writeFile(path('open', names[0]), '');
  await write(4);
  expect((await readdir(path('open'))).sort()).toEqual([names[2], 'checkpoint-00000004.safetensors']);
});
