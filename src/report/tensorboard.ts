/**
 * Event files of TensorBoard: TFRecords, each of which has one `Event` in the encoding of protocol buffers.
 *
 *     TFRecord:  length (uint64)  masked CRC-32C of the length  data  masked CRC-32C of the data
 *
 * See event.proto and summary.proto of TensorFlow for the messages, and record_writer.cc for the framing. All integers
 * are little-endian.
 */
import { crc32c } from './crc32c.js';
import type { EpochRecord, MetricsRecord, RecordedScores, StepRecord } from './record.js';

/** A measurement: its name, under which TensorBoard draws a chart, and its value. */
export type Scalar = readonly [tag: string, value: number];

const MASK_DELTA = 0xa282ead8;

/** The CRC of a TFRecord, rotated right by 15 bits: the CRC of data that contains its own CRC is weak. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** Frames the data of one record. */
export function encodeRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return record;
}

/** Wire types of protocol buffers. */
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/** Base 128, the lowest seven bits first. @param value an integer >= 0 */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

const key = (field: number, wireType: number): number[] => varint(field * 8 + wireType);

const bytesField = (field: number, bytes: ArrayLike<number>): number[] => [
  ...key(field, BYTES),
  ...varint(bytes.length),
  ...Array.from(bytes),
];

const textField = (field: number, text: string): number[] => bytesField(field, new TextEncoder().encode(text));

const integerField = (field: number, value: number): number[] => [...key(field, VARINT), ...varint(value)];

function doubleField(field: number, value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [...key(field, FIXED64), ...bytes];
}

function floatField(field: number, value: number): number[] {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [...key(field, FIXED32), ...bytes];
}

/** Field numbers of `Event`, `Summary`, `Summary.Value`. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2 } as const;

const event = (fields: readonly number[]): Uint8Array => encodeRecord(Uint8Array.from(fields));

/** The first event of a file. @param time seconds since 1970 */
export const versionEvent = (time: number): Uint8Array =>
  event([...doubleField(EVENT.wallTime, time), ...textField(EVENT.fileVersion, 'brain.Event:2')]);

/** Scalars of one step. @param time seconds since 1970 */
export function scalarEvent(time: number, step: number, scalars: readonly Scalar[]): Uint8Array {
  const summary = scalars.flatMap(([tag, value]) =>
    bytesField(SUMMARY.value, [...textField(VALUE.tag, tag), ...floatField(VALUE.simpleValue, value)]),
  );
  return event([
    ...doubleField(EVENT.wallTime, time),
    ...integerField(EVENT.step, step),
    ...bytesField(EVENT.summary, summary),
  ]);
}

const scoreScalars = (name: string, scores: RecordedScores | undefined): Scalar[] =>
  scores === undefined ? [] : (['loss', 'top1', 'top5'] as const).map((key) => [`${name}/${key}`, scores[key]]);

const stepScalars = ({ loss, top1, lambda, lr, images_per_second }: StepRecord): Scalar[] => [
  ['batch/loss', loss],
  ['batch/top1', top1],
  ['batch/lambda', lambda],
  ['batch/lr', lr],
  ['batch/images_per_second', images_per_second],
];

const epochScalars = ({
  epoch,
  train,
  validation,
  ema,
  lambda,
  lr,
  images_per_second,
  idle,
}: EpochRecord): Scalar[] => [
  ['epoch/epoch', epoch],
  ...scoreScalars('train', train),
  ...scoreScalars('val', validation),
  ...scoreScalars('ema', ema),
  ['epoch/lambda', lambda],
  ['epoch/lr', lr],
  ['epoch/images_per_second', images_per_second],
  ['epoch/idle', idle],
];

/** The event of a record, at its step of the run. */
export const recordEvent = (record: MetricsRecord): Uint8Array =>
  scalarEvent(
    record.time ?? 0,
    record.global_step,
    record.kind === 'step' ? stepScalars(record) : epochScalars(record),
  );
