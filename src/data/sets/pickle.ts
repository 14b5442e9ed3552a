/**
 * Reads the pickles that CIFAR archives are made of: dictionaries, lists, tuples,
 * strings, integers and numpy arrays of uint8, as Python 2 writes them in protocol 2
 * and Python 3 in protocols 3 to 5.
 *
 * A pickle is a program for a stack machine. This one knows the instructions that
 * build values and four names (numpy's array, dtype and two constructors), for
 * which it builds arrays itself: nothing in a file can be called. All values are
 * built without recursion, and strings are views: a length that the file does not
 * have is refused before anything is allocated.
 */
import { DataError } from '../../core/errors.js';
import { formatShape, sizeOf } from '../../core/tensor.js';

/** A numpy array of uint8, row-major. Empty until the pickle has filled it in. */
export class PickleArray {
  data: Uint8Array = new Uint8Array(0);
  shape: readonly number[] = [0];
}

/** A class or constructor of numpy, and what `numpy.dtype('u1')` makes: a name, without powers. */
export class PickleName {
  constructor(readonly name: string) {}
}

/** Python 2's str and Python 3's bytes are Uint8Array; a tuple is an array, a dict a Map. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | PickleArray
  | PickleName
  | PickleValue[]
  | Map<string | number, PickleValue>;

const RECONSTRUCT = 'numpy.core.multiarray._reconstruct';
/** How protocol 5 makes arrays. */
const FROM_BUFFER = 'numpy.core.numeric._frombuffer';
const DTYPE = 'numpy.dtype';
const ALLOWED_NAMES: ReadonlySet<string> = new Set([RECONSTRUCT, FROM_BUFFER, DTYPE, 'numpy.ndarray']);
const UINT8 = 'uint8';

const latin1 = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};

/** A Python string of either kind as text, or null for anything else. */
export function textOf(value: PickleValue | undefined): string | null {
  if (value instanceof Uint8Array) return latin1(value);
  return typeof value === 'string' ? value : null;
}

const isNamed = (value: PickleValue | undefined, name: string): boolean =>
  value instanceof PickleName && value.name === name;

/** The sizes in a tuple, or null where it is no shape. */
function shapeOf(value: PickleValue | undefined): number[] | null {
  if (!Array.isArray(value)) return null;
  const sizes = value.filter((size) => typeof size === 'number' && size >= 0);
  return sizes.length === value.length ? (sizes as number[]) : null;
}

/** Column by column into row by row. */
function transpose(data: Uint8Array, rows: number, columns: number): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[i * columns + j] = data[j * rows + i];
  }
  return out;
}

class Machine {
  private at = 0;
  private readonly view: DataView;
  private readonly stack: PickleValue[] = [];
  /** Heights of the stack at the open marks. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): PickleValue {
    const version = this.byte() === 0x80 ? this.byte() : 0;
    if (version < 2 || version > 5) this.refuse('a pickle of protocol 2 to 5', 'another beginning');
    for (let opcode = this.byte(); opcode !== 0x2e; opcode = this.byte()) {
      const value = this.valueOf(opcode);
      if (value === undefined) this.act(opcode);
      else this.stack.push(value);
    }
    const result = this.pop();
    const left = this.bytes.length - this.at;
    if (this.stack.length > 0) this.refuse('one value', 'more of them');
    if (left > 0) this.refuse('nothing after the end of the pickle', `${left} bytes`);
    return result;
  }

  private refuse(expected: string, got: string): never {
    throw new DataError({ op: this.name, expected, got: `${got} (at byte ${this.at})` });
  }

  /** The instructions that push a value, by Python's names for them (Lib/pickletools.py). */
  private valueOf(opcode: number): PickleValue | undefined {
    switch (opcode) {
      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;

      case 0x4b: // BININT1
        return this.byte();
      case 0x4d: // BININT2
        return this.view.getUint16(this.take(2), true);
      case 0x4a: // BININT
        return this.view.getInt32(this.take(4), true);
      case 0x8a: // LONG1
        return this.long(this.byte());

      case 0x55: // SHORT_BINSTRING
      case 0x43: // SHORT_BINBYTES
        return this.slice(this.byte());
      case 0x54: // BINSTRING: its length is signed, a negative one reads as absurdly long here
      case 0x42: // BINBYTES
        return this.slice(this.uint32());
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.slice(this.uint64());
      case 0x8c: // SHORT_BINUNICODE
        return this.unicode(this.byte());
      case 0x58: // BINUNICODE
        return this.unicode(this.uint32());
      case 0x8d: // BINUNICODE8
        return this.unicode(this.uint64());

      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        return [];
      case 0x7d: // EMPTY_DICT
        return new Map<string | number, PickleValue>();
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return Array.from({ length: opcode - 0x84 }, () => this.pop()).reverse();
      case 0x74: // TUPLE
        return this.popToMark();

      case 0x68: // BINGET
        return this.recall(this.byte());
      case 0x6a: // LONG_BINGET
        return this.recall(this.uint32());
      case 0x63: // GLOBAL
        return this.global(this.line(), this.line());
      case 0x93: // STACK_GLOBAL
        return this.stackGlobal();
      case 0x52: // REDUCE
        return this.reduce();
      default:
        return undefined;
    }
  }

  /** The instructions that change what is there already. */
  private act(opcode: number): void {
    switch (opcode) {
      case 0x28: // MARK
        this.marks.push(this.stack.length);
        break;
      case 0x61: // APPEND
        this.append([this.pop()]);
        break;
      case 0x65: // APPENDS
        this.append(this.popToMark());
        break;
      case 0x73: // SETITEM
        this.setItems([this.pop(), this.pop()].reverse());
        break;
      case 0x75: // SETITEMS
        this.setItems(this.popToMark());
        break;
      case 0x71: // BINPUT
        this.memo.set(this.byte(), this.top());
        break;
      case 0x72: // LONG_BINPUT
        this.memo.set(this.uint32(), this.top());
        break;
      case 0x94: // MEMOIZE
        this.memo.set(this.memo.size, this.top());
        break;
      case 0x95: // FRAME: how much to read ahead, which is nothing here
        this.take(8);
        break;
      case 0x62: // BUILD
        this.build();
        break;
      default:
        this.refuse('the instructions of plain data', `opcode 0x${opcode.toString(16).padStart(2, '0')}`);
    }
  }

  /** Where the next `length` bytes begin; they are there. */
  private take(length: number): number {
    const start = this.at;
    const left = this.bytes.length - start;
    if (length > left) this.refuse(`${length} more bytes`, `${left}: the file is cut short or damaged`);
    this.at += length;
    return start;
  }

  private byte(): number {
    return this.bytes[this.take(1)];
  }

  private uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  private uint64(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }

  private slice(length: number): Uint8Array {
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  private unicode(length: number): string {
    return new TextDecoder().decode(this.slice(length));
  }

  /** Text up to the end of the line, as GLOBAL has it. */
  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) this.refuse('a line', 'no end of it');
    const text = latin1(this.bytes.subarray(this.at, end));
    this.at = end + 1;
    return text;
  }

  /** A little-endian two's complement integer of up to 6 bytes, which float64 holds exactly. */
  private long(width: number): number {
    if (width === 0) return 0;
    if (width > 6) this.refuse('an integer of at most 48 bits', `${8 * width} bits`);
    const unsigned = this.slice(width).reduceRight((value, byte) => value * 256 + byte, 0);
    return unsigned < 2 ** (8 * width - 1) ? unsigned : unsigned - 2 ** (8 * width);
  }

  private top(): PickleValue {
    const floor = this.marks.length === 0 ? 0 : this.marks[this.marks.length - 1];
    if (this.stack.length <= floor) this.refuse('a value', 'none');
    return this.stack[this.stack.length - 1];
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private popToMark(): PickleValue[] {
    const mark = this.marks.pop();
    return mark === undefined ? this.refuse('a mark', 'none') : this.stack.splice(mark);
  }

  private append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) this.refuse('a list to append to', 'something else');
    for (const item of items) list.push(item);
  }

  private setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0) this.refuse('a dictionary and pairs', 'something else');
    for (let i = 0; i < items.length; i += 2) {
      const key = textOf(items[i]) ?? items[i];
      if (typeof key !== 'string' && typeof key !== 'number') this.refuse('keys that are strings', 'another key');
      dict.set(key, items[i + 1]);
    }
  }

  private recall(index: number): PickleValue {
    const value = this.memo.get(index);
    return value === undefined ? this.refuse('a value kept before', `number ${index}`) : value;
  }

  private global(module: string, name: string): PickleName {
    // numpy 2 renamed numpy.core.
    const full = `${module}.${name}`.replace(/^numpy\._core\./, 'numpy.core.');
    if (!ALLOWED_NAMES.has(full)) this.refuse('nothing but data and arrays of numpy', `${module}.${name}`);
    return new PickleName(full);
  }

  private stackGlobal(): PickleName {
    const name = this.pop();
    const module = this.pop();
    if (typeof name !== 'string' || typeof module !== 'string') return this.refuse('the name of a class', 'no text');
    return this.global(module, name);
  }

  /** What a constructor makes of its arguments: a dtype, an array to be filled, or a full one. */
  private reduce(): PickleValue {
    const args = this.pop();
    const callable = this.pop();
    if (!(callable instanceof PickleName) || !Array.isArray(args)) {
      return this.refuse('a constructor of numpy and its arguments', 'something else');
    }
    switch (callable.name) {
      case DTYPE:
        if (textOf(args[0]) !== 'u1')
          this.refuse('arrays of uint8 (u1)', `the type ${textOf(args[0]) ?? 'of no name'}`);
        return new PickleName(UINT8);
      case RECONSTRUCT:
        return new PickleArray();
      case FROM_BUFFER: {
        const [data, dtype, shape, order] = args;
        const array = new PickleArray();
        this.fill(array, shape, dtype, textOf(order) === 'F', data);
        return array;
      }
      default:
        return this.refuse('a constructor of numpy', callable.name);
    }
  }

  /** An array's state is (version, shape, dtype, is it in Fortran order, bytes); a uint8's says nothing new. */
  private build(): void {
    const state = this.pop();
    const target = this.top();
    if (isNamed(target, UINT8)) return;
    if (!(target instanceof PickleArray) || !Array.isArray(state)) {
      return this.refuse('an array and its state', 'something else');
    }
    const [, shape, dtype, fortran, data] = state;
    this.fill(target, shape, dtype, fortran === true, data);
  }

  private fill(array: PickleArray, size: PickleValue, dtype: PickleValue, fortran: boolean, data: PickleValue): void {
    const shape = shapeOf(size);
    if (shape === null || !isNamed(dtype, UINT8) || !(data instanceof Uint8Array)) {
      return this.refuse('the shape, type and bytes of an array of uint8', 'something else');
    }
    if (sizeOf(shape) !== data.length) {
      this.refuse(`${sizeOf(shape)} bytes for an array ${formatShape(shape)}`, `${data.length}`);
    }
    if (fortran && shape.length !== 2) this.refuse('an array in C order', 'Fortran order');
    array.shape = shape;
    array.data = fortran ? transpose(data, shape[0], shape[1]) : data;
  }
}

/**
 * The value in a pickle. Byte strings and arrays are views of `bytes`.
 *
 * @param name how errors call the file.
 * @throws DataError for anything but plain data and arrays of uint8, naming it.
 */
export const readPickle = (bytes: Uint8Array, name: string): PickleValue => new Machine(bytes, name).run();
