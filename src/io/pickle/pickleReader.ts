import type { ErrorClass } from '../../core/errors.js';
import { FileBytes, latin1, PickleText } from './pickleValues.js';

/** Bytes of a text that is decoded at once: more than any key or name of a class has. */
const LONGEST_TEXT = 2 ** 16;
/** Bytes of a line, which is a name or a number. */
const LONGEST_LINE = 1024;
/** Bytes of text that V8 decodes. */
const LARGEST_TEXT = 2 ** 29 - 24;
/** Bytes of an integer. */
const LONGEST_INTEGER = 1024;

/** Of a pickle in a file: bytes of a string or text that is read with the instructions. A longer one is read on request. */
export const LONGEST_INLINE = 4096;
/** Bytes that an instruction may need at once: two lines, or a string. */
export const LONGEST_INSTRUCTION = 2 * LONGEST_INLINE;

/** How a damaged pickle is reported. */
export interface PickleErrors {
  /** The name of the file in errors. */
  readonly op: string;
  readonly Refused: ErrorClass;
  readonly hint: string;
}

/**
 * Reads a pickle's operands. Every read checks that the bytes are there, before anything is allocated.
 *
 * The bytes are a window of the pickle: all of it, or a part that `place` replaces. In a part, long strings are not read,
 * but referred to.
 */
export class PickleReader {
  private bytes: Uint8Array;
  private view: DataView;
  /** Position of the window in the pickle. */
  private start = 0;
  /** Position in the window. */
  private offset = 0;
  private readonly isWhole: boolean;

  /** @param size bytes of the whole pickle, and of what may follow it */
  constructor(
    bytes: Uint8Array,
    private readonly errors: PickleErrors,
    private readonly size = bytes.length,
  ) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.isWhole = size === bytes.length;
  }

  /** Bytes that have been read. */
  get position(): number {
    return this.start + this.offset;
  }

  /** Bytes that have not been read. */
  get remaining(): number {
    return this.size - this.position;
  }

  /** Whether the next instruction may need bytes beyond the window. */
  get isShort(): boolean {
    const available = this.bytes.length - this.offset;
    return available < LONGEST_INSTRUCTION && available < this.remaining;
  }

  /** Replaces the window by one that begins at the current position. */
  place(bytes: Uint8Array): void {
    this.start = this.position;
    this.offset = 0;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Throws an error with the current position. */
  refuse(expected: string, got: string, hint?: string): never {
    const { op, Refused, hint: usual } = this.errors;
    throw new Refused({ op, expected, got: `${got} (at byte ${this.position})`, hint: hint ?? usual });
  }

  byte(): number {
    return this.bytes[this.skip(1)];
  }

  uint16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  uint64(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
  }

  /** A float64, big endian. */
  float(): number {
    return this.view.getFloat64(this.skip(8), false);
  }

  /** A little-endian two's complement integer; a bigint where float64 does not represent it exactly. */
  integer(width: number): number | bigint {
    if (width > LONGEST_INTEGER) this.refuse(`an integer of at most ${LONGEST_INTEGER} bytes`, `${width} bytes`);
    if (width === 0) return 0;
    const start = this.skip(width);
    const digits = Array.from(this.bytes.subarray(start, start + width).toReversed(), (byte) =>
      byte.toString(16).padStart(2, '0'),
    );
    return exact(BigInt.asIntN(8 * width, BigInt(`0x${digits.join('')}`)));
  }

  /** The next bytes: a view of a whole pickle, otherwise a copy, or a reference to long ones. */
  slice(length: number): Uint8Array | FileBytes {
    const position = this.position;
    if (!this.isWhole && length > LONGEST_INLINE) {
      this.skip(length);
      return new FileBytes(position, length);
    }
    const start = this.skip(length);
    return this.isWhole ? this.bytes.subarray(start, start + length) : this.bytes.slice(start, start + length);
  }

  /** Text in UTF-8; long text, which is the bytes of arrays or hostile, is decoded on request. */
  utf8(length: number): string | PickleText {
    const bytes = this.slice(length);
    if (bytes instanceof FileBytes) return new PickleText(bytes);
    if (length > LARGEST_TEXT) this.refuse(`text of at most ${LARGEST_TEXT} bytes`, `${length}`);
    return length > LONGEST_TEXT ? new PickleText(bytes) : new TextDecoder().decode(bytes);
  }

  /** Text up to a line feed. */
  line(): string {
    const start = this.bytes.subarray(this.offset, this.offset + LONGEST_LINE + 1);
    const length = start.indexOf(0x0a);
    if (length < 0) this.refuse(`a line of at most ${LONGEST_LINE} bytes`, 'no end of it');
    this.offset += length + 1;
    return latin1(start.subarray(0, length));
  }

  /** Moves past the next bytes. @returns where they start in the window */
  skip(length: number): number {
    const start = this.offset;
    if (length > this.remaining) {
      this.refuse(`${length} more bytes`, `${this.remaining}: the file is truncated or damaged`);
    }
    this.offset += length;
    return start;
  }
}

/** A number if float64 represents it exactly. */
export const exact = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
