import { Presets, SingleBar } from 'cli-progress';
import type { EpochRecord, Scores, StepRecord } from '../report/record.js';
import { percent } from './print.js';

export interface TrainingDisplay {
  step(record: StepRecord): void;
  epoch(record: EpochRecord): void;
  /** A line of its own. */
  note(text: string): void;
  stop(): void;
}

interface DisplayOptions {
  readonly epochs: number;
  /** Of an epoch. */
  readonly steps: number;
  /** Standard output where it is not given. */
  readonly stream?: NodeJS.WriteStream;
}

/** Plain lines where nobody looks at a terminal: four an epoch. */
const LINES_PER_EPOCH = 4;

/** `1:02:03`, `4:05` */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => `${n}`.padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const told = ({ loss, top1, lambda, lr, images_per_second }: StepRecord): string =>
  `loss ${loss.toFixed(3)}  top-1 ${percent(top1)}  lambda ${lambda.toFixed(2)}  lr ${lr.toExponential(1)}  ${images_per_second.toFixed(0)} images/s`;

const scored = (name: string, { loss, top1, top5 }: Scores): string =>
  `${name} loss ${loss.toFixed(3)} top-1 ${percent(top1)} top-5 ${percent(top5)}`;

function summary(record: EpochRecord, epochs: number): string {
  const { epoch, train, validation, ema, lambda, lr, seconds, images_per_second, idle, fused } = record;
  const parts = [
    `epoch ${`${epoch}`.padStart(`${epochs}`.length)}/${epochs}`,
    scored('train', train),
    ...(validation === undefined ? [] : [scored('held out', validation)]),
    ...(ema === undefined ? [] : [scored('averaged', ema)]),
    `lambda ${lambda.toFixed(2)}${fused ? ' (fused)' : ''}`,
    `lr ${lr.toExponential(1)}`,
    `${duration(seconds)}, ${images_per_second.toFixed(0)} images/s, idle ${percent(idle)}`,
  ];
  return parts.join('  ');
}

/** Seconds to the end of the run, if it goes on as since it began to be shown. */
function timeLeft(epochs: number): (record: StepRecord) => number {
  const started = performance.now();
  let first: number | null = null;
  return ({ global_step, steps }) => {
    first ??= global_step - 1;
    const perStep = (performance.now() - started) / 1000 / (global_step - first);
    return perStep * (epochs * steps - global_step);
  };
}

function plainLines({ epochs }: DisplayOptions, print: (line: string) => void): TrainingDisplay {
  const left = timeLeft(epochs);
  return {
    step(record) {
      const { epoch, step, steps } = record;
      const seconds = left(record);
      if (step !== steps && step % Math.ceil(steps / LINES_PER_EPOCH) !== 0) return;
      const at = `epoch ${epoch}/${epochs}  step ${`${step}`.padStart(`${steps}`.length)}/${steps}`;
      print(`${at}  ${told(record)}  ${duration(seconds)} left`);
    },
    epoch(record) {
      print(summary(record, epochs));
    },
    note: print,
    stop: () => undefined,
  };
}

function bars({ epochs, steps, stream }: DisplayOptions & { stream: NodeJS.WriteStream }): TrainingDisplay {
  const left = timeLeft(epochs);
  const bar = new SingleBar(
    {
      format: 'epoch {at}/{epochs} {bar} {value}/{total}  {told}  {left} left',
      stream,
      hideCursor: true,
      clearOnComplete: true,
      barsize: 20,
      fps: 5,
      linewrap: false,
    },
    Presets.shades_classic,
  );
  let shown = false;
  const clear = (): void => {
    if (shown) bar.stop();
    shown = false;
  };
  return {
    step(record) {
      const payload = { at: record.epoch, epochs, told: told(record), left: duration(left(record)) };
      if (!shown) bar.start(steps, record.step, payload);
      else bar.update(record.step, payload);
      shown = true;
    },
    epoch(record) {
      clear();
      stream.write(`${summary(record, epochs)}\n`);
    },
    note(text) {
      clear();
      stream.write(`${text}\n`);
    },
    stop: clear,
  };
}

/** Shows a training: a bar for each epoch on a terminal, some lines elsewhere, and a line for each epoch in both. */
export function trainingDisplay(options: DisplayOptions): TrainingDisplay {
  const { stream = process.stdout } = options;
  if (stream.isTTY) return bars({ ...options, stream });
  return plainLines(options, (line) => stream.write(`${line}\n`));
}
