/**
 * Reads the pickles of CIFAR archives: dictionaries, lists, tuples, strings, integers, and numpy arrays and scalars of integers, as
 * Python 2 writes them in protocol 2 and Python 3 in protocols 3 to 5.
 *
 * A pickle is a program for a stack machine. This machine implements the instructions that build values, and knows six
 * names (numpy's array, dtype and three constructors, and the encoding of bytes), whose values it builds itself: nothing in a file can be called.
 * Values are built without recursion, and byte strings are views: a length beyond the end of the file is refused before
 * anything is allocated.
 */
import { formatShape, sizeOf } from '../../core/tensor.js';
import { PickleReader } from './pickleReader.js';
import {
  INTEGER_CODES,
  integersOf,
  latin1Bytes,
  MAX_OBJECTS,
  PickleArray,
  PickleDtype,
  PickleName,
  PickleText,
  shapeOf,
  textOf,
  type PickleValue,
} from './pickleValues.js';

const STOP = 0x2e;
const RECONSTRUCT = 'numpy.core.multiarray._reconstruct';
/** The constructor of arrays in protocol 5. */
const FROM_BUFFER = 'numpy.core.numeric._frombuffer';
const SCALAR = 'numpy.core.multiarray.scalar';
const DTYPE = 'numpy.dtype';
/** Makes bytes of text: Python 3 writes bytes so in protocol 2. */
const ENCODE = '_codecs.encode';
const ALLOWED_NAMES: ReadonlySet<string> = new Set([RECONSTRUCT, FROM_BUFFER, SCALAR, DTYPE, ENCODE, 'numpy.ndarray']);

/** Dictionaries in a pickle, which are large even when they are empty. A batch is one dictionary. */
export const MAX_DICTIONARIES = 1000;

class Machine {
  private objects = 0;
  private dictionaries = 0;
  private readonly stack: PickleValue[] = [];
  /** Heights of the stack at the marks. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();
  /** The bytes of texts, so that many calls for one text make no more than one copy. */
  private readonly encoded = new Map<string, Uint8Array>();

  constructor(
    private readonly reader: PickleReader,
    private readonly maxObjects: number,
  ) {}

  run(): PickleValue {
    const { reader } = this;
    const version = reader.byte() === 0x80 ? reader.byte() : 0;
    if (version < 2 || version > 5) this.refuse('a pickle of protocol 2 to 5', 'another beginning');
    for (let opcode = reader.byte(); opcode !== STOP; opcode = reader.byte()) {
      const value = this.pushedValue(opcode);
      if (value === undefined) this.execute(opcode);
      else this.push(value);
    }
    const result = this.pop();
    if (this.stack.length > 0) this.refuse('one value', 'more than one');
    if (reader.remaining > 0) this.refuse('nothing after the end of the pickle', `${reader.remaining} bytes`);
    return result;
  }

  private push(value: PickleValue): void {
    this.count();
    this.stack.push(value);
  }

  /** Counts a value, a mark or an entry of the memo. */
  private count(): void {
    if (++this.objects <= this.maxObjects) return;
    this.refuse(`at most ${this.maxObjects} values, marks and memo entries`, 'more');
  }

  private emptyDictionary(): Map<string | number, PickleValue> {
    if (++this.dictionaries > MAX_DICTIONARIES) this.refuse(`at most ${MAX_DICTIONARIES} dictionaries`, 'more');
    return new Map();
  }

  private memoize(index: number): void {
    this.count();
    this.memo.set(index, this.top());
  }

  private refuse(expected: string, got: string): never {
    return this.reader.refuse(expected, got);
  }

  /** The instructions that push a value, with their names in Lib/pickletools.py; undefined for any other. */
  private pushedValue(opcode: number): PickleValue | undefined {
    switch (opcode) {
      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;

      case 0x4b: // BININT1
        return this.reader.byte();
      case 0x4d: // BININT2
        return this.reader.uint16();
      case 0x4a: // BININT
        return this.reader.int32();
      case 0x8a: // LONG1
        return this.reader.integer(this.reader.byte());

      case 0x55: // SHORT_BINSTRING
      case 0x43: // SHORT_BINBYTES
        return this.reader.slice(this.reader.byte());
      case 0x54: // BINSTRING: its length is signed; a negative one reads as larger than any file
      case 0x42: // BINBYTES
        return this.reader.slice(this.reader.uint32());
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.reader.slice(this.reader.uint64());
      case 0x8c: // SHORT_BINUNICODE
        return this.reader.utf8(this.reader.byte());
      case 0x58: // BINUNICODE
        return this.reader.utf8(this.reader.uint32());
      case 0x8d: // BINUNICODE8
        return this.reader.utf8(this.reader.uint64());

      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        return [];
      case 0x7d: // EMPTY_DICT
        return this.emptyDictionary();
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return Array.from({ length: opcode - 0x84 }, () => this.pop()).reverse();
      case 0x74: // TUPLE
        return this.popToMark();

      case 0x68: // BINGET
        return this.recall(this.reader.byte());
      case 0x6a: // LONG_BINGET
        return this.recall(this.reader.uint32());
      case 0x63: // GLOBAL
        return this.global(this.reader.line(), this.reader.line());
      case 0x93: // STACK_GLOBAL
        return this.stackGlobal();
      case 0x52: // REDUCE
        return this.reduce();
      default:
        return undefined;
    }
  }

  /** The instructions that change the stack, the memo or a value. */
  private execute(opcode: number): void {
    switch (opcode) {
      case 0x28: // MARK
        this.count();
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
        this.memoize(this.reader.byte());
        break;
      case 0x72: // LONG_BINPUT
        this.memoize(this.reader.uint32());
        break;
      case 0x94: // MEMOIZE
        this.memoize(this.memo.size);
        break;
      case 0x95: // FRAME: how much to read ahead; the whole file is in memory
        this.reader.skip(8);
        break;
      case 0x62: // BUILD
        this.build();
        break;
      default:
        this.refuse('the instructions of plain data', `opcode 0x${opcode.toString(16).padStart(2, '0')}`);
    }
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
    return value === undefined ? this.refuse('a value of the memo', `number ${index}`) : value;
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
    if (typeof name !== 'string' || typeof module !== 'string')
      return this.refuse('the name of a class', 'another value');
    return this.global(module, name);
  }

  /** Applies a constructor to its arguments: returns a dtype, an integer, an empty array (BUILD fills it), or a full one. */
  private reduce(): PickleValue {
    const args = this.pop();
    const callable = this.pop();
    if (!(callable instanceof PickleName) || !Array.isArray(args)) {
      return this.refuse('a constructor of numpy and its arguments', 'something else');
    }
    switch (callable.name) {
      case DTYPE:
        return this.dtype(textOf(args[0]) ?? 'of no name');
      case ENCODE:
        return this.encode(args[0], args[1]);
      case SCALAR:
        return this.scalar(args[0], args[1]);
      case RECONSTRUCT:
        return new PickleArray();
      case FROM_BUFFER: {
        const [data, dtype, shape, order] = args;
        return this.fill(new PickleArray(), shape, dtype, textOf(order) === 'F', data);
      }
      default:
        return this.refuse('a constructor of numpy', callable.name);
    }
  }

  private encode(text: PickleValue, encoding: PickleValue): Uint8Array {
    const isText = typeof text === 'string' || text instanceof PickleText;
    if (!isText || encoding !== 'latin1') return this.refuse('text and latin1', 'something else');
    if (text instanceof PickleText) return text.latin1() ?? this.refuse('text of Latin-1', 'other letters');
    const bytes = this.encoded.get(text) ?? latin1Bytes(text);
    if (bytes === null) return this.refuse('text of Latin-1', 'other letters');
    this.encoded.set(text, bytes);
    return bytes;
  }

  private dtype(code: string): PickleDtype {
    if (!INTEGER_CODES.includes(code)) this.refuse(`a type of integers (${INTEGER_CODES.join(', ')})`, code);
    return new PickleDtype(code);
  }

  private scalar(dtype: PickleValue, data: PickleValue): number {
    if (!(dtype instanceof PickleDtype) || !(data instanceof Uint8Array) || data.length !== dtype.bytes) {
      return this.refuse('the type and bytes of an integer', 'something else');
    }
    return integersOf(data, dtype)[0];
  }

  /** Sets the state of an array (version, shape, dtype, is in Fortran order, bytes) or of a dtype (version, byte order). */
  private build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof PickleDtype) {
      target.isLittleEndian = !Array.isArray(state) || textOf(state[1]) !== '>';
      return;
    }
    if (!(target instanceof PickleArray) || !Array.isArray(state)) {
      return this.refuse('an array and its state', 'something else');
    }
    const [, shape, dtype, fortran, data] = state;
    this.fill(target, shape, dtype, fortran === true, data);
  }

  private fill(
    array: PickleArray,
    size: PickleValue,
    dtype: PickleValue,
    isFortran: boolean,
    bytes: PickleValue,
  ): PickleArray {
    const shape = shapeOf(size);
    if (shape === null || !(dtype instanceof PickleDtype) || !(bytes instanceof Uint8Array)) {
      return this.refuse('the shape, type and bytes of an array of integers', 'something else');
    }
    const length = sizeOf(shape) * dtype.bytes;
    if (length !== bytes.length) this.refuse(`${length} bytes for an array ${formatShape(shape)}`, `${bytes.length}`);
    return Object.assign(array, { shape, dtype, bytes, isFortran });
  }
}

/**
 * Reads a pickle. Byte strings and arrays are views of `bytes`.
 *
 * @param name the file's name in errors
 * @param maxObjects values, marks and entries of the memo that it may create
 * @throws DataError for anything but plain data and arrays of integers, or more objects
 */
export const readPickle = (bytes: Uint8Array, name: string, maxObjects = MAX_OBJECTS): PickleValue =>
  new Machine(new PickleReader(bytes, name), maxObjects).run();
