import { SingleBar } from 'cli-progress';
import { Argument, Command, Option } from 'commander';
import { basename, join } from 'node:path';
import { download, DOWNLOADS } from '../data/sets/download.js';
import { print } from './print.js';
import { barLine, lineColumns } from './barLine.js';
import { duration } from './progressBar.js';

interface DownloadCommandOptions {
  readonly format: 'python' | 'binary';
  readonly output: string;
  readonly url?: string;
  readonly force?: true;
}

/** Bytes that have arrived, and all of them; null if the server does not say. */
interface Received {
  readonly bytes: number;
  readonly total: number | null;
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** Shows a bar on a terminal; elsewhere prints a line for every tenth. */
function display(file: string): { show(bytes: number, total: number | null): void; end(): void } {
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
      if (reached > tenth) print(`${file}  ${mb(bytes)} of ${total === null ? '?' : mb(total)} MB`);
      tenth = reached;
    },
    end: () => undefined,
  };
}

async function run(name: keyof typeof DOWNLOADS, options: DownloadCommandOptions): Promise<void> {
  const official = DOWNLOADS[name][options.format];
  // The official name, because `train` looks for it. A mirror's URL may have another.
  const file = basename(new URL(official.url).pathname);
  const path = join(options.output, file);
  const bar = display(file);
  const force = options.force === true;
  try {
    const remote = { ...official, url: options.url ?? official.url };
    const { bytes, existed, resumedFrom } = await download(remote, path, {
      force,
      onProgress: ({ loaded, total }) => {
        bar.show(loaded, total);
      },
    });
    bar.end();
    const how = existed ? 'already present' : resumedFrom > 0 ? `resumed after ${mb(resumedFrom)} MB` : 'downloaded';
    print(`${path}  ${mb(bytes)} MB, ${how}, MD5 verified`);
  } finally {
    bar.end();
  }
}

export const downloadCommand = (): Command =>
  new Command('download')
    .description('Download a data set. An interrupted download is resumed.')
    .addArgument(new Argument('<name>', 'data set').choices(Object.keys(DOWNLOADS)))
    .addOption(
      new Option('-f, --format <format>', 'version of the archive').choices(['python', 'binary']).default('python'),
    )
    .option('-o, --output <folder>', 'folder; train looks in data/', 'data')
    .option('--url <url>', 'download the same file from a mirror')
    .option('--force', 'download it even if it is present')
    .action(run);
