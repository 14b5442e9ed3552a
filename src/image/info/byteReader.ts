import { DataError } from '../../core/errors.js';

/** Numbers and names within bytes that may be anything. What reaches beyond their end is a DataError. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** How errors call the bytes. */
  readonly op: string;

  constructor(bytes: Uint8Array, op: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.op = op;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** @throws DataError where fewer than `count` bytes follow `at` */
  need(at: number, count: number): void {
    if (at + count <= this.length) return;
    throw new DataError({ op: this.op, expected: 'a whole image', got: `one that ends after ${this.length} bytes` });
  }

  /** Where a byte is found from `at` on. @throws DataError where it is not */
  find(byte: number, at: number): number {
    const found = this.#bytes.indexOf(byte, at);
    this.need(found < 0 ? this.length : found, 1);
    return found;
  }

  u8(at: number): number {
    this.need(at, 1);
    return this.#view.getUint8(at);
  }

  u16(at: number, littleEndian = false): number {
    this.need(at, 2);
    return this.#view.getUint16(at, littleEndian);
  }

  u24(at: number): number {
    return this.u16(at, true) + 0x10000 * this.u8(at + 2);
  }

  u32(at: number, littleEndian = false): number {
    this.need(at, 4);
    return this.#view.getUint32(at, littleEndian);
  }

  /** Four bytes as text. */
  name(at: number): string {
    this.need(at, 4);
    return String.fromCharCode(...this.#bytes.subarray(at, at + 4));
  }

  /** Bytes from `at` on, cut off where they end. */
  part(at: number, count: number): Uint8Array {
    return this.#bytes.subarray(at, at + count);
  }

  /** A DataError about these bytes, to throw. */
  error(expected: string, got: string): DataError {
    return new DataError({ op: this.op, expected, got });
  }
}
