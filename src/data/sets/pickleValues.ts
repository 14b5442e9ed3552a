/** The values of the pickles that CIFAR archives contain. */

/**
 * Values, marks and entries of the memo that a pickle may create, each of which takes memory for a byte of the file, and
 * elements of an array that is read as a list. A batch needs about five for each of its at most 700,000 images.
 */
export const MAX_OBJECTS = 4_000_000;

/** The type of an array's elements. */
export class PickleDtype {
  isLittleEndian = true;

  /** @param code `u1`, `i8`, …: unsigned or signed, and the number of bytes */
  constructor(readonly code: string) {}

  get bytes(): number {
    return Number(this.code[1]);
  }
}

/** A numpy array of integers. Empty until the pickle sets its state. */
export class PickleArray {
  shape: readonly number[] = [0];
  dtype = new PickleDtype('u1');
  /** The elements as stored: a view of the file. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Whether the elements are in column-major order. */
  isFortran = false;

  /**
   * The elements of an array of uint8 in row-major order. In column-major order they are a copy: a file of a few bytes
   * may name one array many times, so that it is only made on request.
   *
   * @returns null for another type, and for column-major arrays of other than two dimensions
   */
  pixels(): Uint8Array | null {
    const { shape, dtype, bytes } = this;
    if (dtype.code !== 'u1') return null;
    if (!this.isFortran || shape.length < 2) return bytes;
    return shape.length === 2 ? transpose(bytes, shape[0], shape[1]) : null;
  }

  /** The elements of an array of one dimension; null for others, and for more elements than a batch has. */
  integers(): number[] | null {
    const { shape, dtype, bytes } = this;
    return shape.length === 1 && shape[0] <= MAX_OBJECTS ? integersOf(bytes, dtype) : null;
  }
}

/** Integers of a type, one after the other. Those beyond 2^53 are rounded. */
export function integersOf(bytes: Uint8Array, { code, bytes: width, isLittleEndian }: PickleDtype): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = {
    u1: (at: number) => view.getUint8(at),
    i1: (at: number) => view.getInt8(at),
    u2: (at: number) => view.getUint16(at, isLittleEndian),
    i2: (at: number) => view.getInt16(at, isLittleEndian),
    u4: (at: number) => view.getUint32(at, isLittleEndian),
    i4: (at: number) => view.getInt32(at, isLittleEndian),
    u8: (at: number) => Number(view.getBigUint64(at, isLittleEndian)),
    i8: (at: number) => Number(view.getBigInt64(at, isLittleEndian)),
  }[code];
  if (read === undefined) return [];
  return Array.from({ length: Math.floor(bytes.length / width) }, (_, i) => read(i * width));
}

/** Codes of the types that are read. */
export const INTEGER_CODES: readonly string[] = ['u1', 'i1', 'u2', 'i2', 'u4', 'i4', 'u8', 'i8'];

/** Long text in UTF-8, which is decoded on request. */
export class PickleText {
  /** Many calls for one text make one copy. */
  private bytes: Uint8Array | null = null;

  constructor(private readonly utf8: Uint8Array) {}

  /** The text in Latin-1, which has one byte for each letter; null if it has other letters. */
  latin1(): Uint8Array | null {
    this.bytes ??= latin1Bytes(new TextDecoder().decode(this.utf8));
    return this.bytes;
  }
}

/** Text in Latin-1; null if it has other letters. */
export function latin1Bytes(text: string): Uint8Array | null {
  if (/[^\0-\xff]/.test(text)) return null;
  const { buffer, byteOffset, byteLength } = Buffer.from(text, 'latin1');
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A class or constructor of numpy: only its name, nothing that can be called. */
export class PickleName {
  constructor(readonly name: string) {}
}

/** Python 2's str and Python 3's bytes become Uint8Array, a tuple or list an array, a dict a Map. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | PickleText
  | Uint8Array
  | PickleArray
  | PickleDtype
  | PickleName
  | PickleValue[]
  | Map<string | number, PickleValue>;

export const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** Bytes of a string that is a key or a name. */
const LONGEST_NAME = 2 ** 16;

/** A Python string of either kind as text; null for long text, and for any other value. */
export function textOf(value: PickleValue | undefined): string | null {
  if (value instanceof Uint8Array) return value.length > LONGEST_NAME ? null : latin1(value);
  return typeof value === 'string' ? value : null;
}

/** A tuple of sizes as a shape; null for any other value. */
export function shapeOf(value: PickleValue | undefined): number[] | null {
  if (!Array.isArray(value)) return null;
  const sizes = value.filter((size) => typeof size === 'number' && size >= 0);
  return sizes.length === value.length ? (sizes as number[]) : null;
}

/** Column-major data in row-major order. */
export function transpose(data: Uint8Array, rows: number, columns: number): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[i * columns + j] = data[j * rows + i];
  }
  return out;
}
