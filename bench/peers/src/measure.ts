/** Runs one inference job in a separate process. */
import { join } from 'node:path';
import { PYTHON } from './candidates.js';
import { exchange } from './exchange.js';
import type { Job, Message } from './job.js';
import { PACKAGE } from './paths.js';

export interface Measurement {
  /** Milliseconds from starting the process to its first logits, by the parent's clock. */
  readonly coldMs: number;
  readonly first: readonly number[];
  /** The logits of the last timed run, or the first logits if no run was timed. */
  readonly last: readonly number[];
  readonly ms: readonly number[];
  readonly rssKiB: number | null;
  readonly binaries: readonly string[];
  readonly version: string | null;
}

/** The compiled program, because a TypeScript loader would add to the cold start. */
const CHILD = join(PACKAGE, 'dist/child.js');
const PYTORCH = join(PACKAGE, 'src/runtimes/pytorch.py');

/** @throws RuntimeFailure */
export async function measure(job: Job): Promise<Measurement> {
  const [program, script] = job.runtime === 'pytorch' ? [PYTHON ?? 'python3', PYTORCH] : [process.execPath, CHILD];
  // 'first' is the first message, so `firstMs` is the time of its arrival.
  const { firstMs, messages, failure } = await exchange<Message>(program, script, job);
  let logits: Extract<Message, { event: 'logits' }> | undefined;
  let done: Extract<Message, { event: 'done' }> | undefined;
  let rssKiB: number | null = null;
  for (const message of messages) {
    if (message.event === 'logits') logits = message;
    else if (message.event === 'peak') rssKiB = message.rssKiB;
    else if (message.event === 'done') done = message;
  }
  if (logits === undefined || (job.runs > 0 && done === undefined)) throw failure();
  return {
    coldMs: firstMs,
    first: logits.values,
    last: done?.values ?? logits.values,
    ms: done?.ms ?? [],
    rssKiB,
    binaries: logits.binaries,
    version: logits.version ?? null,
  };
}
