import { DataError } from '../../core/errors.js';
import { latin1, PickleText } from './pickleValues.js';

/** Bytes of text that is decoded at once: more than any key or name of a class has. */
const LONGEST_TEXT = 2 ** 16;
/** Bytes of a line, which is a name of Python. */
const LONGEST_LINE = 1024;
/** Bytes of text that V8 decodes. */
const LARGEST_TEXT = 2 ** 29 - 24;

/** Reads a pickle's operands from its bytes. Every read checks that the bytes are there. */
export class PickleReader {
  private offset = 0;
  private readonly view: DataView;

  /** @param name the file's name in errors */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes that have not been read. */
  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  /** Throws a DataError with the current position. */
  refuse(expected: string, got: string): never {
    const hint = 'Download the archive again. In batches of your own use lists, strings, integers and arrays of numpy.';
    throw new DataError({ op: this.name, expected, got: `${got} (at byte ${this.offset})`, hint });
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

  /** A little-endian two's complement integer of at most 6 bytes, which float64 represents exactly. */
  integer(width: number): number {
    if (width === 0) return 0;
    if (width > 6) this.refuse('an integer of at most 48 bits', `${8 * width} bits`);
    const unsigned = this.slice(width).reduceRight((value, byte) => value * 256 + byte, 0);
    return unsigned < 2 ** (8 * width - 1) ? unsigned : unsigned - 2 ** (8 * width);
  }

  /** The next bytes, as a view. */
  slice(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  /** Text in UTF-8; long text, which is the bytes of images or hostile, is decoded on request. */
  utf8(length: number): string | PickleText {
    const bytes = this.slice(length);
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

  /** Moves past the next bytes. @returns where they start */
  skip(length: number): number {
    const start = this.offset;
    if (length > this.remaining) {
      this.refuse(`${length} more bytes`, `${this.remaining}: the file is truncated or damaged`);
    }
    this.offset += length;
    return start;
  }
}
