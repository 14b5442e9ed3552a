import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { curvesSvg } from '../../src/report/curves.js';
import type { MetricsRecord } from '../../src/report/record.js';
import { LIGHT } from '../../src/report/svg.js';
import {
  addresses,
  all,
  epochRecord,
  syntheticRun,
  parsed,
  pointsOf,
  stepRecord,
  texts,
  type TestElement,
} from './syntheticRun.js';

/** The panels in their order. */
const [LOSS, ACCURACY, LAMBDA] = [0, 1, 2];

const draw = (...runs: MetricsRecord[][]): string =>
  curvesSvg(runs.map((records, i) => ({ name: `run ${i}`, records })));

const panel = (svg: string, i: number): TestElement => all(parsed(svg), 'svg > svg')[i];

/** Lines of a color, which is an attribute of the path or of its group. */
const linesIn = (plot: TestElement, color: string): [number, number][][] =>
  all(plot, `g[data-mark="line"][stroke="${color}"] path, g[data-mark="line"] path[stroke="${color}"]`).map(pointsOf);

describe('of one run', () => {
  const svg = draw(syntheticRun(5));

  test('is a standalone picture on white that an image library can render', async () => {
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="960" height="\d+"/);
    expect(addresses(svg)).toEqual([]);
    expect(all(parsed(svg), 'svg > rect').map((rect) => rect.getAttribute('fill'))).toEqual(['#ffffff']);
    const { data, info } = await sharp(Buffer.from(svg)).raw().toBuffer({ resolveWithObject: true });
    expect(info.width).toBe(960);
    const colors = new Set<string>();
    for (let i = 0; i < data.length; i += info.channels) colors.add(data.subarray(i, i + 3).toString('hex'));
    for (const color of [LIGHT.train, LIGHT.validation]) expect(colors).toContain(color.slice(1));
  });

  test('draws the point of each epoch at its place', () => {
    const [line] = linesIn(panel(svg, LOSS), LIGHT.validation);
    expect(line).toHaveLength(5);
    // Both axes are linear: steps of equal width, and a height of 2.5/k above zero.
    const [x0, y0] = line[0];
    const step = line[1][0] - x0;
    const zero = y0 + 2 * (line[1][1] - y0); // 2.5 − 2·1.25 = 0
    line.forEach(([x, y], i) => {
      expect(x).toBeCloseTo(x0 + i * step, 3);
      expect((zero - y) / (zero - y0)).toBeCloseTo(1 / (i + 1), 3);
    });
  });

  test('draws training and validation on one scale', () => {
    // The losses of the first epoch are 2 and 2.5: on one scale, zero is at the same place for both.
    const [[train], [validation]] = [LIGHT.train, LIGHT.validation].map((color) =>
      linesIn(panel(svg, LOSS), color).filter((line) => line.length === 5),
    );
    const zeroOf = (line: [number, number][]): number => 2 * line[1][1] - line[0][1];
    expect(zeroOf(train)).toBeCloseTo(zeroOf(validation), 3);
    expect((zeroOf(train) - train[0][1]) / (zeroOf(validation) - validation[0][1])).toBeCloseTo(2 / 2.5, 3);
  });

  test('draws top-5 with dashes', () => {
    const lines = all(panel(svg, ACCURACY), `g[data-mark="line"][stroke="${LIGHT.validation}"]`);
    expect(lines.map((line) => line.getAttribute('stroke-dasharray'))).toEqual([null, '2 3']);
    const [[top1], [top5]] = lines.map((line) => all(line, 'path').map(pointsOf));
    // The last of five epochs: 40% and 60%.
    expect(top5[4][1]).toBeLessThan(top1[4][1]);
  });

  test('has titles, labels and legends', () => {
    const labels = texts(parsed(svg), 'text');
    for (const text of [
      ...['Training of run 0', 'Loss (nats)', 'Accuracy', 'λ', 'Learning rate', 'epoch'],
      ...['train', 'validation', 'train top-1', 'train top-5', 'validation top-5'],
      'validation top-1, best 40.0% in epoch 5',
      ...['0', '1', '5', '60%', '3e-3'],
    ]) {
      expect(labels).toContain(text);
    }
  });

  test('has the same x axis in all panels', () => {
    const ticks = [0, 1, 2, 3].map((i) => texts(panel(svg, i), 'g[data-mark="x-axis tick label"] text'));
    expect(ticks).toEqual(Array(4).fill(['0', '1', '2', '3', '4', '5']));
  });

  test('fits the width of a phone', () => {
    const narrow = curvesSvg([{ name: 'run', records: syntheticRun(5) }], { width: 390 });
    const plots = all(parsed(narrow), 'svg > svg');
    expect(plots.map((plot) => Number(plot.getAttribute('x')) + Number(plot.getAttribute('width')))).toEqual(
      Array(4).fill(370),
    );
    const tops = plots.map((plot) => Number(plot.getAttribute('y')));
    expect(tops).toEqual([...tops].sort((a, b) => a - b));
  });
});

test('for several runs, colors distinguish the runs, and dashes the training set', () => {
  const svg = draw(syntheticRun(3), syntheticRun(4));
  for (const [i, epochs] of [3, 4].entries()) {
    const lines = all(panel(svg, LOSS), `g[data-mark="line"][stroke="${LIGHT.runs[i]}"]`);
    expect(lines.map((line) => line.getAttribute('stroke-dasharray'))).toEqual([null, '5 4']);
    expect(lines.map((line) => pointsOf(all(line, 'path')[0]).length)).toEqual([epochs, epochs]);
  }
  const labels = texts(parsed(svg), 'text');
  for (const text of ['run 0 validation', 'run 1 train', 'run 1 validation, best 32.0%'])
    expect(labels).toContain(text);
});

describe('draws unusual records', () => {
  const isFinite = (svg: string): void => {
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  };

  test('one epoch as dots', () => {
    const svg = draw([epochRecord(1)]);
    isFinite(svg);
    expect(all(panel(svg, LOSS), 'circle')).toHaveLength(2);
  });

  test('steps without an epoch as a line', () => {
    const svg = draw([stepRecord(1, 1), stepRecord(1, 2), stepRecord(1, 3)]);
    isFinite(svg);
    expect(linesIn(panel(svg, LOSS), LIGHT.train)[0]).toHaveLength(3);
    expect(linesIn(panel(svg, LAMBDA), LIGHT.text)[0]).toHaveLength(3);
  });

  test('a loss of NaN as a gap', () => {
    const broken = { loss: NaN, top1: 0.1, top5: 0.5 };
    const svg = draw([epochRecord(1), epochRecord(2, { train: broken, validation: broken }), epochRecord(3)]);
    isFinite(svg);
    const [line] = all(panel(svg, LOSS), `g[data-mark="line"][stroke="${LIGHT.train}"] path`);
    expect(line.getAttribute('d')?.match(/M/g)).toHaveLength(2);
  });

  test('only NaN, or no records, as "nothing recorded"', () => {
    const infinite = { loss: Infinity, top1: NaN, top5: NaN };
    const svg = draw([epochRecord(1, { train: infinite, validation: infinite, lr: NaN, lambda: NaN })]);
    isFinite(svg);
    expect(texts(parsed(svg), 'text').filter((text) => text === 'nothing recorded')).toHaveLength(4);
    isFinite(draw([]));
  });

  test('names with markup as text', () => {
    const svg = curvesSvg([{ name: '<a & "b">', records: syntheticRun(1) }]);
    expect(texts(parsed(svg), 'text')).toContain('Training of <a & "b">');
  });

  test('very many steps with at most 800 points', () => {
    const many = Array.from({ length: 9999 }, (_, i) => stepRecord(1, i + 1, { steps: 9999, global_step: i + 1 }));
    const [line] = linesIn(panel(draw(many), LOSS), LIGHT.train);
    expect(line.length).toBeLessThanOrEqual(801);
  });
});
