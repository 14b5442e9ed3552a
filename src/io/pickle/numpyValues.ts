/** NumPy's arrays, dtypes and scalars in pickles, as NumPy 1 and 2 write them in all protocols. */
import { formatShape, sizeOf } from '../../core/tensor.js';
import type { PickleReader } from './pickleReader.js';
import {
  FileBytes,
  latin1Bytes,
  PickleArray,
  PickleDtype,
  PickleObject,
  PickleText,
  shapeOf,
  textOf,
  type ArrayBytes,
  type PickleValue,
} from './pickleValues.js';

const RECONSTRUCT = 'numpy.core.multiarray._reconstruct';
/** The constructor of arrays in protocol 5. */
const FROM_BUFFER = 'numpy.core.numeric._frombuffer';
const SCALAR = 'numpy.core.multiarray.scalar';
const DTYPE = 'numpy.dtype';
/** Makes bytes of text: Python 3 writes bytes so in protocol 2. */
const ENCODE = '_codecs.encode';

/** The names of the values that `NumpyValues` makes. */
export const NUMPY_NAMES: ReadonlySet<string> = new Set([
  ...[RECONSTRUCT, FROM_BUFFER, SCALAR, DTYPE, ENCODE, 'numpy.ndarray'],
]);

/** Codes of integers, and the method of DataView that reads one. */
const READS: Readonly<Record<string, (view: DataView, at: number, isLittle: boolean) => number>> = {
  u1: (view, at) => view.getUint8(at),
  i1: (view, at) => view.getInt8(at),
  u2: (view, at, isLittle) => view.getUint16(at, isLittle),
  i2: (view, at, isLittle) => view.getInt16(at, isLittle),
  u4: (view, at, isLittle) => view.getUint32(at, isLittle),
  i4: (view, at, isLittle) => view.getInt32(at, isLittle),
  u8: (view, at, isLittle) => Number(view.getBigUint64(at, isLittle)),
  i8: (view, at, isLittle) => Number(view.getBigInt64(at, isLittle)),
  b1: (view, at) => view.getUint8(at),
  f4: (view, at, isLittle) => view.getFloat32(at, isLittle),
  f8: (view, at, isLittle) => view.getFloat64(at, isLittle),
};

/** Codes of integers of all widths. */
export const INTEGER_CODES: readonly string[] = ['u1', 'i1', 'u2', 'i2', 'u4', 'i4', 'u8', 'i8'];
/** Codes of all numbers; scalars of two-byte floats, and of complex numbers, are not read. */
export const NUMBER_CODES: readonly string[] = [...INTEGER_CODES, 'b1', 'f2', 'f4', 'f8', 'c8', 'c16'];

/** Numbers of a type, one after the other; none of a type that is not read. Integers beyond 2^53 are rounded. */
export function numbersOf(bytes: Uint8Array, { code, bytes: width, isLittleEndian }: PickleDtype): number[] {
  const read = Object.hasOwn(READS, code) ? READS[code] : undefined;
  if (read === undefined) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / width) }, (_, i) => read(view, i * width, isLittleEndian));
}

/** Makes the values of NumPy's constructors: part of a `Vocabulary`. */
export class NumpyValues {
  /** The bytes of texts, so that many calls for one text make no more than one copy. */
  private readonly encoded = new Map<string, Uint8Array>();

  /**
   * @param codes of `NUMBER_CODES` that arrays may have
   * @param types what they are, for an error
   * @param keepsOthers whether arrays and scalars of other types may occur. They have no values: arrays have shapes, and
   *   scalars are records of calls.
   */
  constructor(
    private readonly codes: readonly string[],
    private readonly types: string,
    private readonly keepsOthers = false,
  ) {}

  /** A dtype, a number, bytes, an empty array (BUILD fills it), or a full one; undefined for the name of something else. */
  call(name: string, args: readonly PickleValue[], reader: PickleReader): PickleValue | undefined {
    switch (name) {
      case DTYPE:
        return this.dtype(textOf(args[0]) ?? 'of no name', reader);
      case ENCODE:
        return this.encode(args[0], args[1], reader);
      case SCALAR:
        return this.scalar(args, reader);
      case RECONSTRUCT:
        return new PickleArray();
      case FROM_BUFFER: {
        const [data, dtype, shape, order] = args;
        return fill(new PickleArray(), shape, dtype, textOf(order) === 'F', data, reader);
      }
      default:
        return undefined;
    }
  }

  /**
   * Sets the state of an array (version, shape, dtype, is in Fortran order, bytes) or of a dtype (version, byte order).
   *
   * @returns false for another value
   */
  build(target: PickleValue, state: PickleValue, reader: PickleReader): boolean {
    if (target instanceof PickleDtype) {
      target.isLittleEndian = !Array.isArray(state) || textOf(state[1]) !== '>';
      return true;
    }
    if (!(target instanceof PickleArray) || !Array.isArray(state)) return false;
    const [, shape, dtype, fortran, data] = state;
    fill(target, shape, dtype, fortran === true, data, reader);
    return true;
  }

  private encode(text: PickleValue | undefined, encoding: PickleValue | undefined, reader: PickleReader): PickleValue {
    const isText = typeof text === 'string' || text instanceof PickleText;
    if (!isText || encoding !== 'latin1') return reader.refuse('text and latin1', 'something else');
    if (text instanceof PickleText) {
      if (text.utf8 instanceof FileBytes) return text;
      return text.latin1() ?? reader.refuse('text of Latin-1', 'other letters');
    }
    const bytes = this.encoded.get(text) ?? latin1Bytes(text);
    if (bytes === null) return reader.refuse('text of Latin-1', 'other letters');
    this.encoded.set(text, bytes);
    return bytes;
  }

  private dtype(code: string, reader: PickleReader): PickleDtype {
    if (!this.keepsOthers && !this.codes.includes(code))
      reader.refuse(`${this.types} (${this.codes.join(', ')})`, code);
    return new PickleDtype(code);
  }

  /** A number; for a type whose numbers are not read, such as float16 or text, a record of the call. */
  private scalar(args: readonly PickleValue[], reader: PickleReader): PickleValue {
    const [dtype, data] = args;
    if (dtype instanceof PickleDtype) {
      if (this.keepsOthers && !Object.hasOwn(READS, dtype.code)) return new PickleObject(SCALAR, args);
      const numbers = data instanceof Uint8Array && data.length === dtype.bytes ? numbersOf(data, dtype) : [];
      if (numbers.length === 1) return numbers[0];
    }
    return reader.refuse('the type and bytes of an integer', 'something else');
  }
}

/** The bytes that text in UTF-8 may have in Latin-1: each takes one or two. */
const couldBe = ({ utf8 }: PickleText, length: number): boolean => utf8.length >= length && utf8.length <= 2 * length;

function fill(
  array: PickleArray,
  size: PickleValue | undefined,
  dtype: PickleValue | undefined,
  isFortran: boolean,
  data: PickleValue | undefined,
  reader: PickleReader,
): PickleArray {
  const shape = shapeOf(size);
  // Elements of another type, such as objects in a list, are not kept.
  if (shape !== null && dtype instanceof PickleDtype && !NUMBER_CODES.includes(dtype.code)) {
    return Object.assign(array, { shape, dtype });
  }
  if (shape === null || !(dtype instanceof PickleDtype) || !isBytes(data)) {
    return reader.refuse('the shape, type and bytes of an array of numbers', 'something else');
  }
  const length = sizeOf(shape) * dtype.bytes;
  const isRight = data instanceof PickleText ? couldBe(data, length) : data.length === length;
  if (!isRight) {
    const got = data instanceof PickleText ? `${data.utf8.length} bytes of text` : `${data.length}`;
    reader.refuse(`${length} bytes for an array ${formatShape(shape)}`, got);
  }
  return Object.assign(array, { shape, dtype, bytes: data, isFortran });
}

const isBytes = (data: PickleValue | undefined): data is ArrayBytes =>
  data instanceof Uint8Array ||
  data instanceof FileBytes ||
  (data instanceof PickleText && data.utf8 instanceof FileBytes);
