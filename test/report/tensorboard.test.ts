import { describe, expect, test } from '@jest/globals';
import { crc32c } from '../../src/report/crc32c.js';
import { encodeRecord, recordEvent, scalarEvent, versionEvent } from '../../src/report/tensorboard.js';
import { epochRecord, stepRecord } from './syntheticRun.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  ['the check value of the catalogue of CRCs', ascii('123456789'), 0xe3069283],
  ['32 zeros (RFC 3720, B.4)', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(255), 0x62a8ab43],
  ['ascending bytes', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['nothing', new Uint8Array(0), 0],
])('CRC-32C of %s', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test('a record is length, masked CRC of the length, data, masked CRC of the data', () => {
  // As tensorboard.summary.writer.record_writer.RecordWriter of the Python package writes b'abc'.
  expect(hex(encodeRecord(ascii('abc')))).toBe('0300000000000000b099490e6162636e57f121');
});

/** The data of a record. */
const dataOf = (record: Uint8Array): Uint8Array => record.subarray(12, record.length - 4);

test('the version event has the wall time as a double and the version', () => {
  expect(hex(dataOf(versionEvent(1.5)))).toBe(`09000000000000f83f1a0d${hex(ascii('brain.Event:2'))}`);
});

describe('a scalar event', () => {
  test('has wall time, step and a summary of tags and floats', () => {
    const value = `0a03${hex(ascii('a/b'))}150000c0bf`;
    expect(hex(dataOf(scalarEvent(0, 5, [['a/b', -1.5]])))).toBe(`0900000000000000001005` + `2a0c0a0a${value}`);
  });

  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 31, '8080808008'],
    [2 ** 40 + 1, '818080808020'],
  ])('encodes step %d in base 128', (step, bytes) => {
    expect(hex(dataOf(scalarEvent(0, step, [])))).toBe(`090000000000000000` + `10${bytes}2a00`);
  });
});

/** Tags and values of an event with tags of less than 128 characters. */
function scalarsIn(record: Uint8Array): Record<string, number> {
  const data = Buffer.from(dataOf(record));
  const scalars: Record<string, number> = {};
  for (let at = 0; at < data.length - 2; at++) {
    // A tag (field 1, bytes), then a float (field 2).
    const length = data[at + 1];
    if (data[at] !== 0x0a || data[at + 2 + length] !== 0x15) continue;
    const tag = data.toString('utf8', at + 2, at + 2 + length);
    if (/^[\w/]+$/.test(tag)) scalars[tag] = data.readFloatLE(at + 3 + length);
  }
  return scalars;
}

test('a step is an event of its batch', () => {
  const record = recordEvent(
    stepRecord(1, 2, { loss: 2.5, top1: 0.25, lambda: 0.5, lr: 0.125, images_per_second: 8, time: 3 }),
  );
  expect(scalarsIn(record)).toEqual({
    ...{ 'batch/loss': 2.5, 'batch/top1': 0.25, 'batch/lambda': 0.5, 'batch/lr': 0.125 },
    'batch/images_per_second': 8,
  });
  expect(hex(dataOf(record))).toMatch(/^0900000000000008401002/);
});

test('an epoch is an event of its scores, at its last step', () => {
  const [train, validation, ema] = [1, 2, 3].map((loss) => ({ loss, top1: loss / 4, top5: loss / 2 }));
  const shared = { lambda: 1, lr: 0.5, images_per_second: 8, idle: 0.25 };
  const record = epochRecord(3, { train, validation, ema, ...shared });
  const always = {
    ...{ 'epoch/epoch': 3, 'epoch/lambda': 1, 'epoch/lr': 0.5, 'epoch/images_per_second': 8, 'epoch/idle': 0.25 },
    ...{ 'train/loss': 1, 'train/top1': 0.25, 'train/top5': 0.5 },
  };
  expect(scalarsIn(recordEvent(record))).toEqual({
    ...always,
    ...{ 'val/loss': 2, 'val/top1': 0.5, 'val/top5': 1, 'ema/loss': 3, 'ema/top1': 0.75, 'ema/top5': 1.5 },
  });
  const { validation: _, ema: __, ...plain } = record;
  expect(scalarsIn(recordEvent(plain))).toEqual(always);
  // Without a time: 1970.
  expect(hex(dataOf(recordEvent(plain)))).toMatch(/^090000000000000000100c/);
});
