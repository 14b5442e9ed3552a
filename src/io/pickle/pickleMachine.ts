/**
 * Reads pickles of protocols 0 to 5 without running anything.
 *
 * A pickle is a program for a stack machine, whose instructions build values, name classes and functions of Python, and call
 * them. This machine knows names only by a list of its caller, and makes records of calls instead of calls. Values
 * are built without recursion. A length beyond the end of the file is refused before anything is allocated, and the number
 * of values is limited, because a byte of the file can make one.
 *
 * Source: Lib/pickletools.py of CPython, whose names the comments give.
 */
import { PickleReader, exact } from './pickleReader.js';
import { protocol0Bytes, protocol0Text } from './pickleLines.js';
import {
  PickleName,
  PickleObject,
  PickleReference,
  textOf,
  type PickleDict,
  type PickleValue,
} from './pickleValues.js';

/** What a pickle of some kind may contain. */
export interface Vocabulary {
  /** The lowest protocol; the highest is 5. */
  readonly lowestProtocol: number;
  /** Values, marks and entries of the memo that a pickle may create. */
  readonly maxObjects: number;
  /** Dictionaries in a pickle, which are large even when they are empty. */
  readonly maxDictionaries: number;
  /** Whether keys may be None, booleans, large integers, tuples, objects and names beside strings and numbers. */
  readonly hasOtherKeys?: boolean;
  /** The names of classes and functions, for an error. */
  readonly expected: string;
  /** Whether a name such as `numpy.dtype` may occur. `numpy._core` is `numpy.core` here, and `__builtin__` is `builtins`. */
  allows(name: string): boolean;
  /** What to do about a name that may not. */
  hintOf?(name: string): string | undefined;
  /** The value of a call; undefined for a record of it. */
  call?(name: string, args: readonly PickleValue[], reader: PickleReader): PickleValue | undefined;
  /** Takes a persistent id, which refers to another part of the file. Without it, these are refused. */
  refer?(reference: PickleReference, reader: PickleReader): void;
  /** Sets the state of a value that is no record. @returns false if it has none */
  build?(target: PickleValue, state: PickleValue, reader: PickleReader): boolean;
}

const STOP = 0x2e;

/** Instructions that are refused by name. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x97, 'NEXT_BUFFER'],
  [0x98, 'READONLY_BUFFER'],
]);

/** Values that a record of a call counts as, beside itself: it takes as much memory. */
const VALUES_OF_RECORD = 4;

/** Modules that were renamed: numpy 2 has numpy._core, Python 3 has builtins and copyreg. */
const RENAMED: readonly (readonly [old: RegExp, name: string])[] = [
  [/^numpy\._core\b/, 'numpy.core'],
  [/^__builtin__$/, 'builtins'],
  [/^copy_reg$/, 'copyreg'],
];

export class PickleMachine {
  private objects = 0;
  private dictionaries = 0;
  private isAtStart = true;
  private readonly stack: PickleValue[] = [];
  /** Heights of the stack at the marks. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(
    private readonly reader: PickleReader,
    private readonly vocabulary: Vocabulary,
  ) {}

  /** Executes the next instruction. @returns false for the last one, STOP */
  step(): boolean {
    if (this.isAtStart) this.start();
    const opcode = this.reader.byte();
    if (opcode === STOP) return false;
    const value = this.pushedValue(opcode);
    if (value === undefined) this.execute(opcode);
    else this.push(value);
    return true;
  }

  /** The value of the pickle, after its last instruction. */
  result(): PickleValue {
    const result = this.pop();
    if (this.stack.length > 0) this.refuse('one value', 'more than one');
    return result;
  }

  private start(): void {
    this.isAtStart = false;
    const { lowestProtocol } = this.vocabulary;
    if (lowestProtocol < 2) return;
    const version = this.reader.byte() === 0x80 ? this.reader.byte() : 0;
    if (version >= lowestProtocol && version <= 5) return;
    this.refuse(`a pickle of protocol ${lowestProtocol} to 5`, 'another beginning');
  }

  private push(value: PickleValue): void {
    this.count();
    this.stack.push(value);
  }

  /** Counts a value, a mark or an entry of the memo. */
  private count(values = 1): void {
    const { maxObjects } = this.vocabulary;
    this.objects += values;
    if (this.objects <= maxObjects) return;
    this.refuse(`at most ${maxObjects} values, marks and memo entries`, 'more');
  }

  private emptyDictionary(): PickleDict {
    const { maxDictionaries } = this.vocabulary;
    if (++this.dictionaries > maxDictionaries) this.refuse(`at most ${maxDictionaries} dictionaries`, 'more');
    return new Map();
  }

  private memoize(index: number): void {
    this.count();
    this.memo.set(index, this.top());
  }

  private refuse(expected: string, got: string, hint?: string): never {
    return this.reader.refuse(expected, got, hint);
  }

  /** The instructions that push a value; undefined for any other. */
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
      case 0x8b: // LONG4
        return this.reader.integer(this.reader.uint32());
      case 0x47: // BINFLOAT
        return this.reader.float();
      case 0x49: // INT: 00 and 01 are booleans
      case 0x4c: // LONG: ends with an L
      case 0x46: // FLOAT
        return this.numberLine(opcode);
      default:
        return this.pushedText(opcode) ?? this.pushedCollection(opcode) ?? this.pushedObject(opcode);
    }
  }

  private pushedText(opcode: number): PickleValue | undefined {
    switch (opcode) {
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
      case 0x53: // STRING
        return protocol0Bytes(this.reader.line()) ?? this.refuse('a quoted string', 'a line without quotes');
      case 0x56: // UNICODE
        return protocol0Text(this.reader.line());
      default:
        return undefined;
    }
  }

  private pushedCollection(opcode: number): PickleValue | undefined {
    switch (opcode) {
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
      case 0x6c: // LIST
        return this.popToMark();
      case 0x64: // DICT
        return this.addPairs(this.emptyDictionary(), this.popToMark());
      case 0x8f: // EMPTY_SET
        return this.record('builtins.set', []);
      case 0x91: // FROZENSET
        return Object.assign(this.record('builtins.frozenset', []), { items: this.popToMark() });
      default:
        return undefined;
    }
  }

  private pushedObject(opcode: number): PickleValue | undefined {
    switch (opcode) {
      case 0x68: // BINGET
        return this.recall(this.reader.byte());
      case 0x6a: // LONG_BINGET
        return this.recall(this.reader.uint32());
      case 0x67: // GET
        return this.recall(this.memoLine());
      case 0x32: // DUP
        return this.top();
      case 0x63: // GLOBAL
        return this.global(this.reader.line(), this.reader.line());
      case 0x93: // STACK_GLOBAL
        return this.stackGlobal();
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const args = this.pop();
        return this.call(this.pop(), args);
      }
      case 0x92: {
        // NEWOBJ_EX: the arguments by name are left out
        const [, args] = [this.pop(), this.pop()];
        return this.call(this.pop(), args);
      }
      case 0x69: // INST
        return this.call(this.global(this.reader.line(), this.reader.line()), this.popToMark());
      case 0x6f: {
        // OBJ
        const [callable, ...args] = this.popToMark();
        return this.call(callable, args);
      }
      case 0x50: // PERSID
        return this.reference(this.reader.line());
      case 0x51: // BINPERSID
        return this.reference(this.pop());
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
      case 0x30: // POP: a mark, if it is the last
        if (this.marks.at(-1) === this.stack.length) this.marks.pop();
        else this.pop();
        break;
      case 0x31: // POP_MARK
        this.popToMark();
        break;
      case 0x61: // APPEND
        this.append([this.pop()]);
        break;
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
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
      case 0x70: // PUT
        this.memoize(this.memoLine());
        break;
      case 0x94: // MEMOIZE
        this.memoize(this.memo.size);
        break;
      case 0x80: // PROTO
        if (this.reader.byte() > 5) this.refuse('a pickle of protocol 0 to 5', 'a later one');
        break;
      case 0x95: // FRAME: how much to read ahead
        this.reader.skip(8);
        break;
      case 0x62: // BUILD
        this.build();
        break;
      default: {
        const digits = `opcode 0x${opcode.toString(16).padStart(2, '0')}`;
        const name = REFUSED.get(opcode);
        this.refuse('the instructions of plain data', name === undefined ? digits : `${digits} (${name})`);
      }
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
    const target = this.top();
    const list = target instanceof PickleObject ? (target.items ??= []) : target;
    if (!Array.isArray(list)) this.refuse('a list to append to', 'something else');
    for (const item of items) list.push(item);
  }

  private setItems(items: readonly PickleValue[]): void {
    const target = this.top();
    const dict = target instanceof PickleObject ? (target.entries ??= this.emptyDictionary()) : target;
    if (!(dict instanceof Map)) return this.refuse('a dictionary and pairs', 'something else');
    this.addPairs(dict, items);
  }

  private addPairs(dict: PickleDict, items: readonly PickleValue[]): PickleDict {
    if (items.length % 2 !== 0) this.refuse('a dictionary and pairs', 'something else');
    for (let i = 0; i < items.length; i += 2) {
      const key = textOf(items[i]) ?? items[i];
      if (!this.isKey(key)) this.refuse('keys that are strings', 'another key');
      dict.set(key, items[i + 1]);
    }
    return dict;
  }

  private isKey(key: PickleValue): boolean {
    if (typeof key === 'string' || typeof key === 'number') return true;
    if (this.vocabulary.hasOtherKeys !== true) return false;
    // A list cannot be told from a tuple.
    if (key === null || Array.isArray(key) || key instanceof PickleObject || key instanceof PickleName) return true;
    return typeof key === 'boolean' || typeof key === 'bigint';
  }

  private recall(index: number): PickleValue {
    const value = this.memo.get(index);
    return value === undefined ? this.refuse('a value of the memo', `number ${index}`) : value;
  }

  /** The number of an entry of the memo, in digits. */
  private memoLine(): number {
    const line = this.reader.line();
    return /^\d{1,15}$/.test(line) ? Number(line) : this.refuse('the number of a memo entry', 'something else');
  }

  /** A number in digits, as protocol 0 writes it. */
  private numberLine(opcode: number): PickleValue {
    const line = this.reader.line();
    if (opcode === 0x46) {
      const value = Number(line.replace(/^(-?)inf$/, '$1Infinity'));
      if (line !== '' && (line === 'nan' || !Number.isNaN(value))) return value;
    } else {
      if (opcode === 0x49 && /^0[01]$/.test(line)) return line === '01';
      const digits = /^(-?)(\d+)L?$/.exec(line);
      if (digits !== null) return exact(BigInt(digits[2]) * (digits[1] === '' ? 1n : -1n));
    }
    return this.refuse('a number', 'something else');
  }

  private global(module: string, name: string): PickleName {
    const renamed = RENAMED.find(([old]) => old.test(module));
    const full = `${renamed === undefined ? module : module.replace(...renamed)}.${name}`;
    // A name with a dot is an attribute of a name, which may be anything.
    if (name.includes('.') || !this.vocabulary.allows(full)) {
      this.refuse(this.vocabulary.expected, `${module}.${name}`, this.vocabulary.hintOf?.(full));
    }
    return new PickleName(full);
  }

  private stackGlobal(): PickleName {
    const name = this.pop();
    const module = this.pop();
    if (typeof name !== 'string' || typeof module !== 'string')
      return this.refuse('the name of a class', 'another value');
    return this.global(module, name);
  }

  private reference(id: PickleValue): PickleReference {
    const reference = new PickleReference(id);
    if (this.vocabulary.refer === undefined) this.refuse('the instructions of plain data', 'a persistent id');
    this.vocabulary.refer(reference, this.reader);
    return reference;
  }

  private call(callable: PickleValue | undefined, args: PickleValue): PickleValue {
    if (!(callable instanceof PickleName) || !Array.isArray(args)) {
      return this.refuse('the name of a class or function and its arguments', 'something else');
    }
    return this.vocabulary.call?.(callable.name, args, this.reader) ?? this.record(callable.name, args);
  }

  private record(name: string, args: readonly PickleValue[]): PickleObject {
    this.count(VALUES_OF_RECORD);
    return new PickleObject(name, args);
  }

  private build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof PickleObject) target.state = state;
    else if (this.vocabulary.build?.(target, state, this.reader) !== true) {
      this.refuse('an object to set the state of', 'something else');
    }
  }
}

/** Bytes of a file that are read at once. */
const WINDOW = 2 ** 18;

/** The part of a file that has pickles. */
export interface PickleSource {
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Reads a pickle in memory, with nothing after it. Strings are views of its bytes. @throws an error of `Refused` */
export function readWholePickle(reader: PickleReader, vocabulary: Vocabulary): PickleValue {
  const machine = new PickleMachine(reader, vocabulary);
  while (machine.step());
  const result = machine.result();
  if (reader.remaining > 0) reader.refuse('nothing after the end of the pickle', `${reader.remaining} bytes`);
  return result;
}

/**
 * Reads a pickle in a file, part by part. Long strings are not read: they are `FileBytes`, relative to the source.
 *
 * @returns its value; the reader is then after its end
 * @throws an error of `Refused`
 */
export async function readPickle(
  reader: PickleReader,
  source: PickleSource,
  vocabulary: Vocabulary,
): Promise<PickleValue> {
  const machine = new PickleMachine(reader, vocabulary);
  do {
    if (reader.isShort) {
      reader.place(await source.read(reader.position, Math.min(WINDOW, reader.remaining)));
    }
  } while (machine.step());
  return machine.result();
}
