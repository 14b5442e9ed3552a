import { Presets, SingleBar } from 'cli-progress';
import type { WriteStream } from 'node:tty';
import { barLine, lineColumns } from './barLine.js';
import { duration } from './progressBar.js';

export interface CountOptions {
  /** What is counted: the beginning of the line. */
  readonly what: string;
  /** Called with a line of text if the stream is not a terminal. */
  readonly line: (text: string) => void;
  /** Whether only the share that is done is shown, as for counts that say nothing. Default false. */
  readonly isShare?: boolean;
  /** By default stderr, so that stdout has only the results. */
  readonly stream?: NodeJS.WritableStream;
}

/** Shows the progress of something that is counted. */
export interface Count {
  show(done: number, total: number): void;
  /** Removes the bar. A bar that is not removed keeps the process alive. */
  end(): void;
}

/** Lines printed if the stream is not a terminal, and the least count that gets any. */
const LINES = 4;
const LEAST = 100;

/** Shows a bar on a terminal and removes it at the end; elsewhere prints a few lines. */
export function countDisplay({ what, line, isShare = false, stream = process.stderr }: CountOptions): Count {
  if ((stream as Partial<WriteStream>).isTTY !== true) {
    return {
      show(done, total) {
        const every = Math.max(LEAST, Math.ceil(total / LINES));
        if (done % every === 0 || (done === total && total >= LEAST)) line(`${what}: ${done} of ${total}`);
      },
      end: () => undefined,
    };
  }
  let bar: SingleBar | null = null;
  const lineOf = (
    _: unknown,
    { progress, value, total, eta }: { progress: number; value: number; total: number; eta: number },
  ): string =>
    barLine(what, progress, [...(isShare ? [] : [`${value}/${total}`]), `${duration(eta)} left`], lineColumns(stream));
  return {
    show(done, total) {
      if (bar === null) {
        // gracefulExit would install signal handlers: the command has its own.
        const options = { stream, format: lineOf, clearOnComplete: true, gracefulExit: false, linewrap: true };
        bar = new SingleBar(options, Presets.shades_classic);
        bar.start(total, done);
      } else {
        bar.update(done);
      }
    },
    end() {
      bar?.stop();
      bar = null;
    },
  };
}
