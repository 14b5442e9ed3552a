import { Presets, SingleBar } from 'cli-progress';
import type { WriteStream } from 'node:tty';
import type { EpochRecord, RecordedScores, StepRecord } from '../report/record.js';
import { brief, percent } from './print.js';

export interface TrainingDisplayOptions {
  /** Of the whole run. */
  readonly epochs: number;
  /** Of an epoch. */
  readonly steps: number;
  /** Standard output where it is not given. */
  readonly stream?: NodeJS.WritableStream;
}

/** Shows a training while it runs. */
export interface TrainingDisplay {
  step(record: StepRecord): void;
  epoch(record: EpochRecord): void;
  /** A line of text between the others. */
  note(text: string): void;
  /** Ends it, wherever it is: a bar keeps the process alive. */
  stop(): void;
}

/** Where nobody looks at a terminal. */
const LINES_PER_EPOCH = 4;
const BAR = 24;
/** Where the stream does not say how wide it is. */
const COLUMNS = 80;

const escapes = (code: number) => (text: string, colored: boolean) => (colored ? `\x1b[${code}m${text}\x1b[0m` : text);
const dim = escapes(2);
const bold = escapes(1);

/** 75 is 1:15, 3675 is 1:01:15. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => `${value}`.padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

const accuracy = (share: number): string => (Number.isFinite(share) ? percent(share) : 'NaN');

/** Most important first: what a narrow terminal has no room for is left out. */
const fieldsOf = ({ loss, top1, lambda, lr, images_per_second }: StepRecord, left: string): string[] => [
  `loss ${loss.toFixed(3)}`,
  `top-1 ${accuracy(top1)}`,
  `${left} left`,
  `${images_per_second.toFixed(0)} images/s`,
  `lambda ${lambda.toFixed(2)}`,
  `lr ${lr.toExponential(1)}`,
];

/** As many fields as there is room for, after the first. */
function fitted([first, ...fields]: readonly string[], columns: number): string {
  let line = first.slice(0, columns);
  for (const field of fields) {
    if (line.length + 2 + field.length > columns) break;
    line += `  ${field}`;
  }
  return line;
}

const scoresOf = (name: string, { loss, top1, top5 }: RecordedScores): string =>
  `${name} loss ${loss.toFixed(3)} top-1 ${accuracy(top1)} top-5 ${accuracy(top5)}`;

/** How long the rest takes, by the time of the steps seen: none for a run taken up again counts as made now. */
class Clock {
  #first: { readonly at: number; readonly step: number } | null = null;

  constructor(private readonly total: number) {}

  left(globalStep: number): string {
    const now = performance.now();
    this.#first ??= { at: now, step: globalStep };
    const made = globalStep - this.#first.step;
    if (made <= 0) return '?';
    return duration(((now - this.#first.at) / 1000 / made) * Math.max(0, this.total - globalStep));
  }
}

/**
 * A bar that renews itself on a terminal, some lines elsewhere; and a line for every
 * epoch. NO_COLOR is respected.
 */
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

  const drawn = (record: StepRecord): string => {
    const done = Math.round((BAR * record.step) / Math.max(1, record.steps));
    const head = `epoch ${record.epoch}/${epochs} `;
    // The last column stays free: a full line would wrap.
    const room = columns() - 1;
    const wide = room >= head.length + BAR + 30;
    const strip = wide ? `${'█'.repeat(done)}${'░'.repeat(BAR - done)} ` : '';
    const share = `${Math.floor((100 * record.step) / Math.max(1, record.steps))}%`.padStart(4);
    const fields = fitted(
      [share, ...fieldsOf(record, clock.left(record.global_step))],
      room - head.length - strip.length,
    );
    return wide ? `${head}${dim(strip, colored)}${fields}` : `${head}${fields}`.slice(0, Math.max(1, room));
  };

  const remove = (): void => {
    bar?.stop();
    bar = null;
  };

  const between = (line: string): void => {
    remove();
    write(line);
  };

  return {
    step(record) {
      if (!terminal) {
        const line = fitted(
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
          format: (_: unknown, __: unknown, { record: shown }: { record: StepRecord }) => drawn(shown),
          clearOnComplete: true,
          // Whoever trains decides what an interrupt does; and the line fits by itself.
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
    epoch({ epoch, train, validation, ema, seconds, images_per_second, idle, fused }) {
      const parts = [
        `${bold(`epoch ${epoch}/${epochs}`, colored)}  ${scoresOf('train', train)}`,
        ...(validation === undefined ? [] : [scoresOf(fused ? 'validation (fused)' : 'validation', validation)]),
        ...(ema === undefined ? [] : [scoresOf('averaged', ema)]),
        `${duration(seconds)}, ${brief(images_per_second)} images/s, idle ${percent(idle)}`,
      ];
      between(parts.join('  |  '));
    },
    note(text) {
      between(text);
    },
    stop: remove,
  };
}
