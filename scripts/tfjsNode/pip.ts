import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command, telling, type Ended } from './command.js';
import { SetupError } from './setupError.js';

/** A Python that wheels are made for, where this one is too old or too new: only their libraries are used. */
const ANOTHER_PYTHON = '--python-version=3.12';

const OPTIONS = ['--no-deps', '--only-binary=:all:', '--retries=2', '--no-cache-dir', '--disable-pip-version-check'];

const OUT_OF_REACH = /NewConnectionError|ConnectTimeoutError|ProxyError|SSLError/;

/** Downloads wheels that pip picks for this machine into a folder: their paths. */
export async function downloadWheels(python: string, wanted: readonly string[], folder: string): Promise<string[]> {
  const download = (...more: readonly string[]): Promise<Ended> =>
    command(python, ['-m', 'pip', 'download', ...OPTIONS, ...more, '-d', folder, ...wanted]);
  let { status, output } = await download();
  if (status !== 0 && output.includes('No matching distribution'))
    ({ status, output } = await download(ANOTHER_PYTHON));
  if (status === 0)
    return (await readdir(folder)).filter((name) => name.endsWith('.whl')).map((name) => join(folder, name));
  throw new SetupError({
    op: 'pip download',
    expected: `${wanted.join(', ')} for ${process.platform} ${process.arch} from the package index`,
    got: `${telling(output)}${OUT_OF_REACH.test(output) ? ' (an index is out of reach)' : ''}`,
    remedy: 'Pass --libtensorflow a wheel from elsewhere, or a folder with include/ and lib/',
  });
}
