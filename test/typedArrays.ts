/**
 * Makes jest compare typed arrays by their bytes first: element by element takes a hundred times as long. Arrays whose
 * bytes differ are still compared by element, which finds NaNs equal and shows the difference.
 */
import { expect } from '@jest/globals';

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

/** True for arrays of the same type and bytes; undefined leaves the comparison to jest. */
function haveSameBytes(a: unknown, b: unknown): true | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined;
  return bytesOf(a).equals(bytesOf(b)) ? true : undefined;
}

expect.addEqualityTesters([haveSameBytes]);
