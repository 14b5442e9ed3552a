/** What the examples' READMEs tell to type, typed. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { COMMANDS } from '../runtimes/commands.js';

const run = promisify(execFile);

/** Where deno and bun are commands. */
export const ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: [dirname(COMMANDS.deno.file), dirname(COMMANDS.bun.file), process.env['PATH']].join(delimiter),
  NEXT_TELEMETRY_DISABLED: '1',
};

/** The commands of the first block of a README, one by one. */
export async function commandsOf(folder: string): Promise<readonly string[]> {
  const found = /```sh\n([^`]+)```/.exec(await readFile(join(folder, 'README.md'), 'utf8'));
  if (found === null) throw new Error(`${folder}: expected commands in README.md`);
  return found[1].trim().split(/\n| && /);
}

/** What a command writes. */
export async function typed(command: string, cwd: string): Promise<string> {
  return (await run('sh', ['-c', command], { cwd, env: ENVIRONMENT })).stdout;
}
