import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, errorLine } from './command.js';
import { LackError, SetupError } from './setupError.js';

/** The npm that runs this script, else the one on PATH. */
const NPM = process.env['npm_execpath']?.endsWith('.js') ? [process.execPath, process.env['npm_execpath']] : ['npm'];

/** npm's error codes if the registry is out of reach. */
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
    expected: 'to succeed',
    got: errorLine(output, 'first'),
    hint: 'Check with npm ping that the npm registry is in reach.',
  });
}

/** Installs the packages of a flavor's lockfile into a folder, without their install scripts. */
export async function installPackages(from: string, into: string): Promise<void> {
  for (const name of ['package.json', 'package-lock.json']) await copyFile(join(from, name), join(into, name));
  await npm(['ci', '--ignore-scripts'], into);
}
