/** Runs one job in a separate process, which answers with lines of JSON on file descriptor 3. */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { PYTHON } from './candidates.js';
import { ROOT } from './paths.js';

/** A runtime failed its job. The message can be printed. */
export class RuntimeFailure extends Error {
  override readonly name = 'RuntimeFailure';
}

export interface Answer<M> {
  /** Milliseconds from starting the process to its first message, by the parent's clock. */
  readonly firstMs: number;
  readonly messages: readonly M[];
  /** The error to throw if a message is missing: how the process ended, and the last line of its stderr. */
  readonly failure: () => RuntimeFailure;
}

const LIMIT_MS = 15 * 60_000;
const MAX_STDERR_CHARACTERS = 2000;

/** The first line of a message, without paths of this machine. */
function printable(reason: string): string {
  const portable = reason.replaceAll(ROOT, '').replaceAll(PYTHON ?? ROOT, 'VANILLANET_PYTHON');
  return portable.trim().split('\n')[0].slice(0, 160);
}

/**
 * @param job passed as JSON in the first argument
 * @throws RuntimeFailure if the process reports that it failed
 */
export async function exchange<M extends { readonly event: string }>(
  program: string,
  script: string,
  job: unknown,
): Promise<Answer<M>> {
  const begin = performance.now();
  const child = spawn(program, [script, JSON.stringify(job)], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  const closed = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      resolve(signal === null ? `ended with status ${String(code)}` : `ended by ${signal}`);
    });
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);

  let firstMs = NaN;
  let text = '';
  const lines = child.stdio[3];
  if (!(lines instanceof Readable)) throw new Error('no pipe for messages');
  lines.setEncoding('utf8').on('data', (part: string) => {
    if (Number.isNaN(firstMs)) firstMs = performance.now() - begin;
    text += part;
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    stderr = (stderr + part).slice(-MAX_STDERR_CHARACTERS);
  });
  const end = await closed;
  clearTimeout(limit);

  const messages = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as M | { readonly event: 'failed'; readonly reason: string });
  const answers: M[] = [];
  for (const message of messages) {
    if (message.event === 'failed') throw new RuntimeFailure(printable((message as { reason: string }).reason));
    answers.push(message as M);
  }
  const lastLine = stderr.trim().split('\n').at(-1) ?? '';
  return {
    firstMs,
    messages: answers,
    failure: () => new RuntimeFailure(printable(lastLine === '' ? end : `${end}: ${lastLine}`)),
  };
}
