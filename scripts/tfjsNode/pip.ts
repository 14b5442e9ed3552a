import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command, telling, type Ended } from './command.js';
import { LackError, SetupError } from './setupError.js';

/** A Python that wheels are made for, where this one is too old or too new: only their libraries are used. */
const ANOTHER_PYTHON = '--python-version=3.12';

const OPTIONS = ['--no-deps', '--only-binary=:all:', '--retries=2', '--no-cache-dir', '--disable-pip-version-check'];

const NO_WHEEL = 'No matching distribution';
const OUT_OF_REACH = /NewConnectionError|ConnectTimeoutError|ProxyError|SSLError/;

/** Downloads wheels that pip picks for this machine into a folder: their paths. */
export async function downloadWheels(python: string, wanted: readonly string[], folder: string): Promise<string[]> {
  const download = (...more: readonly string[]): Promise<Ended> =>
    command(python, ['-m', 'pip', 'download', ...OPTIONS, ...more, '-d', folder, ...wanted]);
  let { status, output } = await download();
  if (status !== 0 && output.includes(NO_WHEEL)) ({ status, output } = await download(ANOTHER_PYTHON));
  if (status === 0)
    return (await readdir(folder)).filter((name) => name.endsWith('.whl')).map((name) => join(folder, name));
  // A wheel that is not made for this machine is one that it lacks.
  const Kind = OUT_OF_REACH.test(output) || output.includes(NO_WHEEL) ? LackError : SetupError;
  throw new Kind({
    op: 'pip download',
    expected: `${wanted.join(', ')} for ${process.platform} ${process.arch} from the package index`,
    got: `${telling(output)}${OUT_OF_REACH.test(output) ? ' (an index is out of reach)' : ''}`,
    remedy: 'Pass --libtensorflow a wheel from elsewhere, or a folder with include/ and lib/',
  });
}
