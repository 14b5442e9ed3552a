import { Presets, SingleBar } from 'cli-progress';
import type { WriteStream } from 'node:tty';

export interface CountOptions {
  /** What is done to how many of what, as a beginning of a line. */
  readonly what: string;
  /** Takes a line where no terminal shows a bar. */
  readonly line: (text: string) => void;
  /** Standard error where it is not given, which is not what a command answers on. */
  readonly stream?: NodeJS.WritableStream;
}

/** Shows how far something is that is counted. */
export interface Count {
  show(done: number, total: number): void;
  /** A bar keeps the process alive. */
  end(): void;
}

/** Where nobody looks at a terminal; and none for what is soon done. */
const LINES = 4;
const FEWEST = 100;

/** A bar on a terminal, which is gone when it is done; elsewhere some lines. */
export function countDisplay({ what, line, stream = process.stderr }: CountOptions): Count {
  if ((stream as Partial<WriteStream>).isTTY !== true) {
    return {
      show(done, total) {
        const every = Math.max(FEWEST, Math.ceil(total / LINES));
        if (done % every === 0 || (done === total && total >= FEWEST)) line(`${what}: ${done} of ${total}`);
      },
      end: () => undefined,
    };
  }
  let bar: SingleBar | null = null;
  return {
    show(done, total) {
      if (bar === null) {
        const format = `${what} {bar} {value}/{total}  {eta_formatted} left`;
        // Whoever shows it decides what an interrupt does.
        const options = { stream, format, barsize: 24, clearOnComplete: true, gracefulExit: false, linewrap: true };
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
