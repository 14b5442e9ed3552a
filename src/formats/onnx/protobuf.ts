/**
 * Messages of Protocol Buffers in a file. A message is a sequence of fields; what is long stays in the file until it is
 * read, so that a graph of 2 GB takes no memory.
 *
 * Source: https://protobuf.dev/programming-guides/encoding
 */
import { WeightsError } from '../../core/errors.js';
import type { RandomAccess } from '../foreignFile.js';

/** How a field is encoded. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Bytes of a number by its encoding. */
const WIDTHS: ReadonlyMap<number, number> = new Map([
  [WIRE.fixed64, 8],
  [WIRE.fixed32, 4],
]);

/** A part of a file. */
export interface Span {
  readonly at: number;
  readonly length: number;
}

/** A field of a message; its content is at `at`. */
export interface Field extends Span {
  readonly number: number;
  readonly wire: number;
  /** Of a varint, as a signed integer of 64 bits; beyond 2^53 it is rounded. */
  readonly value: number;
}

/** Bytes of a varint of 64 bits. */
const LONGEST_VARINT = 10;
/** Bytes of a tag and a varint. */
const LONGEST_HEADER = 2 * LONGEST_VARINT;
/** Bytes that are read at once. */
const WINDOW = 2 ** 14;

const HINT = 'The file is damaged, or is no ONNX graph: download, copy or export it again.';

/** The error for a message that is none. */
export const damage = (op: string, expected: string, got: string): WeightsError =>
  new WeightsError({ op, expected, got, hint: HINT });

/** A varint in bytes, and where it ends; null if they end before. */
export function readVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } | null {
  let [value, scale] = [0, 1];
  for (let i = at; i < Math.min(bytes.length, at + LONGEST_VARINT); i++) {
    value += (bytes[i] & 0x7f) * scale;
    scale *= 0x80;
    if (bytes[i] >= 0x80) continue;
    return { value: value <= Number.MAX_SAFE_INTEGER ? value : signed(bytes.subarray(at, i + 1)), end: i + 1 };
  }
  return null;
}

/** A varint of many bytes, which is negative if bit 63 is set. */
function signed(bytes: Uint8Array): number {
  let value = 0n;
  for (const [i, byte] of bytes.entries()) value |= BigInt(byte & 0x7f) << BigInt(7 * i);
  return Number(BigInt.asIntN(64, value));
}

/** Integers that a list may have: axes, sizes, and the indices of pools. */
const MOST_INTEGERS = 2 ** 16;

/** Reads messages of a file. */
export class Messages {
  private window: Uint8Array = new Uint8Array(0);
  private windowAt = 0;

  /** @param budget bytes of names that are kept in memory, in all messages together */
  constructor(
    readonly file: RandomAccess,
    private budget: number,
  ) {}

  /**
   * The fields of a message.
   *
   * @param span the field that the message is, or a part of the file
   * @param op names it in errors
   * @throws WeightsError if it is damaged
   */
  async *fields(span: Field | Span, op: string): AsyncGenerator<Field> {
    const { at: start, length } = span;
    if ('wire' in span && span.wire !== WIRE.bytes) throw damage(op, 'a message', `a number at byte ${start}`);
    const end = start + length;
    let at = start;
    while (at < end) {
      if (!this.contains(at, end)) await this.move(at);
      const field = this.fieldAt(at, end, op);
      yield field;
      at = field.at + field.length;
    }
  }

  /** Whether the header of the field at a position is in memory. */
  private contains(at: number, end: number): boolean {
    const last = Math.min(at + LONGEST_HEADER, end);
    return at >= this.windowAt && last <= this.windowAt + this.window.length;
  }

  private async move(at: number): Promise<void> {
    this.window = await this.file.read(at, Math.min(WINDOW, this.file.size - at));
    this.windowAt = at;
  }

  private fieldAt(start: number, end: number, op: string): Field {
    const where = `${op}: byte ${start}`;
    const bytes = this.window.subarray(0, end - this.windowAt);
    const tag = readVarint(bytes, start - this.windowAt);
    if (tag === null || tag.value < 8 || tag.value >= 2 ** 32) {
      throw damage(where, 'a field of a message', 'bytes that are none');
    }
    const [number, wire] = [Math.floor(tag.value / 8), tag.value % 8];
    const at = this.windowAt + tag.end;
    if (wire === WIRE.varint || wire === WIRE.bytes) {
      const varint = readVarint(bytes, tag.end);
      if (varint === null) throw damage(where, `the value of field ${number}`, 'the end of the message');
      const content = this.windowAt + varint.end;
      if (wire === WIRE.varint) return { number, wire, value: varint.value, at, length: content - at };
      return this.checked({ number, wire, value: 0, at: content, length: varint.value }, end, where);
    }
    const width = WIDTHS.get(wire);
    if (width === undefined) throw damage(where, 'a field of a known encoding', `the encoding ${wire}`);
    return this.checked({ number, wire, value: 0, at, length: width }, end, where);
  }

  private checked(field: Field, end: number, where: string): Field {
    const { number, at, length } = field;
    if (length >= 0 && length <= end - at) return field;
    throw damage(where, `at most ${end - at} bytes of field ${number}, which the message has left`, `${length} bytes`);
  }

  /** Counts memory that grows with the file. @throws WeightsError if it is more than a graph of this kind has */
  spend(bytes: number, op: string): void {
    this.budget -= bytes;
    if (this.budget >= 0) return;
    const hint = 'Only graphs of VanillaNet are read, which have a few hundred nodes.';
    throw new WeightsError({
      op,
      expected: 'a graph of a few megabytes beside its weights',
      got: 'a larger one',
      hint,
    });
  }

  async bytes({ wire, at, length }: Field, op: string): Promise<Uint8Array> {
    if (wire !== WIRE.bytes) throw damage(op, 'bytes', `a number at byte ${at}`);
    this.spend(length, op);
    return this.file.read(at, length);
  }

  async text(field: Field, op: string): Promise<string> {
    const bytes = await this.bytes(field, op);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw damage(op, 'text in UTF-8', `other bytes at byte ${field.at}`);
    }
  }

  integer({ wire, value, at }: Field, op: string): number {
    if (wire === WIRE.varint && Number.isSafeInteger(value)) return value;
    throw damage(op, 'an integer within 2^53', wire === WIRE.varint ? String(value) : `no integer at byte ${at}`);
  }

  async float({ wire, at, length }: Field, op: string): Promise<number> {
    if (wire !== WIRE.fixed32) throw damage(op, 'a float32', `no float32 at byte ${at}`);
    const bytes = await this.file.read(at, length);
    return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
  }

  /** Appends the integers of a repeated field, which are packed into one field or are several. */
  async appendIntegers(list: number[], field: Field, op: string): Promise<void> {
    if (field.wire !== WIRE.bytes) list.push(this.integer(field, op));
    else list.push(...(await this.packed(field, MOST_INTEGERS, op)));
    if (list.length > MOST_INTEGERS) throw damage(op, `at most ${MOST_INTEGERS} integers`, 'more');
  }

  /** Varints one after the other. @param most how many there may be */
  async packed(span: Span, most: number, op: string): Promise<number[]> {
    if (span.length > most * LONGEST_VARINT) throw damage(op, `at most ${most} integers`, `${span.length} bytes`);
    const bytes = await this.file.read(span.at, span.length);
    const list: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const varint = readVarint(bytes, at);
      if (varint === null) throw damage(op, 'integers', `bytes that are none at byte ${span.at + at}`);
      if (list.push(varint.value) > most) throw damage(op, `at most ${most} integers`, 'more');
      at = varint.end;
    }
    return list;
  }
}
