import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { duration, rate, trainingDisplay, type TrainingDisplay } from '../../src/cli/progressBar.js';
import type { EpochRecord } from '../../src/report/record.js';
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

/** The lines of a display that is no terminal. */
function linesOf(show: (display: TrainingDisplay) => void, more: { classes?: number; steps?: number } = {}): string[] {
  const screen = new Screen();
  const display = trainingDisplay({ epochs: 2, steps: STEPS, stream: screen, ...more });
  show(display);
  display.stop();
  return screen.text.trimEnd().split('\n');
}

describe('the lines of an epoch', () => {
  test('have the time that is left, from the steps since the first line', () => {
    let now = 7000;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const lines = linesOf((display) => {
      for (const epoch of [1, 2]) {
        for (let step = 1; step <= STEPS; step++) {
          // The first epoch takes 3 s a step, the second 6 s.
          now += 3000 * epoch;
          display.step(record(epoch, step));
        }
      }
      // More steps than expected.
      display.step(record(3, STEPS));
    });
    jest.restoreAllMocks();
    const left = lines.map((line) => /(\S+) left/.exec(line)?.[1]);
    // At step 25, for example: (15 · 3 s + 5 · 6 s) / 20 for each of the 15 that are left.
    expect(left).toEqual(['?', '1:30', '1:15', '1:00', '0:56', '0:42', '0:23', '0:00', '0:00']);
  });

  test('include the last step of any count', () => {
    const lines = linesOf(
      (display) => {
        for (let step = 1; step <= 21; step++) display.step(stepRecord(1, step, { steps: 21, global_step: step }));
      },
      { steps: 21 },
    );
    expect(lines.map((line) => /step (\S+)/.exec(line)?.[1])).toEqual(['6/21', '12/21', '18/21', '21/21']);
  });

  test('have NaN for an accuracy that is not finite', () => {
    const [line] = linesOf((display) => {
      display.step(stepRecord(1, 5, { steps: STEPS, running_top1: NaN }));
    });
    expect(line).toContain('  top-1 NaN  ');
  });
});

describe('the line at the end of an epoch', () => {
  const lineOf = (epoch: EpochRecord, classes?: number): string[] =>
    linesOf(
      (display) => {
        display.epoch(epoch);
      },
      classes === undefined ? {} : { classes },
    )[0].split('  |  ');
  const scores = { loss: 1.5, top1: 0.25, top5: 0.75 };
  const rest = ['lambda 0.50, lr 3.0e-3', '1:01, 100 images/s, idle 2.0%'];

  test('has the scores that there are', () => {
    const train = 'epoch 1/2  train loss 2.000 top-1 10.0% top-5 15.0%';
    const { validation: _, ...bare } = epochRecord(1);
    expect(lineOf(bare)).toEqual([train, ...rest]);
    expect(lineOf(epochRecord(1, { validation: scores, fused: true }))).toEqual([
      train,
      'validation (fused) loss 1.500 top-1 25.0% top-5 75.0%',
      ...rest,
    ]);
    expect(lineOf(epochRecord(1, { validation: scores, ema: { ...scores, top1: 0.5 } }))).toEqual([
      train,
      'validation loss 1.500 top-1 25.0% top-5 75.0%',
      'averaged weights loss 1.500 top-1 50.0% top-5 75.0%',
      ...rest,
    ]);
  });

  test('has top-5 of more than five classes', () => {
    expect(lineOf(epochRecord(1), 6)[0]).toBe('epoch 1/2  train loss 2.000 top-1 10.0% top-5 15.0%');
    expect(lineOf(epochRecord(1), 5)[0]).toBe('epoch 1/2  train loss 2.000 top-1 10.0%');
  });
});

describe('on a terminal', () => {
  test('draws one bar, which follows the steps', () => {
    jest.useFakeTimers();
    const screen = new Screen(100);
    const display = trainingDisplay({ epochs: 2, steps: STEPS, stream: screen });
    display.step(record(1, 1));
    display.step(stepRecord(1, 2, { steps: STEPS, running_loss: 1.25 }));
    jest.advanceTimersByTime(1000);
    display.stop();
    const { length } = screen.text;
    jest.advanceTimersByTime(1000);
    jest.useRealTimers();
    expect(plain(screen.text)).toMatch(/epoch 1\/2 ██░{22} {2}10% {2}loss 1\.250/);
    // Nothing is drawn after the end.
    expect(screen.text).toHaveLength(length);
  });

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
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = [timers(), process.listenerCount('SIGINT')];
    const display = trainingDisplay({ epochs: 1, steps: STEPS, stream: new Screen(100) });
    display.step(record(1, 1));
    display.step(record(1, 2));
    expect(timers()).toBe(before[0] + 1);
    display.stop();
    display.stop();
    expect([timers(), process.listenerCount('SIGINT')]).toEqual(before);
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
