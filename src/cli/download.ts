import { Argument, Command, Option } from 'commander';
import { basename, join } from 'node:path';
import { download, DOWNLOADS } from '../data/sets/download.js';
import { print } from './print.js';
import { downloadDisplay, mb } from './downloadDisplay.js';

interface DownloadCommandOptions {
  readonly format: 'python' | 'binary';
  readonly output: string;
  readonly url?: string;
  readonly force?: true;
}

async function run(name: keyof typeof DOWNLOADS, options: DownloadCommandOptions): Promise<void> {
  const official = DOWNLOADS[name][options.format];
  // The official name, because `train` looks for it. A mirror's URL may have another.
  const file = basename(new URL(official.url).pathname);
  const path = join(options.output, file);
  const bar = downloadDisplay(file, print);
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
