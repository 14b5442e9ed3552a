/** Damages the bytes of a valid file, with its structure in mind. */
import type { Random } from './random.js';

/** A number in a file whose damage is most likely to mislead a reader: a length, an offset, a count. */
export interface Field {
  readonly at: number;
  readonly width: 1 | 2 | 4 | 8;
  readonly isBigEndian?: boolean;
}

export interface Structure {
  readonly fields?: readonly Field[];
  /** Byte sequences that mean something in the format. */
  readonly words?: readonly Uint8Array[];
  /** Other valid files, to take parts from. */
  readonly others?: readonly Uint8Array[];
}

type Mutation = (random: Random, bytes: Uint8Array, structure: Structure) => Uint8Array;

/** No mutation makes a file larger than this: larger files test the machine and not the reader. */
const MAX_LENGTH = 2 ** 20;

/** Numbers at which readers break, in 64 bits. */
export const BOUNDARIES: readonly bigint[] = [
  ...[0n, 1n, 2n, 7n, 8n, 127n, 128n, 255n, 256n, 32767n, 32768n, 65535n, 65536n],
  ...[2n ** 24n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n],
  ...[2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
];

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};

export const bytesOfText = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A range of the bytes, mostly short. */
function range(random: Random, length: number): readonly [number, number] {
  const size = Math.min(length, random.chance(0.8) ? random.integer(1, 16) : random.integer(1, Math.max(1, length)));
  const start = random.integer(0, length - size);
  return [start, start + size];
}

function writeField(bytes: Uint8Array, { at, width, isBigEndian = false }: Field, value: bigint): void {
  if (at + width > bytes.length) return;
  for (let i = 0; i < width; i++) {
    bytes[at + (isBigEndian ? width - 1 - i : i)] = Number((value >> BigInt(8 * i)) & 255n);
  }
}

function readField(bytes: Uint8Array, { at, width, isBigEndian = false }: Field): bigint {
  let value = 0n;
  for (let i = 0; i < width; i++) value |= BigInt(bytes[at + (isBigEndian ? width - 1 - i : i)] ?? 0) << BigInt(8 * i);
  return value;
}

const replace = (bytes: Uint8Array, start: number, end: number, part: Uint8Array): Uint8Array =>
  concat(bytes.subarray(0, start), part, bytes.subarray(end));

const flipBit: Mutation = (random, bytes) => {
  const at = random.integer(0, bytes.length - 1);
  bytes[at] ^= 1 << random.integer(0, 7);
  return bytes;
};

const setByte: Mutation = (random, bytes) => {
  bytes[random.integer(0, bytes.length - 1)] = random.chance(0.5)
    ? random.pick([0, 1, 127, 128, 255])
    : random.uint32();
  return bytes;
};

const setInteger: Mutation = (random, bytes) => {
  const width = random.pick([2, 4, 8] as const);
  if (bytes.length < width) return bytes;
  const field = { at: random.integer(0, bytes.length - width), width, isBigEndian: random.chance(0.5) };
  writeField(bytes, field, random.pick(BOUNDARIES));
  return bytes;
};

/** A length that is wrong by a little, or by much. */
const setField: Mutation = (random, bytes, { fields = [] }) => {
  if (fields.length === 0) return setInteger(random, bytes, {});
  const field = random.pick(fields);
  const near = readField(bytes, field) + BigInt(random.integer(-9, 9));
  writeField(bytes, field, random.chance(0.6) ? near : random.pick(BOUNDARIES));
  return bytes;
};

const truncate: Mutation = (random, bytes) => bytes.slice(0, random.integer(0, bytes.length - 1));

const insert: Mutation = (random, bytes, { words = [] }) => {
  const at = random.integer(0, bytes.length);
  const part = words.length > 0 && random.chance(0.6) ? random.pick(words) : random.bytes(random.integer(1, 12));
  return replace(bytes, at, at, part);
};

const overwrite: Mutation = (random, bytes, { words = [] }) => {
  if (words.length === 0) return setByte(random, bytes, {});
  const word = random.pick(words);
  const at = random.integer(0, bytes.length - 1);
  bytes.set(word.subarray(0, bytes.length - at), at);
  return bytes;
};

const remove: Mutation = (random, bytes) => {
  const [start, end] = range(random, bytes.length);
  return replace(bytes, start, end, new Uint8Array(0));
};

const duplicate: Mutation = (random, bytes) => {
  const [start, end] = range(random, bytes.length);
  const times = random.chance(0.9) ? 1 : random.integer(2, 50);
  const part = bytes.slice(start, end);
  return replace(bytes, end, end, concat(...Array.from({ length: times }, () => part)));
};

const move: Mutation = (random, bytes) => {
  const [start, end] = range(random, bytes.length);
  const part = bytes.slice(start, end);
  bytes.set(part, random.integer(0, bytes.length - part.length));
  return bytes;
};

/** Continues with a part of another valid file. */
const splice: Mutation = (random, bytes, { others = [] }) => {
  if (others.length === 0) return duplicate(random, bytes, {});
  const other = random.pick(others);
  const [start, end] = range(random, other.length);
  const [from, to] = range(random, bytes.length);
  return replace(bytes, from, random.chance(0.5) ? to : bytes.length, other.subarray(start, end));
};

const MUTATIONS: readonly Mutation[] = [
  ...[flipBit, flipBit, setByte, setInteger, setField, setField, setField],
  ...[truncate, insert, overwrite, overwrite, remove, duplicate, move, splice],
];

/**
 * A damaged copy of a file.
 *
 * @param count how many mutations; by default mostly one to four, and sometimes none
 */
export function mutateBytes(
  random: Random,
  file: Uint8Array,
  structure: Structure = {},
  count = random.chance(0.08) ? 0 : 1 + random.few(6),
): Uint8Array {
  let bytes: Uint8Array = file.slice();
  for (let i = 0; i < count && bytes.length > 0; i++) {
    bytes = random.pick(MUTATIONS)(random, bytes, structure);
    if (bytes.length > MAX_LENGTH) bytes = bytes.slice(0, MAX_LENGTH);
  }
  return bytes;
}
