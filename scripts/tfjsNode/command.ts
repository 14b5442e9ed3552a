import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Ended {
  /** Null where a signal ended it, or where it could not be started. */
  readonly status: number | null;
  readonly stdout: string;
  /** Of both streams, as it came. */
  readonly output: string;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** After how many milliseconds it is ended. */
  readonly timeout?: number;
}

/** Runs a program to its end, without a shell and without showing what it says. */
export async function command(program: string, parameters: readonly string[], how: Surroundings = {}): Promise<Ended> {
  const child = spawn(program, parameters, { ...how, stdio: ['ignore', 'pipe', 'pipe'] });
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

/** Of many lines the one that tells most: the first or last that speaks of an error, else the last. */
export function telling(output: string, which: 'first' | 'last' = 'last'): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /error/i.test(line));
  if (lines.length === 0) return 'no word';
  if (errors.length === 0) return lines[lines.length - 1].trim();
  return errors[which === 'first' ? 0 : errors.length - 1].trim();
}
