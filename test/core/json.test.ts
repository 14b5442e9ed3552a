/** JSON of unknown origin: encodings, limits, and errors of the caller's class. */
import { describe, expect, jest, test } from '@jest/globals';
import { DETACHED_HINT } from '../../src/core/detached.js';
import { DataError, ParamError, WeightsError } from '../../src/core/errors.js';
import { MAX_DEPTH, MAX_JSON, MAX_VALUES, parseJson, parseJsonObject, scanJson } from '../../src/core/json.js';
import { refusal } from '../io/refusal.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const options = { op: 'config.json' };

describe('parseJson', () => {
  test('parses text and bytes', () => {
    expect(parseJson('{"a":[1,null,"é🐱"]}', options)).toEqual({ a: [1, null, 'é🐱'] });
    expect(parseJson(utf8(' {"a":[1,null,"é🐱"]}\r\n'), options)).toEqual({ a: [1, null, 'é🐱'] });
    expect(parseJson(utf8('\uFEFF{"a":1}'), options)).toEqual({ a: 1 });
    expect(parseJson('\uFEFF{"a":1}', options)).toEqual({ a: 1 });
    expect(parseJson(Buffer.from('\uFEFF{"é":"🐱"}\r\n', 'utf16le'), options)).toEqual({ é: '🐱' });
  });

  test('refuses what is not JSON, with the class and the words of the caller', () => {
    expect(() => parseJson('{', options)).toThrow(refusal(ParamError, 'config.json', 'JSON', ''));
    const { Refused, expected } = { Refused: WeightsError, expected: 'an index of shards' };
    expect(() => parseJson('nope', { op: 'x', Refused, expected })).toThrow(refusal(WeightsError, 'x', expected, ''));
    expect(() => parseJson('', options)).toThrow(refusal(ParamError, 'config.json', 'JSON', 'an empty text'));
    expect(() => parseJson(utf8(''), options)).toThrow(refusal(ParamError, 'config.json', 'JSON', 'an empty text'));
    expect(() => parseJson(' \n', options)).toThrow(refusal(ParamError, 'config.json', 'JSON', 'only white space'));
    const expectedEncoding = 'JSON in UTF-8 or UTF-16';
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x89, 0x50, 0x4e, 0x47],
      [0xff, 0xfe, 0, 0, 0x31, 0, 0, 0],
    ]) {
      const error = refusal(ParamError, 'config.json', expectedEncoding, 'bytes that are not text');
      expect(() => parseJson(Uint8Array.from(bytes), options)).toThrow(error);
    }
  });

  test('has no control characters in its messages', () => {
    let message = '';
    try {
      parseJson('\u001b[31mred\u0007\n', options);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('config.json');
    expect(message).not.toMatch(/\p{Cc}/u);
  });

  test('refuses a text above the limit, and takes one at it', () => {
    expect(parseJson('[1,2]', { ...options, limit: 5 })).toEqual([1, 2]);
    const error = (unit: string): ReturnType<typeof refusal> =>
      refusal(ParamError, 'config.json', `JSON of at most 4 ${unit}`, '5');
    expect(() => parseJson('[1,2]', { ...options, limit: 4 })).toThrow(error('characters'));
    expect(() => parseJson(utf8('[1,2]'), { ...options, limit: 4 })).toThrow(error('bytes'));
    expect(MAX_JSON).toBe(16 * 1024 * 1024);
    const expected = 'JSON of at most 16777216 bytes';
    expect(() => parseJson(new Uint8Array(MAX_JSON + 1), options)).toThrow(
      refusal(ParamError, 'config.json', expected, '16777217'),
    );
  });

  test('refuses deep nesting, and takes the deepest allowed', () => {
    expect(MAX_DEPTH).toBe(128);
    expect(parseJson(nested(128), options)).toEqual(JSON.parse(nested(128)));
    const error = refusal(ParamError, 'config.json', 'JSON of at most 128 nested levels', 'more');
    for (const text of [nested(129), nested(50_000), '{"a":'.repeat(50_000), '['.repeat(5_000_000)]) {
      expect(() => parseJson(text, options)).toThrow(error);
    }
    // Brackets inside of strings do not nest.
    expect(parseJson(JSON.stringify('['.repeat(200)), options)).toHaveLength(200);
    expect(parseJson(`[${'[],'.repeat(200)}0]`, options)).toHaveLength(201);
  });

  test('takes a string of a million escapes', () => {
    expect(parseJson(JSON.stringify('\n'.repeat(1e6)), options)).toHaveLength(1e6);
  });
});

test('scanJson counts keys, levels and values, also of damaged text', () => {
  expect(scanJson('{"a:":{"\\":":[{}]},"a":1}')).toEqual({ depth: 4, keys: 3, values: 5 });
  expect(scanJson('"\\\\":[')).toEqual({ depth: 1, keys: 1, values: 1 });
  expect(scanJson('"never closed: [[[,,,')).toEqual({ depth: 0, keys: 0, values: 0 });
  expect(scanJson('"\\')).toEqual({ depth: 0, keys: 0, values: 0 });
  expect(scanJson('1')).toEqual({ depth: 0, keys: 0, values: 0 });
  expect(scanJson(']]]]')).toEqual({ depth: 0, keys: 0, values: 0 });
});

describe('many small values', () => {
  const list = (count: number, value: string): string => `[${Array<string>(count).fill(value).join(',')}]`;
  const refused = refusal(ParamError, 'config.json', `JSON of at most ${MAX_VALUES} values`, 'more');

  test.each(['{}', '[]', '0', '""'])('of %s are refused before they are parsed', (value) => {
    const parse = jest.spyOn(JSON, 'parse');
    expect(() => parseJson(list(MAX_VALUES + 1, value), options)).toThrow(refused);
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });

  test('are taken up to the limit', () => {
    expect(MAX_VALUES).toBe(1_048_576);
    // The list itself counts, and each comma.
    expect(parseJson(list(MAX_VALUES, '0'), options)).toHaveLength(MAX_VALUES);
    expect(() => parseJson(list(MAX_VALUES + 1, '0'), options)).toThrow(refused);
  });

  test('of an index of 150,000 shards are taken', () => {
    expect(parseJson(list(150_000, '{"file":"a","bytes":1,"sha256":"0"}'), options)).toHaveLength(150_000);
  });
});

test('parseJsonObject refuses other values', () => {
  expect(parseJsonObject('{"a":1}', options)).toEqual({ a: 1 });
  for (const text of ['[]', 'null', '1', '"a"']) {
    expect(() => parseJsonObject(text, options)).toThrow(refusal(ParamError, 'config.json', 'a JSON object', text));
  }
  const own = { ...options, Refused: DataError, expected: 'a record' };
  expect(() => parseJsonObject('[1]', own)).toThrow(refusal(DataError, 'config.json', 'a record', '[1]'));
  expect(() => parseJsonObject('[1', own)).toThrow(refusal(DataError, 'config.json', 'a record', ''));
});

test('parseJson refuses bytes without memory, and says why they have none', () => {
  const bytes = new Uint8Array(4);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  const error = { name: 'ParamError', op: 'net', expected: 'JSON', got: 'a detached buffer', hint: DETACHED_HINT };
  expect(() => parseJson(bytes, { op: 'net' })).toThrow(expect.objectContaining(error));
});
