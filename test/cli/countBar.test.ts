import { expect, test } from '@jest/globals';
import { countDisplay } from '../../src/cli/countBar.js';
import { plain, Screen } from './screen.js';

function linesOf(total: number, screen: Screen): string[] {
  const lines: string[] = [];
  const count = countDisplay({ what: 'images', line: (text) => lines.push(text), stream: screen });
  for (let done = 1; done <= total; done++) count.show(done, total);
  count.end();
  count.end();
  return lines;
}

test('prints at most four lines if the stream is not a terminal, and none for a small count', () => {
  const screen = new Screen();
  expect(linesOf(1000, screen)).toEqual([250, 500, 750, 1000].map((done) => `images: ${done} of 1000`));
  expect(linesOf(150, screen)).toEqual(['images: 100 of 150', 'images: 150 of 150']);
  expect(linesOf(99, screen)).toEqual([]);
  expect(linesOf(0, screen)).toEqual([]);
  expect(screen.text).toBe('');
});

test('shows a bar and prints no lines on a terminal', () => {
  const screen = new Screen(80);
  expect(linesOf(1000, screen)).toEqual([]);
  expect(plain(screen.text)).toMatch(/images .+ 1\/1000 .* left/);
});
