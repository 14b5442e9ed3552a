import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command, errorLine, type CommandResult } from './command.js';
import { LackError, SetupError } from './setupError.js';

/** A Python for which there are wheels, if this one is too old or too new. Only the libraries in them are used. */
const ANOTHER_PYTHON = '--python-version=3.12';

const OPTIONS = ['--no-deps', '--only-binary=:all:', '--retries=2', '--no-cache-dir', '--disable-pip-version-check'];

const NO_WHEEL = 'No matching distribution';
const OUT_OF_REACH = /NewConnectionError|ConnectTimeoutError|ProxyError|SSLError/;

/** Downloads the wheels for this machine into a folder. @returns their paths @throws SetupError */
export async function downloadWheels(python: string, names: readonly string[], folder: string): Promise<string[]> {
  const download = (...options: readonly string[]): Promise<CommandResult> =>
    command(python, ['-m', 'pip', 'download', ...OPTIONS, ...options, '-d', folder, ...names]);
  let { status, output } = await download();
  if (status !== 0 && output.includes(NO_WHEEL)) ({ status, output } = await download(ANOTHER_PYTHON));
  if (status === 0)
    return (await readdir(folder)).filter((name) => name.endsWith('.whl')).map((name) => join(folder, name));
  // A missing wheel is something that the machine lacks.
  const Kind = OUT_OF_REACH.test(output) || output.includes(NO_WHEEL) ? LackError : SetupError;
  throw new Kind({
    op: 'pip download',
    expected: `${names.join(', ')} for ${process.platform} ${process.arch} from the package index`,
    got: `${errorLine(output)}${OUT_OF_REACH.test(output) ? ' (an index is out of reach)' : ''}`,
    hint: 'Pass a wheel, or a folder with include/ and lib/, by --libtensorflow.',
  });
}
