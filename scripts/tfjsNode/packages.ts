import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, telling } from './command.js';
import { LackError, SetupError } from './setupError.js';

/** The npm that runs this, else the PATH's. */
const NPM = process.env['npm_execpath']?.endsWith('.js') ? [process.execPath, process.env['npm_execpath']] : ['npm'];

/** How npm calls a registry that it cannot ask. */
const OUT_OF_REACH =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b/;

export async function npm(parameters: readonly string[], cwd: string, timeout?: number): Promise<void> {
  const [program, ...first] = NPM;
  const all = [...first, ...parameters, '--no-audit', '--no-fund'];
  const { status, output } = await command(program, all, { cwd, ...(timeout !== undefined && { timeout }) });
  if (status === 0) return;
  const Kind = OUT_OF_REACH.test(output) ? LackError : SetupError;
  throw new Kind({
    op: `npm ${parameters.join(' ')}`,
    expected: 'to be done',
    got: telling(output, 'first'),
    remedy: 'The npm registry has to be in reach: see npm ping',
  });
}

/** Installs the packages of a flavor's lockfile into a folder; their install scripts do not run. */
export async function installPackages(from: string, into: string): Promise<void> {
  for (const name of ['package.json', 'package-lock.json']) await copyFile(join(from, name), join(into, name));
  await npm(['ci', '--ignore-scripts'], into);
}
