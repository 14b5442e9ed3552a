import { expect, test } from '@jest/globals';
import { escapeBytes, isUtf8 } from '../../../src/data/sets/escapeBytes.js';
import { listNames } from '../../../src/data/sets/listNames.js';

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b', 'c', 'd', 'e'], 'a, b, c, d, e'],
  [['a', 'b', 'c', 'd', 'e', 'f'], 'a, b, c, d, e and 1 more'],
  [Array.from({ length: 8000 }, (_, i) => `${i}`), '0, 1, 2, 3, 4 and 7995 more'],
  [['x'.repeat(100), 'y'.repeat(101)], `${'x'.repeat(100)}, ${'y'.repeat(100)}…`],
])('lists at most five names of at most 100 characters: %j', (names, text) => {
  expect(listNames(names)).toBe(text);
});

test('shows bytes that are not printable ASCII by their value', () => {
  expect(escapeBytes(Uint8Array.of(0x1f, 0x20, 0x41, 0x7e, 0x7f, 0x80, 0, 255))).toBe('\\x1f A~\\x7f\\x80\\x00\\xff');
  expect(escapeBytes(new Uint8Array(100).fill(0x61))).toBe('a'.repeat(100));
  expect(escapeBytes(new Uint8Array(101).fill(0x61))).toBe(`${'a'.repeat(100)}…`);
});

test('knows UTF-8', () => {
  expect([Buffer.from('é🐱'), Buffer.from('é', 'latin1'), new Uint8Array(0)].map(isUtf8)).toEqual([true, false, true]);
});
