import { expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { DataError } from '../../src/core/errors.js';
import { readMetrics } from '../../src/report/record.js';
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

test('a resumed run repeats steps: the later records count', async () => {
  const again = [stepRecord(2, 1, { loss: 7 }), stepRecord(2, 2, { loss: 7 })];
  const records = await read(linesOf([...syntheticRun(3), ...again]));
  expect(records).toEqual([...syntheticRun(1), ...again]);
});

test.each([
  ['{"kind":"st', 'a JSON object', '{"kind":"st'],
  ['[]', 'a JSON object', '[]'],
  ['{"kind":"batch"}', "kind 'step' or 'epoch'", '"batch"'],
  [JSON.stringify({ ...stepRecord(1, 2), step: -1 }), 'an integer >= 0 as step', '-1'],
  [JSON.stringify({ ...stepRecord(1, 2), loss: 'low' }), 'a number or null as loss', '"low"'],
  [JSON.stringify({ ...stepRecord(1, 2), lr: undefined }), 'a number or null as lr', 'nothing'],
  [JSON.stringify({ ...epochRecord(1), train: 3 }), 'an object as train', '3'],
])('refuses %s between others, and names the line', async (line, expected, got) => {
  const text = `${linesOf([stepRecord(1, 1)])}${line}\n${linesOf([stepRecord(1, 3)])}`;
  await expect(read(text)).rejects.toThrow(refusal(DataError, 'metrics.jsonl:2', expected, got));
});

test('refuses a missing file', async () => {
  await expect(readMetrics(path('none'))).rejects.toThrow(refusal(DataError, 'none', 'a readable file', 'no such'));
});
