import { Presets, SingleBar } from 'cli-progress';
import type { WriteStream } from 'node:tty';
import { textColumns } from './wrap.js';

export interface CountOptions {
  /** What is counted: the beginning of the line. */
  readonly what: string;
  /** Called with a line of text if the stream is not a terminal. */
  readonly line: (text: string) => void;
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
/** Columns of the counts and the time beside the bar. */
const OTHER_COLUMNS = 34;

/** Shows a bar on a terminal and removes it at the end; elsewhere prints a few lines. */
export function countDisplay({ what, line, stream = process.stderr }: CountOptions): Count {
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
  return {
    show(done, total) {
      if (bar === null) {
        const format = `${what} {bar} {value}/{total}  {eta_formatted} left`;
        // gracefulExit would install signal handlers: the command has its own.
        const barsize = Math.min(24, Math.max(4, textColumns(stream) - what.length - OTHER_COLUMNS));
        const options = { stream, format, barsize, clearOnComplete: true, gracefulExit: false, linewrap: true };
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
