import { SingleBar } from 'cli-progress';
import { Argument, Command, Option } from 'commander';
import { basename, join } from 'node:path';
import { download, DOWNLOADS } from '../data/sets/download.js';
import { print } from './print.js';

interface DownloadCommandOptions {
  readonly format: 'python' | 'binary';
  readonly output: string;
  readonly url?: string;
  readonly force?: true;
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** A bar on a terminal; elsewhere a line for every tenth. */
function display(file: string): { show(bytes: number, total: number | null): void; end(): void } {
  if (process.stderr.isTTY) {
    const format = `${file} {bar} {percentage}% | {mb}/{all} MB | {eta_formatted}`;
    // The part is kept whatever happens: Ctrl-C may do what it always does.
    const bar = new SingleBar({ format, gracefulExit: false, hideCursor: false, stream: process.stderr });
    let started = false;
    return {
      show(bytes, total) {
        const said = { mb: mb(bytes), all: total === null ? '?' : mb(total) };
        if (started) bar.update(bytes, said);
        else bar.start(total ?? 0, bytes, said);
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
      const now = total === null ? Math.floor(bytes / 20e6) : Math.floor((10 * bytes) / total);
      if (now > tenth) print(`${file}  ${mb(bytes)} of ${total === null ? '?' : mb(total)} MB`);
      tenth = now;
    },
    end: () => undefined,
  };
}

async function run(name: keyof typeof DOWNLOADS, options: DownloadCommandOptions): Promise<void> {
  const official = DOWNLOADS[name][options.format];
  // A mirror may call it something else; it is looked for under its own name.
  const file = basename(new URL(official.url).pathname);
  const path = join(options.output, file);
  const bar = display(file);
  const force = options.force === true;
  try {
    const remote = { ...official, url: options.url ?? official.url };
    const { bytes, existed, resumedFrom } = await download(remote, path, {
      force,
      onProgress: (done, total) => {
        bar.show(done, total);
      },
    });
    bar.end();
    const how = existed ? 'was there already' : resumedFrom > 0 ? `went on after ${mb(resumedFrom)} MB` : 'fetched';
    print(`${path}  ${mb(bytes)} MB, ${how}, md5 as it should be`);
  } finally {
    bar.end();
  }
}

export const downloadCommand = (): Command =>
  new Command('download')
    .description('Fetch a data set; one that was cut off goes on where it stopped.')
    .addArgument(new Argument('<name>', 'which').choices(Object.keys(DOWNLOADS)))
    .addOption(new Option('-f, --format <format>', 'layout').choices(['python', 'binary']).default('python'))
    .option('-o, --output <folder>', 'where to put it; train looks in data/', 'data')
    .option('--url <url>', 'fetch the same file from elsewhere')
    .option('--force', 'fetch it anew, whatever is there')
    .action(run);
