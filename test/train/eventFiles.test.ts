/** The event files of a run: their names, and which of them a later process replaces. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { ParamError } from '../../src/core/errors.js';
import { RunRecords } from '../../src/train/runRecords.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { epochRecord, linesOf, stepRecord } from '../report/syntheticRun.js';

const path = temporaryFolder();

/** Sets the time, in seconds since 1970. */
const at = (seconds: number): void => {
  jest.spyOn(Date, 'now').mockReturnValue(1000 * seconds);
};
beforeEach(() => {
  at(1_234_567_890.5);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const nameAt = (seconds: string): string => `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.vanillanet`;
const eventFiles = async (folder: string): Promise<string[]> =>
  (await readdir(path(folder))).filter((name) => name.includes('tfevents')).sort();

test.each([
  [1_234_567_890.9, '1234567890'],
  [12_345, '0000012345'],
])('at %d s the name begins with %s: names are in the order of time', async (seconds, digits) => {
  at(seconds);
  await mkdir(path(digits));
  await new RunRecords(path(digits), true).append(stepRecord(1, 1));
  expect(await eventFiles(digits)).toEqual([nameAt(digits)]);
});

test('those of earlier processes are replaced, and files of other programs are kept', async () => {
  const own = ['events.out.tfevents.1700000000.host.12.vanillanet', 'events.out.tfevents.7.other.host.1.vanillanet'];
  const others = [
    'copy-of-events.out.tfevents.1700000000.host.12.vanillanet',
    'events.out.tfevents.1700000000.host.12.vanillanet.bak',
    'events.out.tfevents.1700000000.host.12.0',
    'events.out.tfevents.new.host.12.vanillanet',
  ];
  await mkdir(path('resumed'));
  for (const name of [...own, ...others]) await writeFile(path('resumed', name), '');
  await new RunRecords(path('resumed'), true).append(stepRecord(1, 1));
  expect(await eventFiles('resumed')).toEqual([...others, nameAt('1234567890')].sort());
});

test('one that cannot be removed is a failure of TensorBoard, which does not end the run', async () => {
  const name = 'events.out.tfevents.1700000000.host.12.vanillanet';
  await mkdir(path('stuck', name), { recursive: true });
  const records = new RunRecords(path('stuck'), true);
  await records.append(stepRecord(1, 1));
  expect(records.failures).toEqual([
    expect.objectContaining({
      op: path('stuck', name),
      expected: 'a file to remove',
      got: expect.stringMatching(/folder|directory/),
      cause: expect.objectContaining({ code: 'ERR_FS_EISDIR' }),
    }),
  ]);
});

test('is written once: later records and derived files leave its name', async () => {
  await mkdir(path('once'));
  const records = new RunRecords(path('once'), true);
  await records.derive(null);
  at(1_234_567_999);
  await records.append(epochRecord(1));
  await records.derive(null);
  expect(await eventFiles('once')).toEqual([nameAt('1234567890')]);
  expect(records.failures).toEqual([]);
});

test('a folder that is gone is named by each file that it cannot get', async () => {
  await mkdir(path('gone'));
  const records = new RunRecords(path('gone'), true);
  await rm(path('gone'), { recursive: true });
  await records.derive(null);
  expect(records.failures).toEqual([
    refusal(ParamError, path('gone', 'results.csv'), 'a file to write', 'no such'),
    refusal(ParamError, path('gone', nameAt('1234567890')), 'a file to write', 'no such'),
  ]);
});

test('failures of different files are told apart', async () => {
  await mkdir(path('two', 'results.csv'), { recursive: true });
  const records = new RunRecords(path('two'), false);
  const draw = (message: string) => () => Promise.reject(new Error(message));
  await records.derive(draw('no ink'));
  expect(records.failures.map(({ message }) => message)).toEqual([expect.stringContaining('results.csv'), 'no ink']);
  await records.derive(draw('no paper'));
  expect(records.failures.map(({ message }) => message)).toEqual([expect.stringContaining('results.csv'), 'no paper']);
});

test('lines that a checkpoint has are added once; without them there are none', async () => {
  await mkdir(path('lines'));
  await writeFile(path('lines', 'metrics.jsonl'), linesOf([stepRecord(1, 1)]));
  const plain = new RunRecords(path('lines'), false);
  await plain.restore({ globalStep: 2, epoch: 0 });
  expect(plain.all).toEqual([stepRecord(1, 1)]);
  const unrecorded = [JSON.stringify(stepRecord(1, 2))];
  const more = new RunRecords(path('lines'), false);
  await more.restore({ globalStep: 2, epoch: 0, unrecorded });
  expect(more.all).toEqual([stepRecord(1, 1), stepRecord(1, 2)]);
});
