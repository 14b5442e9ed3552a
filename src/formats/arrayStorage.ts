/** The elements of NumPy arrays in pickles, as storages of tensors. */
import { WeightsError } from '../core/errors.js';
import { FileBytes, PickleText, type ArrayBytes } from '../io/pickle/pickleValues.js';
import { bytesAccess, partOf } from './fileAccess.js';
import type { RandomAccess } from './foreignFile.js';
import type { Storage } from './stridedTensor.js';

/** Bytes of text that are read at once. */
const BLOCK = 2 ** 18;

const HINT = 'The file is damaged: download, copy or save it again.';

/**
 * Bytes that are written as text in UTF-8, each as the letter of its number: Python 3 writes bytes so in protocol 2. Reading
 * goes on where the last read ended, or begins again for what is before.
 */
class TextStorage implements Storage {
  private cursor = { letter: 0, byte: 0 };

  /** @param size letters */
  constructor(
    private readonly file: RandomAccess,
    private readonly text: FileBytes,
    readonly size: number,
    private readonly op: string,
  ) {}

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < this.cursor.letter) this.cursor = { letter: 0, byte: 0 };
    let { letter, byte } = this.cursor;
    const bytes = new Uint8Array(length);
    while (letter < offset + length) {
      const block = await this.file.read(this.text.offset + byte, Math.min(BLOCK, this.text.length - byte));
      let at = 0;
      while (letter < offset + length && at < block.length) {
        const first = block[at];
        const isShort = first < 0x80;
        // The second byte of a letter is in the next block.
        if (!isShort && at + 1 === block.length && byte + block.length < this.text.length) break;
        const second = block[at + 1];
        if (!isShort && (first & 0xfe) !== 0xc2) this.refuse('another letter');
        if (!isShort && (second & 0xc0) !== 0x80) this.refuse('bytes that are not UTF-8');
        if (letter >= offset) bytes[letter - offset] = isShort ? first : ((first & 3) << 6) | (second & 0x3f);
        letter++;
        at += isShort ? 1 : 2;
      }
      if (at === 0) this.refuse(`${letter} letters`);
      byte += at;
    }
    if (letter === this.size && byte !== this.text.length) this.refuse('more letters');
    this.cursor = { letter, byte };
    return bytes;
  }

  private refuse(got: string): never {
    throw new WeightsError({ op: this.op, expected: `${this.size} letters of Latin-1`, got, hint: HINT });
  }
}

/**
 * The bytes of an array.
 *
 * @param file that the pickle begins
 * @param size bytes
 */
export function arrayStorage(file: RandomAccess, bytes: ArrayBytes, size: number, op: string): Storage {
  if (bytes instanceof Uint8Array) return bytesAccess(op, bytes);
  if (bytes instanceof FileBytes) return partOf(file, op, bytes.offset, size);
  return textStorage(file, bytes, size, op);
}

function textStorage(file: RandomAccess, { utf8 }: PickleText, size: number, op: string): Storage {
  if (utf8 instanceof FileBytes) return new TextStorage(file, utf8, size, op);
  return new TextStorage(bytesAccess(op, utf8), new FileBytes(0, utf8.length), size, op);
}

/** Storages one after the other, as one. */
export class JointStorage implements Storage {
  readonly size: number;

  constructor(private readonly parts: readonly Storage[]) {
    this.size = parts.reduce((size, part) => size + part.size, 0);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let start = 0;
    for (const part of this.parts) {
      const from = Math.max(offset, start);
      const to = Math.min(offset + length, start + part.size);
      if (from < to) bytes.set(await part.read(from - start, to - from), from - offset);
      start += part.size;
    }
    return bytes;
  }
}
