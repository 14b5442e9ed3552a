/** Runs one job in a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { PYTHON } from './candidates.js';
import type { Job, Message } from './job.js';
import { PACKAGE, ROOT } from './paths.js';

export interface Measurement {
  /** From the process's start to its first logits, in the parent's clock. */
  readonly coldMs: number;
  readonly first: readonly number[];
  /** The last timed run's logits; the first ones where nothing was timed. */
  readonly last: readonly number[];
  readonly ms: readonly number[];
  readonly rssKiB: number | null;
  readonly binaries: readonly string[];
  readonly version: string | null;
}

/** A runtime that did not do its job; the message is fit to be printed. */
export class RuntimeFailure extends Error {
  override readonly name = 'RuntimeFailure';
}

const LIMIT_MS = 15 * 60_000;
const NOISE_KEPT = 2000;

/** The compiled child: a TypeScript loader would count in the cold start. */
const CHILD = join(PACKAGE, 'dist/child.js');
const PYTORCH = join(PACKAGE, 'src/runtimes/pytorch.py');

/** One line, and nothing of this machine's folders. */
function printable(reason: string): string {
  const portable = reason.replaceAll(ROOT, '').replaceAll(PYTHON ?? ROOT, 'VANILLANET_PYTHON');
  return portable.trim().split('\n')[0].slice(0, 160);
}

/** @throws RuntimeFailure */
export async function measure(job: Job): Promise<Measurement> {
  const [program, script] = job.runtime === 'pytorch' ? [PYTHON ?? 'python3', PYTORCH] : [process.execPath, CHILD];
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

  let coldMs = NaN;
  let text = '';
  const messages = child.stdio[3];
  if (!(messages instanceof Readable)) throw new Error('there is no pipe for messages');
  messages.setEncoding('utf8').on('data', (part: string) => {
    // 'first' is a message of its own, and the first one: its arrival is the moment.
    if (Number.isNaN(coldMs)) coldMs = performance.now() - begin;
    text += part;
  });
  let noise = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    noise = (noise + part).slice(-NOISE_KEPT);
  });
  const end = await closed;
  clearTimeout(limit);

  let logits: Extract<Message, { event: 'logits' }> | undefined;
  let done: Extract<Message, { event: 'done' }> | undefined;
  let rssKiB: number | null = null;
  for (const line of text.split('\n').filter((l) => l !== '')) {
    const message = JSON.parse(line) as Message;
    if (message.event === 'failed') throw new RuntimeFailure(printable(message.reason));
    if (message.event === 'logits') logits = message;
    else if (message.event === 'peak') rssKiB = message.rssKiB;
    else if (message.event === 'done') done = message;
  }
  if (logits === undefined || (job.runs > 0 && done === undefined)) {
    const lastLine = noise.trim().split('\n').at(-1) ?? '';
    throw new RuntimeFailure(printable(lastLine === '' ? end : `${end}: ${lastLine}`));
  }
  return {
    coldMs,
    first: logits.values,
    last: done?.values ?? logits.values,
    ms: done?.ms ?? [],
    rssKiB,
    binaries: logits.binaries,
    version: logits.version ?? null,
  };
}
