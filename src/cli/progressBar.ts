import { Presets, SingleBar } from 'cli-progress';
import type { WriteStream } from 'node:tty';
import type { EpochRecord, RecordedScores, StepRecord } from '../report/record.js';
import { formatPercent } from '../report/percent.js';
import { printText } from './print.js';
import { textColumns, wrapParts } from './wrap.js';

export interface TrainingDisplayOptions {
  /** Epochs of the run. */
  readonly epochs: number;
  /** Steps an epoch. */
  readonly steps: number;
  /** By default stdout. */
  readonly stream?: NodeJS.WritableStream;
}

/** Shows the progress of a training. */
export interface TrainingDisplay {
  step(record: StepRecord): void;
  epoch(record: EpochRecord): void;
  /** Prints a line of text. */
  note(text: string): void;
  /** Removes the bar. A bar that is not removed keeps the process alive. */
  stop(): void;
}

/** Lines printed if the stream is not a terminal. */
const LINES_PER_EPOCH = 4;
/** Characters of the bar. */
const BAR = 24;
/** The width of a stream that does not know its own. */
const COLUMNS = 80;

const bold = (text: string, colored: boolean): string => (colored ? `\x1b[1m${text}\x1b[0m` : text);

/** Formats seconds: 75 is 1:15, 3675 is 1:01:15. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const total = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (value: number): string => `${value}`.padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** `6930 images/s`, or the seconds of one image if they are more than one: `4.2 s/image`. */
export function rate(imagesPerSecond: number): string {
  if (!Number.isFinite(imagesPerSecond) || imagesPerSecond <= 0) return '? images/s';
  const short = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
  return imagesPerSecond < 1 ? `${short(1 / imagesPerSecond)} s/image` : `${short(imagesPerSecond)} images/s`;
}

const accuracy = (share: number): string => (Number.isFinite(share) ? formatPercent(share) : 'NaN');

/** The fields of a step, the most important first: a narrow terminal shows the first ones only. */
const fieldsOf = (
  { running_loss, running_top1, lambda, lr, images_per_second }: StepRecord,
  left: string,
): string[] => [
  `loss ${running_loss.toFixed(3)}`,
  `top-1 ${accuracy(running_top1)}`,
  `${left} left`,
  rate(images_per_second),
  `lambda ${lambda.toFixed(2)}`,
  `lr ${lr.toExponential(1)}`,
];

/** Joins the first field and as many others as fit. */
function fit([first, ...fields]: readonly string[], columns: number): string {
  let line = first.slice(0, columns);
  for (const field of fields) {
    if (line.length + 2 + field.length > columns) break;
    line += `  ${field}`;
  }
  return line;
}

const scoresOf = (name: string, { loss, top1, top5 }: RecordedScores): string =>
  `${name} loss ${loss.toFixed(3)} top-1 ${accuracy(top1)} top-5 ${accuracy(top5)}`;

/** Estimates the remaining time from the steps seen. The steps before a resume do not count. */
class Clock {
  #first: { readonly at: number; readonly step: number } | null = null;

  constructor(private readonly total: number) {}

  left(globalStep: number): string {
    const now = performance.now();
    this.#first ??= { at: now, step: globalStep };
    const steps = globalStep - this.#first.step;
    if (steps <= 0) return '?';
    return duration(((now - this.#first.at) / 1000 / steps) * Math.max(0, this.total - globalStep));
  }
}

/** Shows a bar on a terminal, a few lines elsewhere, and a line for every epoch. Respects NO_COLOR. */
export function trainingDisplay({ epochs, steps, stream = process.stdout }: TrainingDisplayOptions): TrainingDisplay {
  const terminal = (stream as Partial<WriteStream>).isTTY === true;
  const colored = terminal && (process.env['NO_COLOR'] ?? '') === '';
  const columns = (): number => (stream as Partial<WriteStream>).columns ?? COLUMNS;
  const clock = new Clock(epochs * steps);
  const every = Math.max(1, Math.ceil(steps / LINES_PER_EPOCH));
  const write = (line: string): void => {
    stream.write(`${line}\n`);
  };
  let bar: SingleBar | null = null;

  const barLine = (record: StepRecord): string => {
    const done = Math.round((BAR * record.step) / Math.max(1, record.steps));
    const head = `epoch ${record.epoch}/${epochs} `;
    // A line that fills the last column would wrap.
    const room = columns() - 1;
    const wide = room >= head.length + BAR + 30;
    const strip = wide ? `${'█'.repeat(done)}${'░'.repeat(BAR - done)} ` : '';
    const share = `${Math.floor((100 * record.step) / Math.max(1, record.steps))}%`.padStart(4);
    const fields = fit([share, ...fieldsOf(record, clock.left(record.global_step))], room - head.length - strip.length);
    // Without colors: cli-progress cuts a line by its characters, and counts those of colors.
    return wide ? `${head}${strip}${fields}` : `${head}${fields}`.slice(0, Math.max(1, room));
  };

  const remove = (): void => {
    bar?.stop();
    bar = null;
  };

  return {
    step(record) {
      if (!terminal) {
        const line = fit(
          [
            `epoch ${record.epoch}/${epochs}  step ${record.step}/${record.steps}`,
            ...fieldsOf(record, clock.left(record.global_step)),
          ],
          Infinity,
        );
        if (record.step === record.steps || record.step % every === 0) write(line);
        return;
      }
      if (bar === null) {
        const options = {
          stream,
          format: (_: unknown, __: unknown, { record: current }: { record: StepRecord }) => barLine(current),
          clearOnComplete: true,
          // gracefulExit would install signal handlers: `train` has its own. The line fits without truncation.
          gracefulExit: false,
          linewrap: true,
          fps: 8,
        };
        bar = new SingleBar(options, Presets.shades_classic);
        bar.start(record.steps, record.step, { record });
      } else {
        bar.update(record.step, { record });
      }
    },
    epoch({ epoch, train, validation, ema, lambda, lr, seconds, images_per_second, idle, fused }) {
      const head = `epoch ${epoch}/${epochs}`;
      const parts = [
        `${head}  ${scoresOf('train', train)}`,
        ...(validation === undefined ? [] : [scoresOf(fused ? 'validation (fused)' : 'validation', validation)]),
        ...(ema === undefined ? [] : [scoresOf('averaged weights', ema)]),
        `lambda ${lambda.toFixed(2)}, lr ${lr.toExponential(1)}`,
        `${duration(seconds)}, ${rate(images_per_second)}, idle ${formatPercent(idle)}`,
      ];
      const text = wrapParts(parts, '  |  ', textColumns(stream), head.length + 2);
      remove();
      write(bold(head, colored) + text.slice(head.length));
    },
    note(text) {
      remove();
      printText(stream, text);
    },
    stop: remove,
  };
}
