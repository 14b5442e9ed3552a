/** Runs the commands of the examples' READMEs. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { COMMANDS } from '../runtimes/commands.js';

const run = promisify(execFile);

/** The environment of the commands, with deno and bun in PATH. */
export const ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: [dirname(COMMANDS.deno.file), dirname(COMMANDS.bun.file), process.env['PATH']].join(delimiter),
  NEXT_TELEMETRY_DISABLED: '1',
};

/** The commands in the first code block of a README. */
export async function commandsOf(folder: string): Promise<readonly string[]> {
  const block = /```sh\n([^`]+)```/.exec(await readFile(join(folder, 'README.md'), 'utf8'));
  if (block === null) throw new Error(`${folder}: expected commands in README.md`);
  return block[1].trim().split(/\n| && /);
}

/** Runs a command in a shell. @returns its stdout */
export async function runCommand(command: string, cwd: string): Promise<string> {
  return (await run('sh', ['-c', command], { cwd, env: ENVIRONMENT })).stdout;
}
