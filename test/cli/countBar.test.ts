import { expect, test } from '@jest/globals';
import { countDisplay } from '../../src/cli/countBar.js';
import { plain, Screen } from './screen.js';

function shown(total: number, screen: Screen): string[] {
  const lines: string[] = [];
  const count = countDisplay({ what: 'images', line: (text) => lines.push(text), stream: screen });
  for (let done = 1; done <= total; done++) count.show(done, total);
  count.end();
  count.end();
  return lines;
}

test('elsewhere than on a terminal: four lines at most, and none for what is soon done', () => {
  const screen = new Screen();
  expect(shown(1000, screen)).toEqual([250, 500, 750, 1000].map((done) => `images: ${done} of 1000`));
  expect(shown(150, screen)).toEqual(['images: 100 of 150', 'images: 150 of 150']);
  expect(shown(99, screen)).toEqual([]);
  expect(shown(0, screen)).toEqual([]);
  expect(screen.text).toBe('');
});

test('on a terminal: a bar, and no line', () => {
  const screen = new Screen(80);
  expect(shown(1000, screen)).toEqual([]);
  expect(plain(screen.text)).toMatch(/images .+ 1\/1000 .* left/);
});
