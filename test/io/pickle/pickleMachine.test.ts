/** Every instruction of pickles, as Lib/pickletools.py of CPython lists them. */
import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../../src/core/errors.js';
import { readPickle, readWholePickle, type Vocabulary } from '../../../src/io/pickle/pickleMachine.js';
import { PickleReader } from '../../../src/io/pickle/pickleReader.js';
import {
  FileBytes,
  kindOfValue,
  PickleArray,
  PickleDtype,
  PickleName,
  PickleObject,
  PickleReference,
  PickleText,
  type PickleValue,
} from '../../../src/io/pickle/pickleValues.js';
import { refusal } from '../refusal.js';

const ERRORS = { op: 'net', Refused: WeightsError, hint: 'Save it again.' };

const ALONE: Vocabulary = {
  lowestProtocol: 0,
  maxObjects: 1000,
  maxDictionaries: 10,
  expected: 'the names of data',
  allows: (name) => ['m.C', 'builtins.set', 'copyreg.f', 'numpy.core.x.y'].includes(name),
  hintOf: (name) => `No ${name}.`,
};

const vocabulary = (change: Partial<Vocabulary> = {}): Vocabulary => ({ ...ALONE, refer: () => undefined, ...change });

/** A pickle of instructions, which are characters of Latin-1. */
const bytesOf = (program: string): Uint8Array => new Uint8Array(Buffer.from(program, 'latin1'));

const run = (program: string, change: Partial<Vocabulary> = {}): PickleValue =>
  readWholePickle(new PickleReader(bytesOf(program), ERRORS), vocabulary(change));

/** A record of a call. */
const call = (args: readonly PickleValue[], parts: Partial<PickleObject> = {}): PickleObject =>
  Object.assign(new PickleObject('m.C', args), parts);

const C = 'cm\nC\n';

test.each<[string, string, PickleValue]>([
  ['NONE', 'N.', null],
  ['NEWTRUE', '\x88.', true],
  ['NEWFALSE', '\x89.', false],
  ['INT', 'I-12\n.', -12],
  ['INT, a boolean', '(I00\nI01\nl.', [false, true]],
  ['INT, beyond 2^53', 'I9007199254740993\n.', 9007199254740993n],
  ['LONG', 'L-7L\n.', -7],
  ['LONG, beyond 2^53', 'L-9007199254740993L\n.', -9007199254740993n],
  ['FLOAT', 'F-1.5e3\n.', -1500],
  ['FLOAT, not finite', '(Finf\nF-inf\nFnan\nl.', [Infinity, -Infinity, NaN]],
  ['BINFLOAT', 'G\x3f\xf8\0\0\0\0\0\0.', 1.5],
  ['BININT', 'J\xff\xff\xff\xff.', -1],
  ['BININT1', 'K\xff.', 255],
  ['BININT2', 'M\x01\x02.', 513],
  ['LONG1', '\x8a\x02\x00\x80.', -32768],
  ['LONG4', '\x8b\x02\x00\x00\x00\x00\x80.', -32768],
  ['STRING', "S'a\\x41\\n\\\\\\'\\q'\n.", bytesOf("aA\n\\'\\q")],
  ['STRING, with other quotes', 'S"it\'s"\n.', bytesOf("it's")],
  ['UNICODE', 'V\\u0161a\\U0001f431\xe9\\U00ffffff\n.', 'ša🐱é\\U00ffffff'],
  ['BINSTRING', 'T\x01\0\0\0a.', bytesOf('a')],
  ['SHORT_BINSTRING', 'U\x01a.', bytesOf('a')],
  ['BINBYTES', 'B\x01\0\0\0a.', bytesOf('a')],
  ['SHORT_BINBYTES', 'C\x01a.', bytesOf('a')],
  ['BINBYTES8', '\x8e\x01\0\0\0\0\0\0\0a.', bytesOf('a')],
  ['BYTEARRAY8', '\x96\x01\0\0\0\0\0\0\0a.', bytesOf('a')],
  ['BINUNICODE', 'X\x02\0\0\0\xc3\xa9.', 'é'],
  ['SHORT_BINUNICODE', '\x8c\x01a.', 'a'],
  ['BINUNICODE8', '\x8d\x01\0\0\0\0\0\0\0a.', 'a'],
  ['EMPTY_LIST, APPEND', ']K\x01aK\x02a.', [1, 2]],
  ['APPENDS', '](K\x01K\x02e.', [1, 2]],
  ['LIST', '(K\x01K\x02l.', [1, 2]],
  ['TUPLE', '(K\x01t.', [1]],
  ['EMPTY_TUPLE', ').', []],
  ['TUPLE1 to TUPLE3', 'K\x01\x85K\x02\x86K\x03K\x04\x87.', [[[1], 2], 3, 4]],
  ['EMPTY_DICT, SETITEM', '}U\x01aK\x01s.', new Map([['a', 1]])],
  ['SETITEMS', '}(K\x05NU\x01aK\x01u.', new Map<string | number, PickleValue>([[5, null], ['a', 1]])], // prettier-ignore
  ['DICT', '(U\x01aK\x01d.', new Map([['a', 1]])],
  ['EMPTY_SET, ADDITEMS', '\x8f(K\x01K\x02\x90.', Object.assign(new PickleObject('builtins.set', []), { items: [1, 2] })], // prettier-ignore
  ['FROZENSET', '(K\x01\x91.', Object.assign(new PickleObject('builtins.frozenset', []), { items: [1] })],
  ['POP', 'K\x01K\x020.', 1],
  ['POP, of a mark', 'K\x01(0.', 1],
  ['POP_MARK', 'K\x01(K\x02K\x031.', 1],
  ['DUP', 'K\x012\x86.', [1, 1]],
  ['PUT, GET', '(K\x01p7\ng7\nl.', [1, 1]],
  ['BINPUT, BINGET', '(K\x01q\x07h\x07l.', [1, 1]],
  ['LONG_BINPUT, LONG_BINGET', '(K\x01r\0\x01\0\0j\0\x01\0\0l.', [1, 1]],
  ['MEMOIZE', '(K\x01\x94K\x02\x94h\x00h\x01l.', [1, 2, 1, 2]],
  ['PROTO, FRAME', '\x80\x05\x95\0\0\0\0\0\0\0\0K\x01.', 1],
  ['GLOBAL', `${C}.`, new PickleName('m.C')],
  ['GLOBAL, of a renamed module', 'c__builtin__\nset\nccopy_reg\nf\n0.', new PickleName('builtins.set')],
  ['STACK_GLOBAL', '\x8c\x01m\x8c\x01C\x93.', new PickleName('m.C')],
  ['STACK_GLOBAL, of NumPy 2', '\x8c\x0dnumpy._core.x\x8c\x01y\x93.', new PickleName('numpy.core.x.y')],
  ['REDUCE', `${C}K\x01\x85R.`, call([1])],
  ['NEWOBJ', `${C}K\x01\x85\x81.`, call([1])],
  ['NEWOBJ_EX', `${C}K\x01\x85}\x92.`, call([1])],
  ['INST', '(K\x01im\nC\n.', call([1])],
  ['OBJ', `(${C}K\x01o.`, call([1])],
  ['BUILD', `${C})R}U\x01aK\x01sb.`, call([], { state: new Map([['a', 1]]) })],
  ['items of an object', `${C})R(U\x01aK\x01u.`, call([], { entries: new Map([['a', 1]]) })],
  ['elements of an object', `${C})RK\x01a(K\x02e.`, call([], { items: [1, 2] })],
  ['PERSID', 'Pabc\n.', new PickleReference('abc')],
  ['BINPERSID', 'K\x07Q.', new PickleReference(7)],
])('%s', (_, program, expected) => {
  expect(run(program)).toEqual(expected);
});

describe('refuses', () => {
  test.each<[string, string, string, string]>([
    ['EXT1', '\x82\x01.', 'the instructions of plain data', 'opcode 0x82 (EXT1) (at byte 1)'],
    ['EXT2', '\x83\x01\0.', 'the instructions of plain data', 'opcode 0x83 (EXT2)'],
    ['EXT4', '\x84\x01\0\0\0.', 'the instructions of plain data', 'opcode 0x84 (EXT4)'],
    ['NEXT_BUFFER', '\x97.', 'the instructions of plain data', 'opcode 0x97 (NEXT_BUFFER)'],
    ['READONLY_BUFFER', 'N\x98.', 'the instructions of plain data', 'opcode 0x98 (READONLY_BUFFER)'],
    ['no instruction', '\x00.', 'the instructions of plain data', 'opcode 0x00 (at byte 1)'],
    ['protocol 6', '\x80\x06N.', 'a pickle of protocol 0 to 5', 'a later one'],
    ['another name', 'cos\nsystem\n.', 'the names of data', 'os.system'],
    ['another name of INST', '(ios\nsystem\n.', 'the names of data', 'os.system'],
    ['another name of STACK_GLOBAL', '\x8c\x02os\x8c\x06system\x93.', 'the names of data', 'os.system'],
    ['a name with a dot', '\x8c\x01m\x8c\x09C.__new__\x93.', 'the names of data', 'm.C.__new__'],
    [
      'a dot in the name instead of the module',
      '\x8c\x05numpy\x8c\x08core.x.y\x93.',
      'the names of data',
      'numpy.core.x.y',
    ],
    ['a call of a record', `${C})R)R.`, 'the name of a class or function and its arguments', 'something else'],
    ['a call of text', 'U\x01a)R.', 'the name of a class or function and its arguments', 'something else'],
    ['a call without a tuple', `${C}NR.`, 'the name of a class or function and its arguments', 'something else'],
    ['OBJ of nothing', '(o.', 'the name of a class or function and its arguments', 'something else'],
    [
      'a name of text that is long',
      `\x8c\x01mX\x01\0\x01\0${'a'.repeat(65_537)}\x93.`,
      'the name of a class',
      'another',
    ],
    ['a state for a number', 'K\x01Nb.', 'an object to set the state of', 'something else'],
    ['a state for a dict', '}}b.', 'an object to set the state of', 'something else'],
    ['a string without quotes', 'Sabc\n.', 'a quoted string', 'a line without quotes'],
    ['a string with another letter', 'S"abc\'\n.', 'a quoted string', 'a line without quotes'],
    ['a number without digits', 'I\n.', 'a number', 'something else'],
    ['a number of letters', 'Lx\n.', 'a number', 'something else'],
    ['a float of letters', 'F1.5x\n.', 'a number', 'something else'],
    ['a float of nothing', 'F\n.', 'a number', 'something else'],
    ['a memo entry of letters', 'Np-1\n.', 'the number of a memo entry', 'something else'],
    ['an unknown memo entry', 'g5\n.', 'a value of the memo', 'number 5'],
    ['a list as a key', '}]Ns.', 'keys that are strings', 'another key'],
    ['None as a key', '}NNs.', 'keys that are strings', 'another key'],
    ['True as a key', '}\x88Ns.', 'keys that are strings', 'another key'],
    ['a name as a key', '}cm\nC\nNs.', 'keys that are strings', 'another key'],
    ['an odd DICT', '(Nd.', 'a dictionary and pairs', 'something else'],
    ['an element of a number', 'K\x01Na.', 'a list to append to', 'something else'],
    ['an item of a list', ']K\x01Ns.', 'a dictionary and pairs', 'something else'],
    ['POP of nothing', '0.', 'a value', 'none'],
    ['POP of what is below a mark', 'N(0' + '(' + '2.', 'a value', 'none'],
    ['a string of 2^62 bytes', '\x8e\0\0\0\0\0\0\0\x40.', '4611686018427388000 more bytes', '1: the file is truncated'],
    ['text of 2^62 bytes', '\x8d\0\0\0\0\0\0\0\x40.', '4611686018427388000 more bytes', '1: the file is truncated'],
    ['bytes after the end', 'N.N', 'nothing after the end of the pickle', '1 bytes'],
    ['more than ten dictionaries', `(${'}'.repeat(11)}l.`, 'at most 10 dictionaries', 'more'],
    ['dictionaries of objects', `(${`${C})RU\x01aNs`.repeat(11)}l.`, 'at most 10 dictionaries', 'more'],
    ['open lists', '](' + ']('.repeat(600), 'at most 1000 values, marks and memo entries', 'more'],
    [
      'many memo entries',
      `N${Array.from({ length: 1000 }, (_, i) => `p${i}\n`).join('')}.`,
      'at most 1000 values',
      'more',
    ],
    ['many copies', `N${'2'.repeat(1000)}.`, 'at most 1000 values', 'more'],
  ])('%s', (_, program, expected, got) => {
    expect(() => run(program)).toThrow(refusal(WeightsError, 'net', expected, got));
  });

  test('names with the hint for them, and others with the usual one', () => {
    expect(() => run('cos\nsystem\n.')).toThrow(expect.objectContaining({ hint: 'No os.system.' }));
    expect(() => run('g5\n.')).toThrow(expect.objectContaining({ hint: 'Save it again.' }));
  });

  test('persistent ids, if a pickle must not have them', () => {
    expect(() => readWholePickle(new PickleReader(bytesOf('NQ.'), ERRORS), ALONE)).toThrow('got a persistent id');
  });

  test('protocols below the lowest one', () => {
    expect(run('\x80\x02N.', { lowestProtocol: 2 })).toBeNull();
    for (const program of ['N.', '\x80\x01N.', '\x80\x06N.']) {
      expect(() => run(program, { lowestProtocol: 2 })).toThrow('expected a pickle of protocol 2 to 5');
    }
  });
});

test('the vocabulary makes values of calls, takes references, and sets states', () => {
  const references: PickleReference[] = [];
  const value = run(`(K\x07Q${C}K\x01\x85R)K\x05bl.`, {
    call: (name, args) => [name, ...args],
    build: (target, state) => Array.isArray(target) && target.push(state) > 0,
    refer: (reference) => references.push(reference),
  });
  expect(value).toEqual([new PickleReference(7), ['m.C', 1], [5]]);
  expect(references).toEqual([new PickleReference(7)]);
});

describe('in a file', () => {
  const source = (bytes: Uint8Array) => {
    const reads: number[] = [];
    const read = (offset: number, length: number): Promise<Uint8Array> => {
      reads.push(length);
      return Promise.resolve(bytes.slice(offset, offset + length));
    };
    return { size: bytes.length, read, reads };
  };
  const open = (bytes: Uint8Array) => {
    const file = source(bytes);
    return { file, reader: new PickleReader(new Uint8Array(0), ERRORS, bytes.length) };
  };

  test('pickles in a row are read one after the other', async () => {
    const { file, reader } = open(bytesOf('K\x01.K\x02.rest'));
    expect(await readPickle(reader, file, vocabulary())).toBe(1);
    expect(await readPickle(reader, file, vocabulary())).toBe(2);
    expect([reader.position, reader.remaining]).toEqual([6, 4]);
  });

  test('long strings are not read', async () => {
    const bytes = bytesOf(`(B\0\0\x20\0${'a'.repeat(2 ** 21)}X\0\0\x20\0${'b'.repeat(2 ** 21)}K\x07l.`);
    const { file, reader } = open(bytes);
    expect(await readPickle(reader, file, vocabulary())).toEqual([
      new FileBytes(6, 2 ** 21),
      new PickleText(new FileBytes(11 + 2 ** 21, 2 ** 21)),
      7,
    ]);
    expect(file.reads).toEqual([2 ** 18, 2 ** 18, 4]);
  });

  test('a file that ends within a pickle', async () => {
    const { file, reader } = open(bytesOf('(K\x01'));
    await expect(readPickle(reader, file, vocabulary())).rejects.toThrow(
      refusal(WeightsError, 'net', '1 more bytes', '0: the file is truncated'),
    );
  });
});

test('what values are, for errors', () => {
  const values: readonly (PickleValue | undefined)[] = [
    ...[undefined, null, true, false, 5, 5n, 'a', new PickleText(bytesOf('a')), bytesOf('a'), new FileBytes(0, 1)],
    ...[
      new PickleArray(),
      new PickleDtype('f4'),
      new PickleName('m.C'),
      call([]),
      new PickleReference(1),
      [],
      new Map(),
    ],
  ];
  expect(values.map(kindOfValue)).toEqual([
    ...['nothing', 'None', 'True', 'False', 'the number 5', 'the number 5', 'text', 'text', 'bytes', 'bytes'],
    ...['a NumPy array', 'a dtype', 'the name m.C', 'an object of m.C', 'a reference', 'a list or tuple', 'a dict'],
  ]);
});

describe('other keys than strings and numbers', () => {
  const runWith = (program: string): PickleValue => run(program, { hasOtherKeys: true });

  test('have all types that Python has for keys', () => {
    const bigint = '\x8a\x08\0\0\0\0\0\0\0\x40';
    const program = `}(NN\x88NG\x3f\xf8\0\0\0\0\0\0NK\x07NK\x01K\x02\x86N${bigint}Ncm\nC\nNcm\nC\n)RNU\x01aNX\x01\0\0\0bNu.`;
    const dict = runWith(program) as Map<PickleValue, PickleValue>;
    const keys = [null, true, 1.5, 7, [1, 2], 2n ** 62n, new PickleName('m.C'), call([]), 'a', 'b'];
    expect([...dict.keys()]).toEqual(keys);
  });

  test.each([
    ['a dict', '}}Ns.'],
    ['long bytes', `}T\x01\0\x01\0${'a'.repeat(2 ** 16 + 1)}Ns.`],
  ])('are not %s', (_, program) => {
    expect(() => runWith(program)).toThrow(refusal(WeightsError, 'net', 'keys that are strings', 'another key'));
  });
});

describe('a record of a call counts as five values', () => {
  test.each<[string, string, number]>([
    ['EMPTY_SET', '\x8f.', 5],
    ['FROZENSET', '(\x91.', 6],
    ['REDUCE', 'cm\nC\n)R.', 7],
    ['INST', '(im\nC\n.', 6],
  ])('%s', (_, program, count) => {
    expect(run(program, { maxObjects: count })).toBeInstanceOf(PickleObject);
    expect(() => run(program, { maxObjects: count - 1 })).toThrow(
      refusal(WeightsError, 'net', `at most ${count - 1} values, marks and memo entries`, 'more'),
    );
  });
});
