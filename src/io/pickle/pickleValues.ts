/** The values of pickles. None of them can be called, and none has a method that a file chooses. */

/** A long string of a pickle in a file, which is read on request. */
export class FileBytes {
  /** @param offset position in the pickle @param length in bytes */
  constructor(
    readonly offset: number,
    readonly length: number,
  ) {}
}

/** Long text in UTF-8, which is decoded on request. */
export class PickleText {
  /** Many calls for one text make one copy. */
  private bytes: Uint8Array | null = null;

  constructor(readonly utf8: Uint8Array | FileBytes) {}

  /** The text in Latin-1, which has one byte for each letter; null if it has other letters, or is not in memory. */
  latin1(): Uint8Array | null {
    if (this.utf8 instanceof FileBytes) return null;
    this.bytes ??= latin1Bytes(new TextDecoder().decode(this.utf8));
    return this.bytes;
  }
}

/** The name of a class or function of Python, such as `numpy.dtype`: only the name. */
export class PickleName {
  constructor(readonly name: string) {}
}

/** What a class or function of Python would make of its arguments: a record of the call, which never happens. */
export class PickleObject {
  /** What BUILD sets; undefined without it. */
  state: PickleValue | undefined = undefined;
  /** The items of a dictionary; null if there are none. */
  entries: PickleDict | null = null;
  /** The items of a list or set; null if there are none. */
  items: PickleValue[] | null = null;

  constructor(
    readonly name: string,
    readonly args: readonly PickleValue[],
  ) {}
}

/** A persistent id: what the pickle refers to lies elsewhere in the file. */
export class PickleReference {
  constructor(readonly id: PickleValue) {}
}

/** The type of an array's elements. */
export class PickleDtype {
  isLittleEndian = true;

  /** @param code `u1`, `f4`, …: the kind (unsigned, signed, float, …), and the number of bytes */
  constructor(readonly code: string) {}

  get bytes(): number {
    return Number(this.code.slice(1));
  }
}

/** The bytes of an array: in memory, or in the file as bytes or as text whose letters are the bytes. */
export type ArrayBytes = Uint8Array | FileBytes | PickleText;

/** A numpy array. Empty until the pickle sets its state. */
export class PickleArray {
  shape: readonly number[] = [0];
  dtype = new PickleDtype('u1');
  /** The elements as stored. */
  bytes: ArrayBytes = new Uint8Array(0);
  /** Whether the elements are in column-major order. */
  isFortran = false;
}

/** Strings are compared by their letters; tuples and objects, which have no use here, by identity. */
export type PickleKey = PickleValue;
export type PickleDict = Map<PickleKey, PickleValue>;

/** Python 2's str and Python 3's bytes become Uint8Array, a tuple or list an array, a dict a Map. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleText
  | Uint8Array
  | FileBytes
  | PickleArray
  | PickleDtype
  | PickleName
  | PickleObject
  | PickleReference
  | PickleValue[]
  | PickleDict;

export const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** Text in Latin-1; null if it has other letters. */
export function latin1Bytes(text: string): Uint8Array | null {
  if (/[^\0-\xff]/.test(text)) return null;
  const { buffer, byteOffset, byteLength } = Buffer.from(text, 'latin1');
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Bytes of a string that is a key or a name. */
const LONGEST_NAME = 2 ** 16;

/** A Python string of either kind as text; null for long text, and for any other value. */
export function textOf(value: PickleValue | undefined): string | null {
  if (value instanceof Uint8Array) return value.length > LONGEST_NAME ? null : latin1(value);
  return typeof value === 'string' ? value : null;
}

/** Dimensions of an array in NumPy, and of a tensor in PyTorch. */
export const MAX_DIMENSIONS = 64;

/** A tuple of at most 64 sizes as a shape; null for any other value. */
export function shapeOf(value: PickleValue | undefined): number[] | null {
  if (!Array.isArray(value) || value.length > MAX_DIMENSIONS) return null;
  const sizes = value.filter((size) => Number.isSafeInteger(size) && (size as number) >= 0);
  return sizes.length === value.length ? (sizes as number[]) : null;
}

/** What a value is, for `got` in an error. */
export function kindOfValue(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${String(value).slice(0, 30)}`;
  if (typeof value === 'string' || value instanceof PickleText) return 'text';
  if (value instanceof Uint8Array || value instanceof FileBytes) return 'bytes';
  if (value instanceof PickleArray) return 'a NumPy array';
  if (value instanceof PickleDtype) return 'a dtype';
  if (value instanceof PickleName) return `the name ${value.name}`;
  if (value instanceof PickleObject) return `an object of ${value.name}`;
  if (value instanceof PickleReference) return 'a reference';
  return Array.isArray(value) ? 'a list or tuple' : 'a dict';
}
