/** Who may train in a folder, and what is found there. */
import { expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { ParamError } from '../../src/core/errors.js';
import type { MetricsRecord } from '../../src/report/record.js';
import type { Origin } from '../../src/train/origin.js';
import { RunFolder } from '../../src/train/runFolder.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const open = (name: string, resume: boolean) => RunFolder.open(path(name), { resume, onDamage: () => undefined });
const origin = {} as Origin;
const record: MetricsRecord = {
  ...{ kind: 'step', epoch: 1, lambda: 0, lr: 1, global_step: 1, step: 1, steps: 2, loss: 1, top1: 0 },
  images_per_second: 1,
};

test('a run locks its folder from its beginning to its end', async () => {
  const folder = await open('run', false);
  await folder.begin({}, origin);
  expect((await readdir(path('run'))).sort()).toEqual(['config.json', 'lock']);
  await folder.close();
  expect(await readdir(path('run'))).toEqual(['config.json']);
});

test('where another process trains, nothing is begun or gone on with', async () => {
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

test('a run that came to its end while another was made ready is not begun over', async () => {
  const [first, second] = [await open('once', false), await open('once', false)];
  await first.begin({ run: 'first' }, origin);
  await first.record(record);
  await first.close();
  const kept = () => Promise.all(['config.json', 'metrics.jsonl'].map((name) => readFile(path('once', name), 'utf8')));
  const before = await kept();
  await expect(second.begin({ run: 'second' }, origin)).rejects.toThrow(
    refusal(ParamError, path('once'), 'a folder without a run', 'one with'),
  );
  await second.close();
  expect(await kept()).toEqual(before);
  expect((await readdir(path('once'))).sort()).toEqual(['config.json', 'metrics.jsonl']);
});

test('what is kept is said, also of a folder that is gone', async () => {
  const folder = await open('gone', false);
  await folder.begin({}, origin);
  await writeFile(path('gone', 'last.safetensors'), '');
  expect(await folder.describeWeights()).toBe(`last.safetensors in ${path('gone')}`);
  await rm(path('gone'), { recursive: true });
  expect(await folder.describeWeights()).toBe(`no weights in ${path('gone')}`);
  await folder.close();
});

test('a run that is gone on with removes what was being written when it was killed, and not before it begins', async () => {
  await mkdir(path('killed'));
  const left = ['.checkpoint-00000002.safetensors.4194305.3.tmp', 'metrics.jsonl'];
  for (const name of left) await writeFile(path('killed', name), '');
  const refused = await open('killed', true);
  await refused.close();
  expect((await readdir(path('killed'))).sort()).toEqual(left);
  const folder = await open('killed', true);
  await folder.begin({}, origin);
  await folder.close();
  expect((await readdir(path('killed'))).sort()).toEqual(['config.json', 'metrics.jsonl']);
});

test('a folder whose checkpoints are all damaged is left open to others', async () => {
  await mkdir(path('damaged'));
  await writeFile(path('damaged', 'checkpoint-00000001.safetensors'), 'x');
  await expect(open('damaged', true)).rejects.toThrow('a header');
  expect(await readdir(path('damaged'))).toEqual(['checkpoint-00000001.safetensors']);
});
