import { describe, expect, test } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import { checkBytes, checkMap, checkStateDict, checkText, checkTexts } from '../../src/core/checkState.js';
import { DETACHED_HINT } from '../../src/core/detached.js';
import { ParamError } from '../../src/core/errors.js';
import { refusal } from '../io/refusal.js';

const NOT_MAPS = [null, undefined, 5, 'map', {}, [], new Set(), { get: 1, [Symbol.toStringTag]: 'Map' }];

test('checkBytes accepts byte arrays of any realm, and nothing else', () => {
  for (const bytes of [new Uint8Array(2), Buffer.alloc(2), runInNewContext('new Uint8Array(2)')]) {
    expect(checkBytes('net', bytes)).toBe(bytes);
  }
  const spoofed = { [Symbol.toStringTag]: 'Uint8Array' };
  for (const value of [new Float32Array(2), new ArrayBuffer(2), [1, 2], 'ab', null, undefined, spoofed]) {
    expect(() => checkBytes('net', value)).toThrow(refusal(ParamError, 'net', 'a Uint8Array', ''));
  }
});

test('checkText accepts strings', () => {
  expect(checkText('name', '')).toBe('');
  for (const value of [5, null, Symbol('s'), ['a']]) {
    expect(() => checkText('name', value)).toThrow(refusal(ParamError, 'name', 'a string', ''));
  }
});

test('checkMap accepts Maps of any realm', () => {
  for (const map of [new Map(), runInNewContext('new Map()')]) expect(checkMap('state', map)).toBe(map);
  for (const value of NOT_MAPS)
    expect(() => checkMap('state', value)).toThrow(refusal(ParamError, 'state', 'a Map', ''));
});

test('checkTexts accepts Maps of strings', () => {
  const texts = new Map([['format', 'pt']]);
  expect(checkTexts('metadata', texts)).toBe(texts);
  for (const [entry, got] of [
    [['a', 5], '5 under "a"'],
    [[5, 'a'], '"a" under 5'],
    [[Symbol('s'), null], 'null under Symbol(s)'],
  ] as const) {
    const error = refusal(ParamError, 'metadata', 'a Map of strings', got);
    expect(() => checkTexts('metadata', new Map<unknown, unknown>([entry]))).toThrow(error);
  }
});

describe('checkStateDict', () => {
  const data = new Float32Array(2);

  test('accepts Maps of tensors', () => {
    const state = new Map<string, unknown>([
      ['a', { data, shape: [2] }],
      ['b', { data: new Float64Array(1), shape: [] }],
      ['c', { data: new Float32Array(0), shape: [-1] }],
    ]);
    expect(checkStateDict('state', state)).toBe(state);
  });

  test.each<[unknown, string, string]>([
    [null, 'a tensor with data', 'null'],
    [5, 'a tensor with data', '5'],
    [{ shape: [2] }, 'a tensor with data', '{"shape":[2]}'],
    [{ data: [1, 2], shape: [2] }, 'a tensor with data', '{"data":[1,2]'],
    [{ data: new Int32Array(2), shape: [2] }, 'a tensor with data', 'Int32Array'],
    [{ data: { [Symbol.toStringTag]: 'Float32Array' }, shape: [2] }, 'a tensor with data', ''],
    [{ data }, 'a tensor with a shape', 'undefined'],
    [{ data, shape: 2 }, 'a tensor with a shape', '2'],
    [{ data, shape: [0.5] }, 'a tensor with a shape', '[0.5]'],
    [{ data, shape: [Symbol('s')] }, 'a tensor with a shape', ''],
  ])('refuses the tensor %p', (tensor, expected, got) => {
    const state = new Map([['a', tensor]]);
    expect(() => checkStateDict('state', state)).toThrow(refusal(ParamError, 'state: a', expected, got));
  });

  test('refuses other names, and what is no Map', () => {
    const state = new Map([[5, { data, shape: [2] }]]);
    expect(() => checkStateDict('state', state)).toThrow(refusal(ParamError, 'state', 'a string', '5'));
    for (const value of NOT_MAPS) {
      expect(() => checkStateDict('state', value)).toThrow(refusal(ParamError, 'state', 'a Map', ''));
    }
  });
});

test('checkBytes refuses bytes without memory, and says why they have none', () => {
  const bytes = new Uint8Array(4);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  const error = { op: 'net', expected: 'a Uint8Array', got: 'a detached buffer', hint: DETACHED_HINT };
  expect(() => checkBytes('net', bytes)).toThrow(expect.objectContaining({ name: 'ParamError', ...error }));
});
