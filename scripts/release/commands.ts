import { spawnSync } from 'node:child_process';
import { ScriptError } from '../scriptError.js';

/** A program and its arguments. */
export type CommandLine = readonly [program: string, ...parameters: string[]];

/** npm by its script: on Windows `npm` itself is a .cmd file, which only a shell can start. */
const NPM_SCRIPT = process.env['npm_execpath'];

const resolveNpm = ([program, ...parameters]: CommandLine): CommandLine =>
  program === 'npm' && NPM_SCRIPT?.endsWith('.js') === true
    ? [process.execPath, NPM_SCRIPT, ...parameters]
    : [program, ...parameters];

/** A command as it would be typed. */
export const commandText = (line: CommandLine): string =>
  line.map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : JSON.stringify(part))).join(' ');

/** Runs a command to its end. @returns its standard output, or '' if `show` lets the user see it @throws ScriptError */
export function run(line: CommandLine, { show = false, input = '' } = {}): string {
  const [program, ...parameters] = resolveNpm(line);
  const output = show ? 'inherit' : 'pipe';
  const result = spawnSync(program, parameters, { encoding: 'utf8', input, stdio: ['pipe', output, output] });
  // Both are null if the output is inherited, which the types leave out.
  const { stdout, stderr } = result as { readonly stdout: string | null; readonly stderr: string | null };
  if (result.error === undefined && result.status === 0) return stdout ?? '';
  const got = result.error?.message ?? `exit status ${result.status}`;
  throw new ScriptError({ op: commandText(line), expected: 'to succeed', got: stderr?.trim() || got });
}
