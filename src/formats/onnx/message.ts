/** Composes messages of Protocol Buffers. */
import { WIRE } from './protobuf.js';

/** The bytes of a message, or of a part of one. */
export type MessageBytes = readonly number[];

/** A number of at most 64 bits in groups of seven. */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  // As two's complement; larger than the integers of bitwise operators.
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

const tag = (field: number, wire: number): number[] => varint(field * 8 + wire);

/** The beginning of a field of bytes, which follow. */
export const fieldHeader = (field: number, length: number): number[] => [...tag(field, WIRE.bytes), ...varint(length)];

export const bytesField = (field: number, bytes: MessageBytes | Uint8Array): number[] => [
  ...fieldHeader(field, bytes.length),
  ...bytes,
];

export const textField = (field: number, text: string): number[] => bytesField(field, new TextEncoder().encode(text));

export const integerField = (field: number, value: number): number[] => [...tag(field, WIRE.varint), ...varint(value)];

export const floatField = (field: number, value: number): number[] => [
  ...tag(field, WIRE.fixed32),
  ...new Uint8Array(Float32Array.of(value).buffer),
];

/** A list of integers in one field. */
export const integersField = (field: number, values: readonly number[]): number[] =>
  bytesField(field, values.flatMap(varint));
