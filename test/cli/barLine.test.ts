import { describe, expect, test } from '@jest/globals';
import { barLine, joinFields, lineColumns } from '../../src/cli/barLine.js';
import { Screen } from './screen.js';

test('a line leaves the last column of a terminal free', () => {
  expect([80, 2, 1, undefined].map((columns) => lineColumns(new Screen(columns)))).toEqual([79, 1, 1, 79]);
});

test.each([
  [['one', 'two', 'three'], 15, 'one  two  three'],
  [['one', 'two', 'three'], 14, 'one  two'],
  [['one', 'two', 'x'], 7, 'one'],
  [['one'], 2, 'on'],
  [['one'], -1, ''],
])('%j in %d columns', (fields, columns, expected) => {
  expect(joinFields(fields, columns)).toBe(expected);
});

describe('barLine', () => {
  const fields = ['12/48', '0:10 left'];

  test('has a bar if there is room', () => {
    const full = `file ${'█'.repeat(6)}${'░'.repeat(18)}  25%  12/48  0:10 left`;
    expect(barLine('file', 0.25, fields, 59)).toBe(full);
    expect(barLine('file', 0.25, fields, 58)).toBe('file  25%  12/48  0:10 left');
  });

  test('keeps to the columns', () => {
    for (const head of ['x', 'cifar-10-python.tar.gz']) {
      for (let columns = 1; columns < 100; columns++) {
        expect(barLine(head, 1, fields, columns).length).toBeLessThanOrEqual(columns);
      }
    }
    expect(barLine('cifar-10-python.tar.gz', 1, fields, 39)).toBe('cifar-10-python.tar.gz 100%  12/48');
  });

  test('shows fractions within its ends, and none of an unknown whole', () => {
    expect(barLine('x', 1.5, [], 60)).toBe(`x ${'█'.repeat(24)} 100%`);
    expect(barLine('x', -1, [], 60)).toBe(`x ${'░'.repeat(24)}   0%`);
    expect(barLine('x', 0.999, [], 60)).toBe(`x ${'█'.repeat(24)}  99%`);
    expect(barLine('x', null, fields, 60)).toBe('x 12/48  0:10 left');
  });
});
