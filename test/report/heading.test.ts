import { describe, expect, test } from '@jest/globals';
import { confusionOf } from '../../src/report/confusion.js';
import { confusionSvg } from '../../src/report/confusionSvg.js';
import { curvesSvg } from '../../src/report/curves.js';
import { heading, headingLines } from '../../src/report/heading.js';
import { textWidth } from '../../src/report/svg.js';
import { all, parsed, syntheticRun } from './syntheticRun.js';

describe('headingLines', () => {
  test.each([
    ['short', 300, ['short']],
    ['', 300, ['']],
    ['one two', 60, ['one', 'two']],
    ['runs/long/name', 70, ['runs/', 'long/', 'name']],
    ['a\x1bb', 300, ['a\\x1bb']],
  ])('%j in %d pixels', (title, width, lines) => {
    expect(headingLines(title, width)).toEqual(lines);
  });

  test('cuts a word that is wider than a line, between characters as they are shown', () => {
    const lines = headingLines('👩‍🚀'.repeat(10), 100);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join('')).toBe('👩‍🚀'.repeat(10));
    for (const line of lines) expect(Array.from(line).length % 3).toBe(0);
  });
});

test('a heading has a line for each part', () => {
  const { svg, height } = heading('one two', { x: 20, y: 10, width: 60 });
  expect(height).toBe(48);
  expect(svg.split('\n')).toEqual([
    '<text x="20" y="28" font-size="18" font-weight="700">one</text>',
    '<text x="20" y="52" font-size="18" font-weight="700">two</text>',
  ]);
});

test('wide characters take more room than narrow ones', () => {
  expect(textWidth('WWW', 10)).toBeGreaterThan(textWidth('aaa', 10));
  expect(textWidth('iii', 10)).toBeLessThan(textWidth('aaa', 10));
  expect(textWidth('猫猫', 10)).toBeGreaterThan(20);
  expect(textWidth('a', 20)).toBe(2 * textWidth('a', 10));
});

describe('pictures have their whole title', () => {
  const title = 'runs/pets-with-a-long-name/best-fusable.safetensors on data/pets-and-others, val';
  const bold = (svg: string): string =>
    all(parsed(svg), 'text[font-weight="700"]')
      .map((each) => each.textContent)
      .join('')
      .replaceAll(' ', '');

  test('a confusion matrix, whose rows stay below it', () => {
    const svg = confusionSvg(confusionOf([0, 1], [0, 1], ['cat', 'dog']), { title });
    expect(bold(svg)).toBe(title.replaceAll(' ', ''));
    const short = confusionSvg(confusionOf([0, 1], [0, 1], ['cat', 'dog']), { title: 'x' });
    const heightOf = (text: string): number => Number(/height="(\d+)"/.exec(text)?.[1]);
    expect(heightOf(svg)).toBeGreaterThan(heightOf(short) + 20);
  });

  test('curves', () => {
    const svg = curvesSvg([{ name: 'run', records: syntheticRun(2) }], { title, width: 390 });
    expect(bold(svg)).toBe(title.replaceAll(' ', ''));
  });

  test('names of classes leave room for the axis, escaped', () => {
    const svg = parsed(confusionSvg(confusionOf([0, 1], [0, 1], ['W\x1b[31mWWW', 'dog'])));
    const label = all(svg, '.label')[0];
    expect(label.textContent).toBe('W\\x1b[31mWWW');
    expect(Number(label.getAttribute('x')) - textWidth('W\\x1b[31mWWW', 12)).toBeGreaterThanOrEqual(20);
  });
});
