/** Where a text is not JSON: the same words in every runtime, and a fault wherever JSON.parse finds one. */
import { describe, expect, test } from '@jest/globals';
import { ParamError } from '../../src/core/errors.js';
import { parseJson, parseJsonObject } from '../../src/core/json.js';
import { describeFault, jsonFault } from '../../src/core/jsonFault.js';

const STRING = 'no line end or other control character in a string';
const ESCAPE = 'an escape such as \\n or \\u0041';

describe('a fault', () => {
  test.each([
    ['x', 0, 'a value'],
    ['', 0, 'a value'],
    ['{"a": x}', 6, 'a value'],
    ['{"a": }', 6, 'a value'],
    ['[1,]', 3, 'a value'],
    ['[,1]', 1, 'a value'],
    ['{"a":1,}', 7, 'a key in double quotes'],
    ['{a:1}', 1, "a key in double quotes or '}'"],
    ["{'a':1}", 1, "a key in double quotes or '}'"],
    ['{,}', 1, "a key in double quotes or '}'"],
    ['{"a" 1}', 5, "':'"],
    ['{"a":1 "b":2}', 7, "',' or '}'"],
    ['[1 2]', 3, "',' or ']'"],
    ['[1}', 2, "',' or ']'"],
    ['{"a":1]', 6, "',' or '}'"],
    ['{} {}', 3, 'the end'],
    ['1 // one', 2, 'the end'],
    ['"a\nb"', 2, STRING],
    ['"a\u001fb"', 2, STRING],
    ['"a\\xb"', 2, ESCAPE],
    ['"a\\u00g0"', 2, ESCAPE],
    ['"\\u12"', 1, ESCAPE],
    ['[01]', 1, 'a value'],
    ['[1.]', 1, 'a value'],
    ['[.5]', 1, 'a value'],
    ['[+1]', 1, 'a value'],
    ['[1e]', 1, 'a value'],
    ['[NaN]', 1, 'a value'],
    ['[True]', 1, 'a value'],
    ['[nulll]', 1, 'a value'],
    ['[]]', 2, 'the end'],
    // Of a text that is cut short, the fault is at its end.
    ['{', 1, "a key in double quotes or '}'"],
    ['[', 1, 'a value'],
    ['{"a', 3, 'the end of a string'],
    ['{"a\\', 4, 'the end of a string'],
    ['"a\\u00', 6, 'the end of a string'],
    ['{"a"', 4, "':'"],
    ['{"a":', 5, 'a value'],
    ['{"a":tru', 8, 'a value'],
    ['{"a":-', 6, 'a value'],
    ['1.5e', 4, 'a value'],
    ['1.', 2, 'a value'],
    ['nope', 0, 'a value'],
    ['-x', 0, 'a value'],
    ['{"a":1', 6, "',' or '}'"],
    ['{"a":1,', 7, 'a key in double quotes'],
    ['[[1],', 5, 'a value'],
    [' \n', 2, 'a value'],
  ])('of %j is at %d, instead of %s', (text, at, expected) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    expect(jsonFault(text)).toEqual({ at, expected });
  });

  test('there is none in JSON', () => {
    const values = [{ a: [1, -0.5e-7, 'é\n"\\\u2028', null, true, false, {}, []] }, [], 'x', -1, [[[]]], { '': '' }];
    for (const value of values) {
      for (const space of [0, 2, '\t']) expect(jsonFault(JSON.stringify(value, null, space))).toBeNull();
    }
    expect(jsonFault(' \r\n\t[1E+5 , "\\u00e9\\/\\b\\f\\r" ] ')).toBeNull();
    expect(jsonFault(`[${'1'.repeat(2000)}]`)).toBeNull();
    expect(jsonFault(`[${'x'.repeat(2000)}]`)).toEqual({ at: 1, expected: 'a value' });
  });

  test('every beginning of a text is cut short at its end', () => {
    const text = JSON.stringify({ epochs: 3, lr: 1.5e-3, name: 'a\\"\u0001', list: [true, null, { a: [] }] }, null, 1);
    for (let length = 1; length < text.length; length++) {
      expect(jsonFault(text.slice(0, length))?.at).toBe(length);
    }
  });

  test('is found wherever JSON.parse finds one', () => {
    const text = '{"a": [1, -2.5e3, "b\\n", true, null], "c": {"d": false}}';
    const isJson = (each: string): boolean => {
      try {
        JSON.parse(each);
        return true;
      } catch {
        return false;
      }
    };
    for (let at = 0; at < text.length; at++) {
      for (const other of ['', '"', ',', '}', ']', '{', '[', ':', '0', 'x', ' ', '\\', '\n', '-', '.', 'e']) {
        const changed = text.slice(0, at) + other + text.slice(at + 1);
        expect([changed, jsonFault(changed) === null]).toEqual([changed, isJson(changed)]);
      }
    }
  });
});

describe('the error', () => {
  const errorOf = (text: string | Uint8Array): ParamError => {
    try {
      parseJson(text, { op: 'config.json', describeFault });
    } catch (error) {
      return error as ParamError;
    }
    throw new Error('no error');
  };

  test('names line and column of what does not fit', () => {
    expect(errorOf('{\n  "epochs": 3,\r\n  "lr": 0,1\n}')).toMatchObject({
      ...{ name: 'ParamError', op: 'config.json', expected: 'JSON', hint: 'Correct the text there.' },
      got: `"1" at line 3, column 11 instead of a key in double quotes`,
    });
    expect(errorOf('nope, and more than twenty letters').got).toBe(
      '"nope, and more than " at line 1, column 1 instead of a value',
    );
    expect(errorOf('\n\n[1 2]').got).toBe(`"2]" at line 3, column 4 instead of ',' or ']'`);
    expect(errorOf(new TextEncoder().encode('\ufeff[1 2]')).got).toContain('at line 1, column 4 ');
    expect(errorOf('"a\n').got).toBe(`"" at line 1, column 3 instead of ${STRING}`);
  });

  test('says that a text is cut short', () => {
    expect(errorOf('{\n  "epochs": 3,\n  "lr": ')).toMatchObject({
      got: 'the end of the text at line 3, column 9, before a value',
      hint: 'The text is cut short: copy or write it again.',
      cause: expect.any(SyntaxError),
    });
  });

  test('is that of an object, too', () => {
    expect(() => parseJsonObject('{"a":', { op: 'run/config.json', describeFault })).toThrow(
      'run/config.json: expected a JSON object, got the end of the text at line 1, column 6, before a value',
    );
  });

  test('without a description is that of the engine, and one without a fault, too', () => {
    for (const options of [{}, { describeFault: () => null }]) {
      expect(() => parseJson('{"a" 1}', { op: 'a', ...options })).toThrow(/^a: expected JSON, got .*(JSON|Expected)/);
    }
    expect(describeFault('{"a": 1}')).toBeNull();
  });

  test('of millions of lines takes no memory for each', () => {
    expect(errorOf(`${'\n'.repeat(2_000_000)}x`).got).toBe('"x" at line 2000001, column 1 instead of a value');
  });
});
