import { describe, expect, test } from '@jest/globals';
import { textColumns, wrapParts, wrapText } from '../../src/cli/wrap.js';
import { Screen } from './screen.js';

test.each([
  [80, 79],
  [2, 1],
  [1, Infinity],
  [0, Infinity],
  [undefined, Infinity],
])('a terminal of %p columns has %d for text', (columns, expected) => {
  expect(textColumns(new Screen(columns))).toBe(expected);
});

describe('wrapText', () => {
  test.each([
    ['one two three', 13, 'one two three'],
    ['one two three', 12, 'one two\n  three'],
    ['one two three', 7, 'one two\n three'],
    ['one two three', 6, 'one\n two\n three'],
    ['one two three', 8, 'one two\n  three'],
    ['  a bb', 3, '  a\nbb'],
    ['      indented', 8, '      indented'],
    ['runs/a-long-path/x is long', 10, 'runs/a-long-path/x\n  is long'],
    ['', 5, ''],
    ['fits ', 5, 'fits '],
  ])('%j in %d columns', (text, columns, expected) => {
    expect(wrapText(text, columns, 2)).toBe(expected);
  });

  test('leaves a line for no terminal', () => {
    expect(wrapText('word '.repeat(100), Infinity, 2)).toBe('word '.repeat(100));
  });

  test('indents by at most a quarter of the columns', () => {
    expect(wrapText('aaaa bbbb', 8, 40)).toBe('aaaa\n  bbbb');
  });
});

describe('wrapParts', () => {
  const parts = ['head one', 'two', 'three four'];

  test.each([
    [27, 'head one | two | three four'],
    [26, 'head one | two\n  three four'],
    [13, 'head one\n  two\n  three four'],
    [9, 'head one\n  two\n  three\n  four'],
  ])('in %d columns', (columns, expected) => {
    expect(wrapParts(parts, ' | ', columns, 2)).toBe(expected);
  });

  test('nothing', () => {
    expect(wrapParts([], ' | ', 10, 2)).toBe('');
  });
});
