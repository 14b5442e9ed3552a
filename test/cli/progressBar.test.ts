import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { duration, rate, trainingDisplay, type TrainingDisplay } from '../../src/cli/progressBar.js';
import { epochRecord, stepRecord } from '../report/syntheticRun.js';
import { plain, Screen } from './screen.js';

const STEPS = 20;
const record = (epoch: number, step: number) =>
  stepRecord(epoch, step, { steps: STEPS, global_step: (epoch - 1) * STEPS + step });

function showAll(display: TrainingDisplay): void {
  for (const epoch of [1, 2]) {
    for (let step = 1; step <= STEPS; step++) display.step(record(epoch, step));
    display.epoch(epochRecord(epoch));
  }
  display.stop();
}

const before = process.env['NO_COLOR'];
beforeEach(() => {
  delete process.env['NO_COLOR'];
});
afterEach(() => {
  if (before === undefined) delete process.env['NO_COLOR'];
  else process.env['NO_COLOR'] = before;
});

test('prints four lines an epoch and one for its end if the stream is not a terminal', () => {
  const screen = new Screen();
  showAll(trainingDisplay({ epochs: 2, steps: STEPS, stream: screen }));
  const lines = screen.text.trimEnd().split('\n');
  expect(lines).toHaveLength(10);
  expect(lines[0]).toMatch(
    /^epoch 1\/2 {2}step 5\/20 {2}loss 2\.000 {2}top-1 10\.0% {2}\S+ left {2}100 images\/s {2}lambda 0\.50 {2}lr 3\.0e-3$/,
  );
  expect(lines[4]).toBe(
    'epoch 1/2  train loss 2.000 top-1 10.0% top-5 15.0%  |  validation loss 2.500 top-1 8.0% top-5 12.0%  |  ' +
      'lambda 0.50, lr 3.0e-3  |  1:01, 100 images/s, idle 2.0%',
  );
  // eslint-disable-next-line no-control-regex -- as above
  expect(screen.text).not.toMatch(/[\x1b\r]/);
});

describe('on a terminal', () => {
  test('removes the bar before the line of an epoch', () => {
    const screen = new Screen(100);
    showAll(trainingDisplay({ epochs: 2, steps: STEPS, stream: screen }));
    expect(plain(screen.text)).toMatch(/epoch 1\/2 █░{23} {3}5% {2}loss 2\.000/);
    const lines = screen.text.trimEnd().split('\n');
    expect(lines).toHaveLength(6);
    expect(lines[0]).toContain('\x1b[1mepoch 1/2\x1b[0m  train loss 2.000 top-1 10.0% top-5 15.0%');
    expect(lines.slice(1, 3)).toEqual([
      `${' '.repeat(11)}validation loss 2.500 top-1 8.0% top-5 12.0%  |  lambda 0.50, lr 3.0e-3`,
      // The idle share shows whether more --workers help.
      `${' '.repeat(11)}1:01, 100 images/s, idle 2.0%`,
    ]);
  });

  test.each([24, 40, 60, 80, 120, 250])('the lines of an epoch fit %d columns, and break between words', (columns) => {
    const screen = new Screen(columns);
    const display = trainingDisplay({ epochs: 100, steps: STEPS, stream: screen });
    const scores = { loss: 12.3456, top1: 0.5, top5: 1 };
    display.epoch(epochRecord(1, { ema: scores, images_per_second: 6930, seconds: 36_000 }));
    display.note('data   cats: 45000 images to train on, 5000 held out');
    const lines = plain(screen.text).trimEnd().split('\n');
    for (const line of lines) expect(line.length).toBeLessThan(columns);
    const whole = new Screen();
    const plainDisplay = trainingDisplay({ epochs: 100, steps: STEPS, stream: whole });
    plainDisplay.epoch(epochRecord(1, { ema: scores, images_per_second: 6930, seconds: 36_000 }));
    plainDisplay.note('data   cats: 45000 images to train on, 5000 held out');
    const words = (text: string): string[] => text.split(/[\s|]+/).filter((word) => word !== '');
    expect(words(plain(screen.text))).toEqual(words(whole.text));
    expect(whole.text).toContain('  |  10:00:00, 6930 images/s, idle');
  });

  test.each([20, 40, 60, 80])('the bar fits %d columns', (columns) => {
    const screen = new Screen(columns);
    const display = trainingDisplay({ epochs: 100, steps: STEPS, stream: screen });
    display.step(record(1, 7));
    display.stop();
    const drawn = plain(screen.text)
      .split('\n')
      .filter((line) => line.includes('epoch'));
    expect(drawn.length).toBeGreaterThan(0);
    // The last field is not cut.
    expect(drawn.join('\n')).toMatch(/(%|left|images\/s|loss \d\.\d{3}|0\.50)\s*$/);
    for (const line of drawn.flatMap((one) => one.split('epoch 1/100')).slice(1)) {
      expect('epoch 1/100'.length + line.length).toBeLessThan(columns);
    }
  });

  test('NO_COLOR: no colors', () => {
    process.env['NO_COLOR'] = '1';
    const screen = new Screen(100);
    showAll(trainingDisplay({ epochs: 2, steps: STEPS, stream: screen }));
    expect(screen.text).toContain('epoch 1/2');
    // eslint-disable-next-line no-control-regex -- as above
    expect(screen.text).not.toMatch(/\x1b\[[\d;]*m/);
  });

  test('prints a note on its own line', () => {
    const screen = new Screen(100);
    const display = trainingDisplay({ epochs: 1, steps: STEPS, stream: screen });
    display.step(record(1, 1));
    display.note('a checkpoint was written');
    display.step(record(1, 2));
    display.stop();
    // The bar is removed before, and drawn again below.
    // eslint-disable-next-line no-control-regex -- as above
    expect(screen.text).toMatch(/\x1b\[2Ka checkpoint was written\n/);
    expect(plain(screen.text.split('written\n')[1])).toMatch(/^epoch 1\/1 ██░/);
  });

  test('leaves nothing that keeps the process alive, and can be stopped twice', () => {
    const display = trainingDisplay({ epochs: 1, steps: STEPS, stream: new Screen(100) });
    display.step(record(1, 1));
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const running = timers();
    display.stop();
    display.stop();
    expect(timers()).toBe(running - 1);
    expect(process.listenerCount('SIGINT')).toBe(0);
  });
});

test.each([
  [6930.4, '6930 images/s'],
  [10, '10 images/s'],
  [9.94, '9.9 images/s'],
  [1, '1.0 images/s'],
  [0.5, '2.0 s/image'],
  [0.01, '100 s/image'],
  [0, '? images/s'],
  [Infinity, '? images/s'],
  [NaN, '? images/s'],
])('%d images a second are %s', (value, text) => {
  expect(rate(value)).toBe(text);
});

test.each([
  [0, '0:00'],
  [75.4, '1:15'],
  [3675, '1:01:15'],
  [Infinity, '?'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
