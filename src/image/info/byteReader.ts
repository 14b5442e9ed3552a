import { DataError } from '../../core/errors.js';

/** Reads numbers and names from untrusted bytes. Reading beyond the end throws a DataError. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** The name of the bytes in errors. */
  readonly op: string;

  constructor(bytes: Uint8Array, op: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.op = op;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** @throws DataError if fewer than `count` bytes follow `at` */
  need(at: number, count: number): void {
    if (at + count <= this.length) return;
    throw new DataError({ op: this.op, expected: 'a whole image', got: `one that ends after ${this.length} bytes` });
  }

  /** The position of a byte from `at` on. @throws DataError if there is none */
  find(byte: number, at: number): number {
    const position = this.#bytes.indexOf(byte, at);
    this.need(position < 0 ? this.length : position, 1);
    return position;
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

  /** `count` bytes from `at` on, or fewer at the end. */
  part(at: number, count: number): Uint8Array {
    return this.#bytes.subarray(at, at + count);
  }

  /** A DataError about these bytes, for the caller to throw. */
  error(expected: string, got: string): DataError {
    return new DataError({ op: this.op, expected, got });
  }
}
