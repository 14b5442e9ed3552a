import { expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { DataError } from '../../src/core/errors.js';
import { parseMetrics, readMetrics } from '../../src/report/record.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { epochRecord, linesOf, syntheticRun, stepRecord } from './syntheticRun.js';

const path = temporaryFolder();

async function read(text: string) {
  await writeFile(path('metrics.jsonl'), text);
  return readMetrics(path('metrics.jsonl'));
}

test('reads what was written', async () => {
  const records = [...syntheticRun(2), epochRecord(3, { ema: { loss: 1, top1: 0.5, top5: 0.75 }, fused: true })];
  expect(await read(linesOf(records))).toEqual(records);
});

test('reads records of earlier versions, whose loss and top1 are the running means', async () => {
  const { running_loss: _, running_top1: __, ...step } = stepRecord(1, 1);
  await writeFile(path('metrics.jsonl'), `${JSON.stringify(step)}\n`);
  expect(await readMetrics(path('metrics.jsonl'))).toEqual([
    { ...step, running_loss: step.loss, running_top1: step.top1 },
  ]);
});

test('reads null as NaN', async () => {
  const [step] = await read(linesOf([stepRecord(1, 1, { loss: NaN })]));
  expect(step).toEqual(stepRecord(1, 1, { loss: NaN }));
});

test.each([1, 40, 100])('ignores a last line cut to %d characters', async (length) => {
  const whole = syntheticRun(1);
  const cut = linesOf([stepRecord(2, 1)]).slice(0, length);
  expect(await read(linesOf(whole) + cut)).toEqual(whole);
});

test('reads a last line without a line end', async () => {
  const whole = syntheticRun(1);
  expect(await read(linesOf(whole).trimEnd())).toEqual(whole);
});

test('a resumed run repeats steps and epochs: the later records count, in the order of the run', async () => {
  const again = [stepRecord(2, 2, { loss: 7 }), epochRecord(2, { seconds: 7 }), stepRecord(1, 1, { loss: 7 })];
  const records = await read(linesOf([...syntheticRun(3), ...again]));
  const expected = syntheticRun(3);
  // Of four steps and an epoch each.
  [expected[0], expected[6], expected[9]] = [again[2], again[0], again[1]];
  expect(records).toEqual(expected);
});

test('reads the time of a record', async () => {
  const records = [stepRecord(1, 1, { time: 1.5 }), epochRecord(1, { time: 2 })];
  expect(await read(linesOf(records))).toEqual(records);
});

test.each([
  ['{"kind":"st', 'a JSON object', '{"kind":"st'],
  ['[]', 'a JSON object', '[]'],
  ['{"kind":"batch"}', "kind 'step' or 'epoch'", '"batch"'],
  [JSON.stringify({ ...stepRecord(1, 2), step: -1 }), 'an integer >= 1 as step', '-1'],
  [JSON.stringify({ ...stepRecord(1, 2), epoch: 0 }), 'an integer >= 1 as epoch', '0'],
  [JSON.stringify({ ...stepRecord(1, 2), global_step: '2' }), 'an integer >= 1 as global_step', '"2"'],
  [JSON.stringify({ ...stepRecord(1, 2), time: 'noon' }), 'a number or null as time', '"noon"'],
  [`${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'a JSON object', '[[[['],
  [`"${'x'.repeat(50)}`, 'a JSON object', `"${'x'.repeat(39)}…`],
  ['null', 'a JSON object', 'null'],
  ['\0\0\0', 'a JSON object', '\\x00\\x00\\x00'],
  [JSON.stringify({ ...stepRecord(1, 2), loss: 'low' }), 'a number or null as loss', '"low"'],
  [JSON.stringify({ ...stepRecord(1, 2), lr: undefined }), 'a number or null as lr', 'nothing'],
  [JSON.stringify({ ...epochRecord(1), train: 3 }), 'an object as train', '3'],
])('refuses %.40s between others, and names the line', async (line, expected, got) => {
  const text = `${linesOf([stepRecord(1, 1)])}${line}\n${linesOf([stepRecord(1, 3)])}`;
  await expect(read(text)).rejects.toThrow(refusal(DataError, 'metrics.jsonl:2', expected, got));
  expect(parseMetrics(text)).toEqual({
    records: [stepRecord(1, 1), stepRecord(1, 3)],
    lines: [stepRecord(1, 1), stepRecord(1, 3)].map((record) => JSON.stringify(record)),
    invalid: [{ line: 2, text: line, expected, got: expect.stringContaining(got) }],
  });
});

test('refuses a missing file', async () => {
  await expect(readMetrics(path('none'))).rejects.toThrow(refusal(DataError, 'none', 'a readable file', 'no such'));
});
