import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command, telling } from './command.js';
import { SetupError } from './setupError.js';

/** Wheels that pip picks for this machine. The Python is any that the wheels know: only their libraries are used. */
export async function downloadWheels(python: string, wanted: readonly string[], folder: string): Promise<string[]> {
  const options = ['--no-deps', '--only-binary=:all:', '--python-version=3.12', '--disable-pip-version-check'];
  const parameters = ['-m', 'pip', 'download', '--retries=2', '--no-cache-dir', ...options, '-d', folder, ...wanted];
  const { status, output } = await command(python, parameters);
  if (status !== 0) {
    const unreachable = /NewConnectionError|ConnectTimeoutError|ProxyError|SSLError/.test(output);
    throw new SetupError({
      op: 'pip download',
      expected: `${wanted.join(', ')} for ${process.platform} ${process.arch} from the package index`,
      got: `${telling(output)}${unreachable ? ' (an index is out of reach)' : ''}`,
      remedy: 'Pass --libtensorflow a wheel from elsewhere, or a folder with include/ and lib/',
    });
  }
  return (await readdir(folder)).filter((name) => name.endsWith('.whl')).map((name) => join(folder, name));
}
