/** Threads that run a program together: see assembly/shared/team.ts for how they synchronize. */
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

/** A number of threads, or `auto`: as many as the machine runs at the same time. */
export type Threads = number | 'auto';

/** An upper bound against mistakes; no machine has this many cores. */
export const MAX_THREADS = 256;

/**
 * The program of a worker, which ends when `stop` is called. It renames `exports`, because bundlers would take the text for
 * CommonJS.
 */
const SERVE = `const { module, memory, program, scratch, self } = data;
return WebAssembly.instantiate(module, { env: { memory } }).then(({ exports: team }) => {
  begun();
  team.serve(program, scratch, self);
});`;

/** Why this runtime has no threads; null if it has. */
function missingFeature(): { got: string; hint?: string } | null {
  if (typeof SharedArrayBuffer === 'undefined') {
    return {
      got: 'a runtime without SharedArrayBuffer',
      hint: 'In browsers, serve the page with COOP and COEP headers, so that it is cross-origin isolated.',
    };
  }
  return platform.hasWorkers() ? null : { got: 'a runtime without workers' };
}

/**
 * Resolves a choice of threads to a number.
 *
 * @throws ParamError for an invalid number
 * @throws BackendUnavailableError for more than one thread in a runtime without threads
 */
export function threadCount(threads: Threads): number {
  const missing = missingFeature();
  if (threads === 'auto') return missing === null ? Math.min(MAX_THREADS, platform.parallelism()) : 1;
  if (!Number.isSafeInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new ParamError({
      op: 'threads',
      expected: `an integer from 1 to ${MAX_THREADS}, or 'auto'`,
      got: String(threads),
    });
  }
  if (threads > 1 && missing !== null) {
    throw new BackendUnavailableError({
      op: 'threads',
      expected: 'a runtime with shared memory',
      ...missing,
    });
  }
  return threads;
}

/** The program that a team runs, and its memory. */
export interface TeamWork {
  /** Bytes of linear memory. */
  readonly memory: number;
  readonly program: number;
  /** A block for each thread; the first is the caller's. */
  readonly scratch: readonly number[];
}

/** An instance with shared memory, and the threads that run its program. */
export interface Team {
  readonly kernels: ProgramExports;
  /**
   * Resolves when every thread has started. Threads start while weights are loaded.
   *
   * @throws BackendUnavailableError if a thread did not start and the caller chose a number of threads
   */
  readonly ready: Promise<void>;
  /** Running threads, including the caller's. A lost worker is harmless: the others take its panels. */
  readonly size: () => number;
  readonly stop: () => void;
}

/**
 * Instantiates a module with threads and starts them.
 *
 * @param threads with `auto`, fewer threads than scratch blocks are accepted
 * @throws BackendUnavailableError if the memory cannot be allocated or no thread starts; threads that did start are stopped
 */
export async function openTeam(
  kind: ModuleKind<ProgramExports>,
  threads: Threads,
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
    const { started, size, failure } = startTeam(module, memory, work);
    const ready = Promise.all(started).then(() => {
      if (threads !== 'auto' && failure() !== null) throw noWorker(failure());
    });
    // If the team is stopped before, `ready` is not awaited.
    ready.catch(() => undefined);
    return { kernels, ready, size, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Opens with a team; with `auto`, falls back to one thread if no team can be opened. */
export async function orSingleThread<T>(
  threads: Threads,
  openWithTeam: () => Promise<T>,
  openAlone: () => Promise<T>,
): Promise<T> {
  try {
    return await openWithTeam();
  } catch (error) {
    if (threads === 'auto' && error instanceof BackendUnavailableError) return openAlone();
    throw error;
  }
}

const noWorker = (cause: unknown): BackendUnavailableError => {
  const got = messageOf(cause);
  return new BackendUnavailableError({ op: 'threads', expected: 'a runtime that starts workers', got }, { cause });
};

interface Workers {
  /** One for each thread; resolves when the thread has started. */
  readonly started: readonly Promise<void>[];
  readonly size: () => number;
  /** Why the first thread ended; null if all are running. */
  readonly failure: () => string | null;
}

/** Starts a thread for every scratch block except the first, which is the caller's. */
function startTeam(module: CompiledModule, memory: WasmMemory, { program, scratch }: TeamWork): Workers {
  let size = scratch.length;
  let failure: string | null = null;
  const ended = (reason: string | null): void => {
    size--;
    failure ??= reason ?? 'a worker that ended at once';
  };
  const started: Promise<void>[] = [];
  for (let self = 1; self < scratch.length; self++) {
    try {
      started.push(platform.startWorker(SERVE, { module, memory, program, scratch: scratch[self], self }, ended));
    } catch (cause) {
      throw noWorker(cause);
    }
  }
  return { started, size: () => size, failure: () => failure };
}

/** Whether this thread may block: the main thread of a browser may not. */
export function canBlock(): boolean {
  try {
    // Returns at once, because the value differs.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}
