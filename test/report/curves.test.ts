import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { curvesSvg } from '../../src/report/curves.js';
import type { MetricsRecord } from '../../src/report/record.js';
import { LIGHT } from '../../src/report/svg.js';
import { addresses, all, epochRecord, madeUpRun, parsed, pointsOf, stepRecord, texts, type Found } from './madeUp.js';

/** Panels stand in this order. */
const [LOSS, ACCURACY, LAMBDA] = [0, 1, 2];

const draw = (...runs: MetricsRecord[][]): string =>
  curvesSvg(runs.map((records, i) => ({ name: `run ${i}`, records })));

const panel = (svg: string, i: number): Found => all(parsed(svg), 'svg > svg')[i];

/** Lines of a color; a group or the path itself may bear it. */
const linesIn = (plot: Found, color: string): [number, number][][] =>
  all(plot, `g[aria-label="line"][stroke="${color}"] path, g[aria-label="line"] path[stroke="${color}"]`).map(pointsOf);

describe('of one run', () => {
  const svg = draw(madeUpRun(5));

  test('is a picture by itself, on white, which an image library can draw', async () => {
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="960" height="\d+"/);
    expect(addresses(svg)).toEqual([]);
    expect(all(parsed(svg), 'svg > rect').map((rect) => rect.getAttribute('fill'))).toEqual(['#ffffff']);
    const { data, info } = await sharp(Buffer.from(svg)).raw().toBuffer({ resolveWithObject: true });
    expect(info.width).toBe(960);
    const colors = new Set<string>();
    for (let i = 0; i < data.length; i += info.channels) colors.add(data.subarray(i, i + 3).toString('hex'));
    for (const color of [LIGHT.train, LIGHT.validation]) expect(colors).toContain(color.slice(1));
  });

  test('draws a point of each epoch where it belongs', () => {
    const [line] = linesIn(panel(svg, LOSS), LIGHT.validation);
    expect(line).toHaveLength(5);
    // Linear in both: steps of equal width; 2.5/k above zero.
    const [x0, y0] = line[0];
    const step = line[1][0] - x0;
    const zero = y0 + 2 * (line[1][1] - y0); // 2.5 − 2·1.25 = 0
    line.forEach(([x, y], i) => {
      expect(x).toBeCloseTo(x0 + i * step, 3);
      expect((zero - y) / (zero - y0)).toBeCloseTo(1 / (i + 1), 3);
    });
  });

  test('draws training and what was held out on one scale', () => {
    // Of the first epoch 2 and 2.5: on one scale, so that zero is the same place for both.
    const [[train], [validation]] = [LIGHT.train, LIGHT.validation].map((color) =>
      linesIn(panel(svg, LOSS), color).filter((line) => line.length === 5),
    );
    const zeroOf = (line: [number, number][]): number => 2 * line[1][1] - line[0][1];
    expect(zeroOf(train)).toBeCloseTo(zeroOf(validation), 3);
    expect((zeroOf(train) - train[0][1]) / (zeroOf(validation) - validation[0][1])).toBeCloseTo(2 / 2.5, 3);
  });

  test('tells top-1 from top-5 by dashes', () => {
    const lines = all(panel(svg, ACCURACY), `g[aria-label="line"][stroke="${LIGHT.validation}"]`);
    expect(lines.map((line) => line.getAttribute('stroke-dasharray'))).toEqual([null, '2 3']);
    const [[top1], [top5]] = lines.map((line) => all(line, 'path').map(pointsOf));
    // Of five epochs the last: 40% and 60%.
    expect(top5[4][1]).toBeLessThan(top1[4][1]);
  });

  test('names everything', () => {
    const said = texts(parsed(svg), 'text');
    for (const text of [
      ...['Training of run 0', 'Loss (nats)', 'Accuracy', 'λ', 'Learning rate', 'epoch'],
      ...['train', 'validation', 'train top-1', 'train top-5', 'validation top-5'],
      'validation top-1, best 40.0% in epoch 5',
      ...['0', '1', '5', '60%', '3e-3'],
    ]) {
      expect(said).toContain(text);
    }
  });

  test('the four panels share their x axes', () => {
    const ticks = [0, 1, 2, 3].map((i) => texts(panel(svg, i), 'g[aria-label="x-axis tick label"] text'));
    expect(ticks).toEqual(Array(4).fill(['0', '1', '2', '3', '4', '5']));
  });

  test('stays within a telephone', () => {
    const narrow = curvesSvg([{ name: 'run', records: madeUpRun(5) }], { width: 390 });
    const plots = all(parsed(narrow), 'svg > svg');
    expect(plots.map((plot) => Number(plot.getAttribute('x')) + Number(plot.getAttribute('width')))).toEqual(
      Array(4).fill(370),
    );
    const tops = plots.map((plot) => Number(plot.getAttribute('y')));
    expect(tops).toEqual([...tops].sort((a, b) => a - b));
  });
});

test('of several runs, colors tell the runs and dashes the training set', () => {
  const svg = draw(madeUpRun(3), madeUpRun(4));
  for (const [i, epochs] of [3, 4].entries()) {
    const lines = all(panel(svg, LOSS), `g[aria-label="line"][stroke="${LIGHT.runs[i]}"]`);
    expect(lines.map((line) => line.getAttribute('stroke-dasharray'))).toEqual([null, '5 4']);
    expect(lines.map((line) => pointsOf(all(line, 'path')[0]).length)).toEqual([epochs, epochs]);
  }
  const said = texts(parsed(svg), 'text');
  for (const text of ['run 0 validation', 'run 1 train', 'run 1 validation, best 32.0%']) expect(said).toContain(text);
});

describe('draws something sensible', () => {
  const isFinite = (svg: string): void => {
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  };

  test('of one epoch: dots', () => {
    const svg = draw([epochRecord(1)]);
    isFinite(svg);
    expect(all(panel(svg, LOSS), 'circle')).toHaveLength(2);
  });

  test('of steps alone: a line', () => {
    const svg = draw([stepRecord(1, 1), stepRecord(1, 2), stepRecord(1, 3)]);
    isFinite(svg);
    expect(linesIn(panel(svg, LOSS), LIGHT.train)[0]).toHaveLength(3);
    expect(linesIn(panel(svg, LAMBDA), LIGHT.text)[0]).toHaveLength(3);
  });

  test('of a loss that is no number: a gap', () => {
    const broken = { loss: NaN, top1: 0.1, top5: 0.5 };
    const svg = draw([epochRecord(1), epochRecord(2, { train: broken, validation: broken }), epochRecord(3)]);
    isFinite(svg);
    const [line] = all(panel(svg, LOSS), `g[aria-label="line"][stroke="${LIGHT.train}"] path`);
    expect(line.getAttribute('d')?.match(/M/g)).toHaveLength(2);
  });

  test('of nothing but what is no number, and of nothing: says so', () => {
    const infinite = { loss: Infinity, top1: NaN, top5: NaN };
    const svg = draw([epochRecord(1, { train: infinite, validation: infinite, lr: NaN, lambda: NaN })]);
    isFinite(svg);
    expect(texts(parsed(svg), 'text').filter((text) => text === 'nothing recorded')).toHaveLength(4);
    isFinite(draw([]));
  });

  test('of names that are markup: text', () => {
    const svg = curvesSvg([{ name: '<a & "b">', records: madeUpRun(1) }]);
    expect(texts(parsed(svg), 'text')).toContain('Training of <a & "b">');
  });

  test('of very many steps: no more points than there are pixels', () => {
    const many = Array.from({ length: 9999 }, (_, i) => stepRecord(1, i + 1, { steps: 9999, global_step: i + 1 }));
    const [line] = linesIn(panel(draw(many), LOSS), LIGHT.train);
    expect(line.length).toBeLessThanOrEqual(801);
  });
});
