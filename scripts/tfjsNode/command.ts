import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface CommandResult {
  /** Null if a signal ended the program, or if it could not be started. */
  readonly status: number | null;
  readonly stdout: string;
  /** stdout and stderr together, in the order of arrival. */
  readonly output: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The program is killed after so many milliseconds. */
  readonly timeout?: number;
}

/** Runs a program to its end, without a shell. Its output is collected and not shown. */
export async function command(
  program: string,
  parameters: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(program, parameters, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, stdout, output };
  } catch (error) {
    return { status: null, stdout, output: String(error) };
  }
}

/** The line of an output that describes the error: the first or last line with the word "error", else the last line. */
export function errorLine(output: string, which: 'first' | 'last' = 'last'): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /error/i.test(line));
  if (lines.length === 0) return 'no output';
  if (errors.length === 0) return lines[lines.length - 1].trim();
  return errors[which === 'first' ? 0 : errors.length - 1].trim();
}
