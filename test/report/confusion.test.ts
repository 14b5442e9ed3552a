import { describe, expect, test } from '@jest/globals';
import { ParamError } from '../../src/core/errors.js';
import { confusionCsv, confusionOf, confusionTable, mistakes } from '../../src/report/confusion.js';
import { confusionSvg } from '../../src/report/confusionSvg.js';
import { refusal } from '../io/refusal.js';
import { addresses, all, parsed, texts } from './syntheticRun.js';

/** Three cats, of which one is predicted as a dog; three dogs, of which one is predicted as a fox; no fox. */
const NAMES = ['cat', 'dog, "old"', 'fox'];
const confusion = confusionOf([0, 0, 0, 1, 1, 1], Int32Array.of(0, 1, 0, 1, 2, 1), NAMES);

test('counts', () => {
  expect(confusion.counts).toEqual([
    [2, 1, 0],
    [0, 2, 1],
    [0, 0, 0],
  ]);
  expect(confusion.perClass).toEqual([2 / 3, 2 / 3, NaN]);
  expect([confusion.accuracy, confusion.total]).toEqual([4 / 6, 6]);
});

test('lists the mistakes by frequency', () => {
  expect(mistakes(confusionOf([0, 1, 1, 2], [1, 2, 2, 2], NAMES))).toEqual([
    { label: 'dog, "old"', prediction: 'fox', count: 2 },
    { label: 'cat', prediction: 'dog, "old"', count: 1 },
  ]);
});

test('refuses lists of different lengths, and unknown classes', () => {
  expect(() => confusionOf([0, 1], [0], NAMES)).toThrow(refusal(ParamError, 'confusionOf', 'the 2 labels', '1'));
  expect(() => confusionOf([3], [0], NAMES)).toThrow(refusal(ParamError, 'confusionOf', 'below 3', '3'));
  expect(() => confusionOf([0], [-1], NAMES)).toThrow(refusal(ParamError, 'confusionOf', 'below 3', '-1'));
});

test('prints a table', () => {
  expect(confusionTable(confusion).split('\n')).toEqual([
    'true \\ predicted  0  1  2  accuracy',
    '0 cat             2  1  .     66.7%',
    '1 dog, "old"      .  2  1     66.7%',
    '2 fox             .  .  .         -',
  ]);
});

test('prints the worst classes and the most frequent mistakes if there are many classes', () => {
  const names = Array.from({ length: 30 }, (_, i) => `class ${i}`);
  const labels = names.flatMap((_, i) => [i, i]);
  const answers = labels.map((label, i) => (label === 7 || (label === 9 && i % 2 === 0) ? 3 : label));
  const lines = confusionTable(confusionOf(labels, answers, names)).split('\n');
  expect(lines.length).toBeLessThan(20);
  expect(lines[0]).toBe('the 10 classes of lowest accuracy, of 30');
  expect(lines[2]).toMatch(/^7 class 7 +2 +0\.0%$/);
  expect(lines[3]).toMatch(/^9 class 9 +2 +50\.0%$/);
  expect(lines.at(-2)).toMatch(/^class 7 -> class 3 +2$/);
  expect(lines.at(-1)).toMatch(/^class 9 -> class 3 +1$/);
});

test('writes CSV with quotes where needed', () => {
  expect(confusionCsv(confusion).split('\n')).toEqual([
    'label,cat,"dog, ""old""",fox,accuracy',
    `cat,2,1,0,${2 / 3}`,
    `"dog, ""old""",0,2,1,${2 / 3}`,
    'fox,0,0,0,',
    '',
  ]);
});

test('Chinese names take two columns each', () => {
  const table = confusionTable(confusionOf([0, 1, 1], [0, 1, 0], ['飞机', 'cat']));
  expect(table.split('\n')).toEqual([
    'true \\ predicted  0  1  accuracy',
    '0 飞机            1  .    100.0%',
    '1 cat             1  1     50.0%',
  ]);
  // Cut at 20 columns: nine characters and the ellipsis.
  const long = confusionTable(confusionOf([0], [0], ['很长很长很长很长很长很长很长很长的名字']));
  expect(long).toContain('0 很长很长很长很长很…');
});

describe('draws a heat map', () => {
  const svg = confusionSvg(confusion, { title: 'a <b>' });
  const heatMap = parsed(svg);

  test('with a cell for each pair, and a shade for each share', () => {
    const cells = all(heatMap, 'g[data-mark="cell"] rect');
    expect(cells).toHaveLength(9);
    const shades = cells.map((cell) => cell.getAttribute('fill'));
    expect(new Set(shades).size).toBe(3); // 0, hits of 2/3, mistakes of 1/3
    expect(shades[0]).toBe(shades[4]); // 2 of 3 and 2 of 3
    expect(shades[1]).toBe(shades[5]);
    expect(shades[2]).toBe(shades[8]);
    const places = cells.map((cell) => `${cell.getAttribute('x')} ${cell.getAttribute('y')}`);
    expect(new Set(places).size).toBe(9);
  });

  test('whose shades are shares, not counts', () => {
    const unequal = confusionOf([0, 0, 0, 0, 1], [0, 0, 0, 0, 1], ['many', 'one']);
    const shades = all(parsed(confusionSvg(unequal)), 'g[data-mark="cell"] rect').map((rect) =>
      rect.getAttribute('fill'),
    );
    expect(shades[0]).toBe(shades[3]);
    // A share of 1 is darker than a share of 2/3.
    expect(all(heatMap, 'g[data-mark="cell"] rect')[0].getAttribute('fill')).not.toBe(shades[0]);
  });

  test('with names, counts and accuracies', () => {
    expect(texts(heatMap, '.label')).toEqual(NAMES);
    expect(texts(heatMap, '.prediction')).toEqual(NAMES);
    expect(texts(heatMap, '.accuracy')).toEqual(['66.7%', '66.7%', '-']);
    expect(texts(heatMap, 'g[data-mark="text"] text')).toEqual(['2', '1', '2', '1']);
    expect(texts(heatMap, 'text')).toEqual(expect.arrayContaining(['a <b>', 'top-1 66.7% of 6 images']));
  });

  test('with the axes true and predicted, and other hues for hits than for mistakes', () => {
    expect(texts(heatMap, '.axis')).toEqual(['true', 'predicted']);
    expect(texts(heatMap, '.key')).toEqual(['right, on the diagonal', 'wrong']);
    // One image of each class is right, one is wrong: shares of 1/2 on and off the diagonal.
    const half = parsed(confusionSvg(confusionOf([0, 0, 1, 1], [0, 1, 0, 1], ['a', 'b'])));
    const fills = all(half, 'g[data-mark="cell"] rect').map((cell) => cell.getAttribute('fill'));
    expect(fills).toEqual(['rgb(122, 161, 169)', 'rgb(211, 153, 124)', 'rgb(211, 153, 124)', 'rgb(122, 161, 169)']);
    // Numbers are black on light cells and white on dark ones.
    const dark = parsed(confusionSvg(confusionOf([0, 1], [0, 0], ['a', 'b'])));
    const inks = all(dark, 'g[data-mark="text"] text').map((each) => each.getAttribute('fill'));
    expect(inks).toEqual(['#ffffff', '#ffffff']);
    expect(all(half, 'g[data-mark="text"] text').every((each) => each.getAttribute('fill') === '#000000')).toBe(true);
  });

  test('that is self-contained', () => {
    expect(addresses(svg)).toEqual([]);
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  test('without names if there are so many classes that cells are too small', () => {
    const names = Array.from({ length: 92 }, (_, i) => `${i}`);
    const many = confusionSvg(confusionOf([0], [91], names));
    expect(all(parsed(many), 'g[data-mark="cell"] rect')).toHaveLength(92 ** 2);
    expect(many).not.toContain('class="label"');
    expect(many).not.toMatch(/NaN|undefined/);
  });
});
