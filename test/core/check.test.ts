import { describe, expect, test } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkKeys,
  checkNumber,
  checkObject,
  checkOneOf,
  checkOptions,
  nearestName,
  show,
  type Range,
} from '../../src/core/check.js';
import { ParamError } from '../../src/core/errors.js';
import { refusal } from '../io/refusal.js';

describe('checkNumber', () => {
  const cases: [Range, string, number[], unknown[]][] = [
    [{}, 'a number', [-1, 0, 1e300], [NaN, Infinity, -Infinity, '1', null, undefined, 1n]],
    [{ min: 0 }, 'a number >= 0', [0, 5], [-1e-9, Infinity, NaN]],
    [{ above: 0 }, 'a number > 0', [1e-9], [0, -1]],
    [{ min: 0, max: Infinity }, 'a number >= 0', [0, Infinity], [-Infinity, NaN]],
    [{ max: 5 }, 'a number <= 5', [5, -5], [5.1]],
    [{ below: 5 }, 'a number < 5', [4.9], [5]],
    [{ min: 0, below: 1 }, 'a number in [0, 1)', [0, 0.99], [1, -0.1]],
    [{ above: 0, max: 1 }, 'a number in (0, 1]', [1, 0.1], [0, 1.1]],
    [{ above: 0, below: 1 }, 'a number in (0, 1)', [0.5], [0, 1]],
  ];
  test.each(cases)(
    'with the range %j accepts values in it and refuses all others',
    (range, expected, valid, invalid) => {
      for (const value of valid) expect(checkNumber('lr', value, range)).toBe(value);
      for (const value of invalid) {
        expect(() => checkNumber('lr', value, range)).toThrow(refusal(ParamError, 'lr', expected, show(value)));
      }
    },
  );
});

test('checkInteger refuses numbers out of range, fractions and other types', () => {
  expect(checkInteger('n', 3, { min: 1, max: 3 })).toBe(3);
  for (const value of [0, 4, 1.5, NaN, 2 ** 60, '2', null]) {
    const error = refusal(ParamError, 'n', 'an integer in [1, 3]', show(value));
    expect(() => checkInteger('n', value, { min: 1, max: 3 })).toThrow(error);
  }
});

test('checkBoolean, checkFunction and checkObject refuse other types', () => {
  expect(checkBoolean('ema', false)).toBe(false);
  expect(() => checkBoolean('ema', 0)).toThrow(refusal(ParamError, 'ema', 'true or false', '0'));
  expect(checkFunction('fetch', fetch)).toBe(fetch);
  expect(() => checkFunction('fetch', 'me')).toThrow(refusal(ParamError, 'fetch', 'a function', '"me"'));
  expect(checkObject('options', {})).toEqual({});
  for (const value of [null, 5, []]) {
    expect(() => checkObject('options', value)).toThrow(refusal(ParamError, 'options', 'an object', show(value)));
  }
});

describe('checkOneOf', () => {
  const NAMES = ['bicubic', 'bilinear', 'box'] as const;
  test.each(NAMES)('accepts %s', (name) => {
    expect(checkOneOf('interpolation', name, NAMES)).toBe(name);
  });

  test.each([
    ['bicubik', 'Did you mean bicubic?'],
    ['Bilinear', 'Did you mean bilinear?'],
    ['nearest', undefined],
    ['', undefined],
    [5, undefined],
  ])('refuses %p with the hint %p', (value, hint) => {
    expect(() => checkOneOf('interpolation', value, NAMES)).toThrow(
      expect.objectContaining({ expected: 'one of bicubic, bilinear, box', got: show(value), ...(hint && { hint }) }),
    );
    if (hint !== undefined) return;
    expect(() => checkOneOf('interpolation', value, NAMES)).not.toThrow(
      expect.objectContaining({ hint: expect.anything() }),
    );
  });
});

test('checkKeys refuses an unknown key and suggests the nearest one', () => {
  const keys = ['num_classes', 'input_size'];
  const op = (key: string): string => `config.${key}`;
  checkKeys({ num_classes: 1 }, keys, op);
  expect(() => {
    checkKeys({ numClasses: 1 }, keys, op);
  }).toThrow(expect.objectContaining({ op: 'config.numClasses', hint: 'Did you mean num_classes?' }));
});

test('checkOptions takes an object with some of the keys, and refuses anything else', () => {
  const options = { topK: 1 };
  expect(checkOptions(options, ['topK', 'signal'])).toBe(options);
  expect(() => checkOptions(null, [])).toThrow(refusal(ParamError, 'options', 'an object', 'null'));
  expect(() => checkOptions(5, [], 'memoryPlan: options')).toThrow(
    refusal(ParamError, 'memoryPlan: options', 'an object', '5'),
  );
  expect(() => checkOptions({ topk: 1 }, ['topK', 'signal'])).toThrow(
    expect.objectContaining({
      op: 'topk',
      expected: 'one of the keys topK, signal',
      got: 'an unknown key',
      hint: 'Did you mean topK?',
    }),
  );
});

describe('nearestName', () => {
  const names = ['train', 'validation', 'relaxed', 'auto', 'lr'];
  test.each([
    ['trian', 'train'],
    ['validaton', 'validation'],
    ['relaxd', 'relaxed'],
    ['rlaxedd', 'relaxed'],
    // Two exchanges are two edits, of at most a third of the letters.
    ['vlaidatoin', 'validation'],
    ['raleexd', undefined],
    ['atuo', 'auto'],
    ['uato', 'auto'],
    ['oaut', undefined],
    ['TRAIN', 'train'],
    ['rl', undefined],
    ['rlr', 'lr'],
    ['', undefined],
  ])('for %p is %p', (name, nearest) => {
    expect(nearestName(name, names)).toBe(nearest);
  });

  test('takes the first of names that are equally near', () => {
    expect(nearestName('abcd', ['abce', 'abcf'])).toBe('abce');
    expect(nearestName('abc', [])).toBeUndefined();
  });
});

describe('show', () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [NaN, 'NaN'],
    [5n, '5'],
    ['a"b', '"a\\"b"'],
    [{ a: [1] }, '{"a":[1]}'],
    [[NaN, 'a', [2]], '[NaN,"a",[2]]'],
    [new Float32Array(9), 'Float32Array'],
    [runInNewContext('new Uint8Array(9)'), 'Uint8Array'],
    [() => 1, 'a function'],
    [Symbol('s'), 'Symbol(s)'],
    [cycle, `${'['.repeat(80)}…`],
    [{ n: 1n }, 'Object'],
  ])('formats %p', (value, text) => {
    expect(show(value)).toBe(text);
  });

  test('shortens long values', () => {
    expect(show('x'.repeat(1e6))).toHaveLength(81);
    expect(show(Array(1e6).fill(1))).toHaveLength(81);
  });
});

describe('show is bounded', () => {
  const deep = (levels: number): unknown => {
    let value: unknown = 1;
    for (let i = 0; i < levels; i++) value = { a: value };
    return value;
  };
  test('for values of great depth', () => {
    expect(show(deep(3))).toBe('{"a":{"a":{"a":1}}}');
    expect(show(deep(100_000))).toBe(`${'{"a":'.repeat(16)}…`);
    expect(show([deep(100_000)])).toMatch(/^\[\{"a":.*…$/);
  });

  test('for values that repeat: 2^200 if each were visited', () => {
    let value: unknown = 1;
    for (let i = 0; i < 200; i++) value = { l: value, r: value };
    expect(show(value)).toHaveLength(81);
  });

  test('for long strings, lists and arrays in an object', () => {
    expect(show({ a: 'x'.repeat(1e6) })).toBe(`{"a":"${'x'.repeat(74)}…`);
    expect(show({ a: Array.from({ length: 1e6 }, () => 1) })).toBe(`{"a":[${'1,'.repeat(37)}…`);
    expect(show({ a: new Float32Array(1e6) })).toBe('{"a":"Float32Array"}');
  });

  test('and keeps keys that look like indices, and undefined values', () => {
    expect(show({ ['__proto__']: 1, b: undefined, c: null })).toBe('{"__proto__":1,"c":null}');
    expect(show({ toJSON: () => undefined })).toBe('Object');
    expect(show(new Date(0))).toBe('"1970-01-01T00:00:00.000Z"');
    const inherited: unknown = Object.assign(Object.create({ hidden: 1 }), { own: 2 });
    expect(show(inherited)).toBe('{"own":2}');
  });
});
