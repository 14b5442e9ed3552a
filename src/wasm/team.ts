/** The threads that help: see assembly/shared/team.ts for what they say to each other. */
import { platform } from '#runtime';
import { BackendUnavailableError, ParamError } from '../core/errors.js';
import { messageOf } from '../core/messageOf.js';
import {
  compile,
  instantiate,
  sharedMemory,
  type CompiledModule,
  type ModuleKind,
  type ProgramExports,
  type WasmMemory,
} from './module.js';

/** A count of threads, or as many as run at once here. */
export type Threads = number | 'auto';

/** More than this is a mistake, not a machine. */
export const MAX_THREADS = 256;

/** Returns when `stop` was called. Its `exports` are called otherwise: bundled, the text passes for CommonJS. */
const SERVE = `const { module, memory, program, scratch, self } = data;
return WebAssembly.instantiate(module, { env: { memory } }).then(({ exports: team }) => {
  begun();
  team.serve(program, scratch, self);
});`;

/** Why there are no threads here, or null. */
function obstacle(): string | null {
  if (typeof SharedArrayBuffer === 'undefined') {
    return 'a runtime without SharedArrayBuffer; in browsers the page must be cross-origin isolated';
  }
  return platform.hasWorkers() ? null : 'a runtime without workers';
}

/**
 * How many threads a choice means.
 *
 * @throws ParamError for what is no count, BackendUnavailableError for more than one where there is but one.
 */
export function threadCount(threads: Threads): number {
  const reason = obstacle();
  if (threads === 'auto') return reason === null ? Math.min(MAX_THREADS, platform.parallelism()) : 1;
  if (!Number.isSafeInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new ParamError({
      op: 'threads',
      expected: `an integer from 1 to ${MAX_THREADS}, or 'auto'`,
      got: String(threads),
    });
  }
  if (threads > 1 && reason !== null) {
    throw new BackendUnavailableError({
      op: 'threads',
      expected: 'a runtime with shared memory',
      got: reason,
    });
  }
  return threads;
}

/** What a team runs, and with what. */
export interface TeamWork {
  /** Bytes of linear memory. */
  readonly memory: number;
  readonly program: number;
  /** Of every thread, the caller's first. */
  readonly scratch: readonly number[];
}

/** A module with threads, and those who run it. */
export interface Team {
  readonly kernels: ProgramExports;
  /**
   * Settled when every thread has begun, which takes as long as weights do to come.
   *
   * @throws BackendUnavailableError where one has not, and a count was asked for
   */
  readonly ready: Promise<void>;
  /** Threads at work, the caller's among them: whoever is lost is missed by nobody, as the others take all panels. */
  readonly size: () => number;
  readonly stop: () => void;
}

/**
 * @param asked with `auto` there may be fewer threads than scratch blocks
 * @throws BackendUnavailableError where there is no such memory, or no thread; those that did start are sent home
 */
export async function openTeam(
  kind: ModuleKind<ProgramExports>,
  asked: Threads,
  bytes: Uint8Array,
  work: TeamWork,
): Promise<Team> {
  const module = await compile(bytes);
  const memory = sharedMemory(work.memory);
  const kernels = await instantiate(kind, module, memory);
  const stop = (): void => {
    kernels.stop(work.program);
  };
  try {
    const { begun, size, failure } = startTeam(module, memory, work);
    const ready = Promise.all(begun).then(() => {
      if (asked !== 'auto' && failure() !== null) throw noWorker(failure());
    });
    // Whoever stops the team before does not look at this.
    ready.catch(() => undefined);
    return { kernels, ready, size, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** What a team opens, or one thread where there is no team and nobody asked for more than there can be. */
export async function orSingleThread<T>(threads: Threads, team: () => Promise<T>, alone: () => Promise<T>): Promise<T> {
  try {
    return await team();
  } catch (error) {
    if (threads === 'auto' && error instanceof BackendUnavailableError) return alone();
    throw error;
  }
}

const noWorker = (cause: unknown): BackendUnavailableError => {
  const got = messageOf(cause);
  return new BackendUnavailableError({ op: 'threads', expected: 'a runtime that starts workers', got }, { cause });
};

interface Started {
  readonly begun: readonly Promise<void>[];
  readonly size: () => number;
  /** Why a thread ended, or null. */
  readonly failure: () => string | null;
}

/** Starts a thread for every scratch block but the first, which is the caller's. */
function startTeam(module: CompiledModule, memory: WasmMemory, { program, scratch }: TeamWork): Started {
  let size = scratch.length;
  let failure: string | null = null;
  const ended = (reason: string | null): void => {
    size--;
    failure ??= reason ?? 'one that ended at once';
  };
  const begun: Promise<void>[] = [];
  for (let self = 1; self < scratch.length; self++) {
    try {
      begun.push(platform.startWorker(SERVE, { module, memory, program, scratch: scratch[self], self }, ended));
    } catch (cause) {
      throw noWorker(cause);
    }
  }
  return { begun, size: () => size, failure: () => failure };
}

/** Whether this thread may sleep: a browser's window may not. */
export function canBlock(): boolean {
  try {
    // Nothing is waited for: the value is another.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}
