import { Presets, SingleBar } from 'cli-progress';
import type { WriteStream } from 'node:tty';
import type { EpochRecord, RecordedScores, StepRecord } from '../report/record.js';
import { formatPercent } from '../report/percent.js';
import { printText } from './print.js';
import { barLine, joinFields, lineColumns } from './barLine.js';
import { textColumns, wrapParts } from './wrap.js';

export interface TrainingDisplayOptions {
  /** Epochs of the run. */
  readonly epochs: number;
  /** Steps an epoch. */
  readonly steps: number;
  /** Classes: the share within the first five says nothing of up to five. Unknown by default. */
  readonly classes?: number;
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

const scoresOf = (name: string, { loss, top1, top5 }: RecordedScores, classes: number): string =>
  `${name} loss ${loss.toFixed(3)} top-1 ${accuracy(top1)}${classes > 5 ? ` top-5 ${accuracy(top5)}` : ''}`;

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

/** Steps and epochs of a run, and the time that is left. */
class StepLines {
  readonly #clock: Clock;

  constructor(
    private readonly epochs: number,
    steps: number,
  ) {
    this.#clock = new Clock(epochs * steps);
  }

  #fields(record: StepRecord): string[] {
    return fieldsOf(record, this.#clock.left(record.global_step));
  }

  /** A line of a log. */
  line(record: StepRecord): string {
    const head = `epoch ${record.epoch}/${this.epochs}  step ${record.step}/${record.steps}`;
    return joinFields([head, ...this.#fields(record)], Infinity);
  }

  /** The line of a bar. Without colors: cli-progress cuts a line by its characters, and counts those of colors. */
  bar(record: StepRecord, columns: number): string {
    const fraction = record.step / Math.max(1, record.steps);
    return barLine(`epoch ${record.epoch}/${this.epochs}`, fraction, this.#fields(record), columns);
  }
}

/** The parts of the line of an epoch, without its number. */
const epochParts = (
  { train, validation, ema, lambda, lr, fused, ...speed }: EpochRecord,
  classes: number,
): string[] => [
  scoresOf('train', train, classes),
  ...(validation === undefined ? [] : [scoresOf(fused ? 'validation (fused)' : 'validation', validation, classes)]),
  ...(ema === undefined ? [] : [scoresOf('averaged weights', ema, classes)]),
  `lambda ${lambda.toFixed(2)}, lr ${lr.toExponential(1)}`,
  `${duration(speed.seconds)}, ${rate(speed.images_per_second)}, idle ${formatPercent(speed.idle)}`,
];

/** A bar that draws lines of its caller. */
function openBar(stream: NodeJS.WritableStream, record: StepRecord, lineOf: (record: StepRecord) => string): SingleBar {
  const options = {
    stream,
    format: (_: unknown, __: unknown, { record: current }: { record: StepRecord }) => lineOf(current),
    clearOnComplete: true,
    // gracefulExit would install signal handlers: `train` has its own. The line fits without truncation.
    gracefulExit: false,
    linewrap: true,
    fps: 8,
  };
  const bar = new SingleBar(options, Presets.shades_classic);
  bar.start(record.steps, record.step, { record });
  return bar;
}

/** Shows a bar on a terminal, a few lines elsewhere, and a line for every epoch. Respects NO_COLOR. */
export function trainingDisplay({
  epochs,
  steps,
  classes = Infinity,
  stream = process.stdout,
}: TrainingDisplayOptions): TrainingDisplay {
  const isTerminal = (stream as Partial<WriteStream>).isTTY === true;
  const colored = isTerminal && (process.env['NO_COLOR'] ?? '') === '';
  const every = Math.max(1, Math.ceil(steps / LINES_PER_EPOCH));
  const lines = new StepLines(epochs, steps);
  let bar: SingleBar | null = null;

  const write = (line: string): void => {
    stream.write(`${line}\n`);
  };
  const stop = (): void => {
    bar?.stop();
    bar = null;
  };
  const showBar = (record: StepRecord): void => {
    if (bar === null) bar = openBar(stream, record, (current) => lines.bar(current, lineColumns(stream)));
    else bar.update(record.step, { record });
  };
  return {
    step(record) {
      if (isTerminal) showBar(record);
      else if (record.step === record.steps || record.step % every === 0) write(lines.line(record));
    },
    epoch(record) {
      const head = `epoch ${record.epoch}/${epochs}`;
      const [first, ...parts] = epochParts(record, classes);
      const text = wrapParts([`${head}  ${first}`, ...parts], '  |  ', textColumns(stream), head.length + 2);
      stop();
      write(bold(head, colored) + text.slice(head.length));
    },
    note(text) {
      stop();
      printText(stream, text);
    },
    stop,
  };
}
