/**
 * Instructions of pickles of protocols 2 to 4. Nothing is memoized: the pickles of weights are short beside the weights.
 *
 * Source: Lib/pickletools.py of CPython, whose names the comments give.
 */
import { littleEndian } from './littleEndian.js';

/** Instructions that leave one value on the stack. */
export type PickleCode = readonly number[];

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const PROTO = 0x80;
export const MARK = 0x28;
export const EMPTY_DICT: PickleCode = [0x7d];
export const SETITEMS = 0x75;
export const TUPLE = 0x74;
export const BUILD = 0x62;
export const STOP = 0x2e;
export const FALSE: PickleCode = [0x89];
export const TRUE: PickleCode = [0x88];
export const NONE: PickleCode = [0x4e];

/** A class or function of Python: GLOBAL. */
export const globalCode = (module: string, name: string): PickleCode => [0x63, ...utf8(`${module}\n${name}\n`)];

/** Text: BINUNICODE. */
export function textCode(text: string): PickleCode {
  const bytes = utf8(text);
  return [0x58, ...littleEndian(bytes.length, 4), ...bytes];
}

/** An integer from 0 to 2^53: BININT1, BININT2, BININT or LONG1. */
export function integerCode(value: number): PickleCode {
  if (value < 2 ** 8) return [0x4b, value];
  if (value < 2 ** 16) return [0x4d, ...littleEndian(value, 2)];
  if (value < 2 ** 31) return [0x4a, ...littleEndian(value, 4)];
  return [0x8a, 8, ...littleEndian(value, 8)];
}

/** The integer -1: BININT. */
export const MINUS_ONE: PickleCode = [0x4a, 255, 255, 255, 255];

/** A tuple: EMPTY_TUPLE, or MARK and TUPLE. */
export const tupleCode = (...items: readonly PickleCode[]): PickleCode =>
  items.length === 0 ? [0x29] : [MARK, ...items.flat(), TUPLE];

/** The call of a function with arguments: REDUCE. */
export const callCode = (callable: PickleCode, ...args: readonly PickleCode[]): PickleCode => [
  ...callable,
  ...tupleCode(...args),
  0x52,
];

/** The object that a persistent id refers to: BINPERSID. */
export const referenceCode = (id: PickleCode): PickleCode => [...id, 0x51];

/** What precedes so many bytes: BINBYTES, or BINBYTES8 of protocol 4. */
export const bytesHeader = (length: number): PickleCode =>
  length < 2 ** 32 ? [0x42, ...littleEndian(length, 4)] : [0x8e, ...littleEndian(length, 8)];
