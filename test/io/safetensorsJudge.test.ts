/** The reader agrees with the safetensors library of Python on what it accepts, and on every value. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WeightsError } from '../../src/core/errors.js';
import { uniform } from '../../src/core/philox.js';
import { streamSafetensors } from '../../src/io/safetensorsStream.js';
import { decodeSafetensors, type Weights } from '../../src/io/safetensors.js';
import { temporaryFolder } from './temporaryFolder.js';

const python = process.env.VANILLANET_PYTHON;
const JUDGE = fileURLToPath(new URL('safetensorsJudge.py', import.meta.url));
const path = temporaryFolder();

const file = (header: string | Buffer, data: number | Buffer = 0): Buffer => {
  const text = Buffer.from(header);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  const bytes = typeof data === 'number' ? Buffer.from(Array.from({ length: data }, (_, i) => i + 1)) : data;
  return Buffer.concat([prefix, text, bytes]);
};
const entry = (dtype: string, shape: string, begin: number, end: number): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
const ONE = entry('F32', '[1]', 0, 4);

/** Files on which both agree. */
const AGREED: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['no tensors', file('{}')],
  ['one', file(`{"a":${ONE}}`, 4)],
  ['metadata', file(`{"__metadata__":{"format":"pt","":"é🐱"},"a":${ONE}}`, 4)],
  ['metadata empty', file('{"__metadata__":{}}')],
  ['metadata null', file(`{"__metadata__":null,"a":${ONE}}`, 4)],
  ['metadata last', file(`{"a":${ONE},"__metadata__":{"a":"b"}}`, 4)],
  ['metadata escaped', file(`{"__\\u006detadata__":{"a":"b"},"a":${ONE}}`, 4)],
  ['metadata with a number', file('{"__metadata__":{"a":1}}')],
  ['metadata with null', file('{"__metadata__":{"a":null}}')],
  ['metadata with an object', file('{"__metadata__":{"a":{}}}')],
  ['metadata a list', file('{"__metadata__":[]}')],
  ['metadata a string', file('{"__metadata__":"pt"}')],
  ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}')],
  ['metadata nested', file(`{"__metadata__":${'{"a":'.repeat(200)}1${'}'.repeat(200)}}`)],
  ['trailing spaces', file(`{"a":${ONE}}    `, 4)],
  ['trailing white space', file(`{"a":${ONE}}\n\t \r`, 4)],
  ['trailing zeros', file(`{"a":${ONE}}\0\0`, 4)],
  ['trailing comma', file(`{"a":${ONE},}`, 4)],
  ['two objects', file('{}{}')],
  ['inner white space', file(`{ "a" :\n${ONE}\t}`, 4)],
  ['byte order mark', file(`\uFEFF{"a":${ONE}}`, 4)],
  ['UTF-16', file(Buffer.from(`{"a":${ONE}}`, 'utf16le'), 4)],
  ['no header', file('')],
  ['half a header', file('{')],
  ['a list', file('[]')],
  ['a number', file('1')],
  ['nothing', Buffer.alloc(0)],
  ['seven bytes', Buffer.from('1234567')],
  ['zeros', Buffer.alloc(100)],
  ['header cut', file(`{"a":${ONE}}`, 4).subarray(0, 30)],
  ['data cut', file(`{"a":${ONE}}`, 3)],
  ['data too long', file(`{"a":${ONE}}`, 5)],
  ['header of 2^63', Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 128]), Buffer.from('{}')])],
  ['scalar', file(`{"a":${entry('F32', '[]', 0, 4)}}`, 4)],
  ['no elements', file(`{"a":${entry('F32', '[0]', 0, 0)}}`)],
  ['no rows', file(`{"a":${entry('F32', '[0,5]', 0, 0)}}`)],
  ['no elements at the end', file(`{"b":${ONE},"a":${entry('F32', '[3,0]', 4, 4)}}`, 4)],
  ['no elements at the beginning', file(`{"b":${ONE},"a":${entry('F32', '[3,0]', 0, 0)}}`, 4)],
  ['no elements within', file(`{"b":${ONE},"a":${entry('F32', '[0]', 2, 2)}}`, 4)],
  ['no elements beyond', file(`{"b":${ONE},"a":${entry('F32', '[0]', 9, 9)}}`, 4)],
  ['many dimensions', file(`{"a":${entry('F32', `[${'1,'.repeat(99)}1]`, 0, 4)}}`, 4)],
  ['hole', file(`{"a":${entry('F32', '[1]', 4, 8)}}`, 8)],
  ['hole between', file(`{"a":${ONE},"b":${entry('F32', '[1]', 8, 12)}}`, 12)],
  ['overlap', file(`{"a":${ONE},"b":${entry('F32', '[1]', 2, 6)}}`, 6)],
  ['same bytes', file(`{"a":${ONE},"b":${ONE}}`, 4)],
  ['order of the data', file(`{"a":${entry('F32', '[1]', 4, 8)},"b":${ONE}}`, 8)],
  ['unaligned', file(`{"a":${entry('F16', '[1]', 0, 2)},"b":${entry('F64', '[1]', 2, 10)}}`, 10)],
  ['shape too large', file(`{"a":${entry('F32', '[2]', 0, 4)}}`, 4)],
  ['shape too small', file(`{"a":${entry('F32', '[1]', 0, 8)}}`, 8)],
  ['shape of a fraction', file(`{"a":${entry('F32', '[1.5]', 0, 6)}}`, 6)],
  ['shape of a negative', file(`{"a":${entry('F32', '[-1]', 0, 4)}}`, 4)],
  ['shape of a string', file(`{"a":${entry('F32', '["1"]', 0, 4)}}`, 4)],
  ['shape of null', file(`{"a":${entry('F32', 'null', 0, 4)}}`, 4)],
  ['shape of nested lists', file(`{"a":${entry('F32', '[[1]]', 0, 4)}}`, 4)],
  ['product of 2^64', file(`{"a":${entry('F32', '[4611686018427387904,4]', 0, 0)}}`)],
  ['offsets reversed', file(`{"a":${entry('F32', '[1]', 4, 0)}}`, 4)],
  ['offsets negative', file(`{"a":${entry('F32', '[1]', -4, 0)}}`, 4)],
  ['three offsets', file(`{"a":${ONE.replace('0,4', '0,4,4')}}`, 4)],
  ['one offset', file(`{"a":${ONE.replace('0,4', '4')}}`, 4)],
  ['no shape', file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4)],
  ['no dtype', file('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4)],
  ['no offsets', file('{"a":{"dtype":"F32","shape":[1]}}', 4)],
  ['another key', file(`{"a":${ONE.replace('{', '{"strides":[1,{"b":2}],')}}`, 4)],
  ['dtype twice', file(`{"a":${ONE.replace('{', '{"dtype":"F32",')}}`, 4)],
  ['dtype in lower case', file(`{"a":${ONE.replace('F32', 'f32')}}`, 4)],
  ['dtype unknown', file(`{"a":${ONE.replace('F32', 'F33')}}`, 4)],
  ['a tensor twice with other bytes', file(`{"a":${ONE},"a":${entry('F32', '[1]', 4, 8)}}`, 8)],
  ['null for a tensor', file(`{"a":null,"b":${ONE}}`, 4)],
  ['a number for a tensor', file('{"a":1}')],
  ['empty name', file(`{"":${ONE}}`, 4)],
  ['name in Unicode', file(`{"猫🐱\\n\\u0000":${ONE}}`, 4)],
  ['name __proto__', file(`{"__proto__":${ONE}}`, 4)],
  ['name with a control character', file(`{"a\nb":${ONE}}`, 4)],
  ['name of half a surrogate pair', file(`{"\\ud83d":${ONE}}`, 4)],
  ['metadata of half a surrogate pair', file(`{"__metadata__":{"a":"\\ud83d"}}`)],
  ['invalid UTF-8', file(Buffer.concat([Buffer.from('{"'), Buffer.from([0xff]), Buffer.from(`":${ONE}}`)]), 4)],
  ['F64', file(`{"a":${entry('F64', '[2]', 0, 16)}}`, 16)],
  ['F16', file(`{"a":${entry('F16', '[3]', 0, 6)}}`, 6)],
  ['BF16', file(`{"a":${entry('BF16', '[3]', 0, 6)}}`, 6)],
  [
    'I64',
    file(`{"a":${entry('I64', '[2]', 0, 16)}}`, Buffer.from([...Array<number>(8).fill(255), 1, 2, 3, 4, 5, 6, 0, 0])),
  ],
];

/** Files that only the library accepts, and why. */
const REFUSED_HERE: readonly (readonly [name: string, bytes: Buffer, reason: string])[] = [
  ['leading space', file(` {"a":${ONE}}`, 4), 'the format says that a header begins with a brace'],
  ['a tensor twice', file(`{"a":${ONE},"a":${ONE}}`, 4), 'readers differ in which of the two they take'],
  ['metadata key twice', file('{"__metadata__":{"a":"1","a":"2"}}'), 'readers differ in which of the two they take'],
  ['a list for a tensor', file('{"a":["F32",[1],[0,4]]}', 4), 'a habit of its parser, not of the format'],
  ['an object for a dtype', file(`{"a":${ONE.replace('"F32"', '{"F32":null}')}}`, 4), 'the same'],
  ['2^60 of nothing', file(`{"a":${entry('F32', '[0,1152921504606846976]', 0, 0)}}`), 'JSON numbers end at 2^53'],
  ...['BOOL', 'U8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0'].map(
    (dtype) => [dtype, file(`{"a":${entry(dtype, '[2]', 0, 2)}}`, 2), 'no dtype of weights here'] as const,
  ),
  ...['I16', 'U16'].map((dtype) => [dtype, file(`{"a":${entry(dtype, '[2]', 0, 4)}}`, 4), 'the same'] as const),
  ...['I32', 'U32'].map((dtype) => [dtype, file(`{"a":${entry(dtype, '[2]', 0, 8)}}`, 8), 'the same'] as const),
  ...['U64', 'C64'].map((dtype) => [dtype, file(`{"a":${entry(dtype, '[2]', 0, 16)}}`, 16), 'the same'] as const),
  ['F4', file(`{"a":${entry('F4', '[4]', 0, 2)}}`, 2), 'the same'],
  ['I8', file(`{"a":${entry('I8', '[2,1]', 0, 2)}}`, 2), 'integers need their scales'],
  ['I64 beyond 2^53', file(`{"a":${entry('I64', '[1]', 0, 8)}}`, Buffer.alloc(8, 127)), 'no float64 has this value'],
  [
    '5 MB of spaces',
    file(`{}${' '.repeat(5e6)}`),
    'the limit of a header is 4 MiB: parsed JSON may be 20 times as large',
  ],
];

/** Files that only this package accepts, and why. */
const ACCEPTED_HERE: readonly (readonly [name: string, bytes: Buffer, reason: string])[] = [
  ['shape of 1.0', file(`{"a":${entry('F32', '[1.0]', 0, 4)}}`, 4), 'JSON.parse does not tell 1.0 from 1'],
  ['shape of 1e0', file(`{"a":${entry('F32', '[1e0]', 0, 4)}}`, 4), 'the same'],
];

/** Headers with one character changed, which hit every rule of JSON and of the format. */
function mutants(count: number): (readonly [string, Buffer])[] {
  const header = `{"__metadata__":{"a":"b"},"c":${entry('F16', '[2,1]', 0, 4)},"d":${entry('F32', '[]', 4, 8)}}`;
  const characters = '{}[]",:0123456789-.eE aF\\u\u00e9';
  let draws = 0;
  const pick = (size: number): number => Math.floor(uniform(17, 0, draws++) * size);
  return Array.from({ length: count }, (_, i) => {
    const at = pick(header.length);
    const end = at + [0, 1, 1, 2][pick(4)];
    const text = header.slice(0, at) + characters[pick(characters.length)] + header.slice(end);
    return [`mutant ${String(i).padStart(3, '0')} ${text}`, file(text, 8)] as const;
  });
}

const MUTANTS = mutants(400);

interface Verdict {
  readonly tensors: Readonly<Record<string, { readonly shape: number[]; readonly values: string[] }>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The verdict of this package; null if it refuses the file. */
function verdictHere(bytes: Buffer): Weights | null {
  try {
    return decodeSafetensors(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(WeightsError);
    return null;
  }
}

async function isStreamed(bytes: Buffer): Promise<boolean> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 1000) yield await Promise.resolve(bytes.subarray(at, at + 1000));
  }
  try {
    const weights = await streamSafetensors(chunks(), 'net');
    for await (const part of weights.parts()) expect(part.data.length).toBeGreaterThan(0);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(WeightsError);
    return false;
  }
}

const PYTHON_NUMBERS: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, '-inf': -Infinity };

const title = python === undefined ? 'safetensors: VANILLANET_PYTHON names no Python with safetensors' : 'safetensors';
(python === undefined ? describe.skip : describe)(title, () => {
  const all = [...AGREED, ...REFUSED_HERE, ...ACCEPTED_HERE, ...MUTANTS].map(([name, bytes]) => [name, bytes] as const);
  let verdicts: Readonly<Record<string, Verdict | null>> = {};
  const verdictOf = (index: number): Verdict | null => verdicts[String(index).padStart(4, '0')];
  const indexOf = (name: string): number => all.findIndex(([each]) => each === name);

  beforeAll(async () => {
    await mkdir(path('files'));
    for (const [i, [, bytes]] of all.entries()) {
      await writeFile(join(path('files'), String(i).padStart(4, '0')), bytes);
    }
    const { stdout } = await promisify(execFile)(python ?? '', [JUDGE, path('files')], { maxBuffer: 2 ** 26 });
    verdicts = JSON.parse(stdout) as typeof verdicts;
  });

  test.each(AGREED)('agrees: %s', async (name, bytes) => {
    await expectAgreement(name, bytes);
  });

  test('agrees on headers with one change', async () => {
    // Changes within names and strings remain valid.
    const valid = MUTANTS.filter(([name]) => verdictOf(indexOf(name)) !== null).length;
    expect(valid).toBeGreaterThan(10);
    expect(valid).toBeLessThan(200);
    for (const [name, bytes] of MUTANTS) {
      // As the differences below.
      if (/^mutant \d+ (\s|.*\d(\.0*|e0*)[,\]])/i.test(name)) continue;
      await expectAgreement(name, bytes);
    }
  });

  async function expectAgreement(name: string, bytes: Buffer): Promise<void> {
    const verdict = verdictOf(indexOf(name));
    const here = verdictHere(bytes);
    expect([name, here !== null]).toEqual([name, verdict !== null]);
    expect(await isStreamed(bytes)).toBe(verdict !== null);
    if (here === null || verdict === null) return;
    expect(Object.fromEntries(here.metadata)).toEqual(verdict.metadata);
    const entries = Object.entries(verdict.tensors);
    expect([...here.tensors.keys()].sort()).toEqual(entries.map(([key]) => key).sort());
    for (const [key, { shape, values }] of entries) {
      const tensor = here.tensors.get(key);
      expect(tensor?.shape).toEqual(shape);
      expect(Array.from(tensor?.data ?? [])).toEqual(values.map((text) => PYTHON_NUMBERS[text] ?? Number(text)));
    }
  }

  test.each(REFUSED_HERE)('is stricter: %s', async (name, bytes) => {
    expect([verdictOf(indexOf(name)) !== null, verdictHere(bytes), await isStreamed(bytes)]).toEqual([
      true,
      null,
      false,
    ]);
  });

  test.each(ACCEPTED_HERE)('is laxer: %s', (name, bytes) => {
    expect([verdictOf(indexOf(name)), verdictHere(bytes) !== null]).toEqual([null, true]);
  });
});
