/** The progress of a download. */
import { SingleBar } from 'cli-progress';
import { barLine, lineColumns } from './barLine.js';
import { duration } from './progressBar.js';

/** Bytes that have arrived, and all of them; null if the server does not say. */
interface Received {
  readonly bytes: number;
  readonly total: number | null;
}

/** A number of bytes in megabytes. */
export const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);

export interface DownloadDisplay {
  show(bytes: number, total: number | null): void;
  /** Removes the bar. */
  end(): void;
}

/** Shows a bar on a terminal; elsewhere a line for every tenth. */
export function downloadDisplay(file: string, line: (text: string) => void): DownloadDisplay {
  if (process.stderr.isTTY) {
    const lineOf = (_: unknown, { eta }: { eta: number }, { bytes, total }: Received): string =>
      barLine(
        file,
        total === null ? null : bytes / total,
        [`${mb(bytes)}/${total === null ? '?' : mb(total)} MB`, ...(total === null ? [] : [`${duration(eta)} left`])],
        lineColumns(process.stderr),
      );
    const options = { format: lineOf, gracefulExit: false, hideCursor: false, linewrap: true, stream: process.stderr };
    // The part is kept in any case, so that Ctrl-C may have its default effect.
    const bar = new SingleBar(options);
    let started = false;
    return {
      show(bytes, total) {
        const values: Received = { bytes, total };
        if (started) bar.update(bytes, values);
        else bar.start(total ?? 0, bytes, values);
        started = true;
      },
      end() {
        if (started) bar.stop();
      },
    };
  }
  let tenth = -1;
  return {
    show(bytes, total) {
      const reached = total === null ? Math.floor(bytes / 20e6) : Math.floor((10 * bytes) / total);
      if (reached > tenth) line(`${file}  ${mb(bytes)} of ${total === null ? '?' : mb(total)} MB`);
      tenth = reached;
    },
    end: () => undefined,
  };
}
