/** The bar of a count on a terminal, and the last line elsewhere. */
import { expect, test } from '@jest/globals';
import { countDisplay } from '../../src/cli/countBar.js';
import { plain, Screen } from './screen.js';

const NOTHING = () => undefined;

test('the bar starts once, is updated, and is removed at the end', () => {
  const screen = new Screen(80);
  const count = countDisplay({ what: 'images', line: NOTHING, stream: screen });
  count.show(1, 10);
  count.show(10, 10);
  count.end();
  const text = plain(screen.text);
  expect(text).toContain('images');
  expect(text).toContain('1/10');
  expect(text).toContain('10/10');
  // The position of the cursor is saved once, at the start; the end clears the line.
  expect(screen.text.split('\x1b7')).toHaveLength(2);
  expect(screen.text.endsWith('\x1b[2K')).toBe(true);
  const length = screen.text.length;
  count.end();
  expect(screen.text).toHaveLength(length);
});

test('a count of a hundred gets a line at its end, one of 99 none', () => {
  const lines: string[] = [];
  const count = countDisplay({ what: 'images', line: (text) => lines.push(text), stream: new Screen() });
  count.show(99, 99);
  count.show(100, 100);
  count.show(101, 101);
  count.end();
  expect(lines).toEqual(['images: 100 of 100', 'images: 101 of 101']);
});

test('a share has no count', () => {
  const screen = new Screen(80);
  const count = countDisplay({ what: 'work', line: NOTHING, isShare: true, stream: screen });
  count.show(5, 10);
  count.end();
  expect(plain(screen.text)).toContain('50%');
  expect(plain(screen.text)).not.toContain('5/10');
});
