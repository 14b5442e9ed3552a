/** Threads that run a program together: see assembly/shared/team.ts for how they synchronize. */
import { platform } from '#runtime';
import { BackendUnavailableError, ParamError } from '../core/errors.js';
import { isInteger, show } from '../core/check.js';
import { messageOf } from '../core/messageOf.js';
import { withTimeout } from '../core/timeout.js';
import { offsetOf } from './descriptor.js';
import {
  COMPLETE,
  compile,
  instantiate,
  instantiateNow,
  sharedMemory,
  type CompiledModule,
  type ModuleKind,
  type ProgramExports,
  type WasmMemory,
} from './module.js';
import { PROGRAM } from './sharedDescriptors.js';
import type { RuntimeWorker } from '../runtime/runtime.js';

/** A number of threads, or `auto`: as many as the machine runs at the same time. */
export type Threads = number | 'auto';

/** An upper bound against mistakes; no machine has this many cores. */
export const MAX_THREADS = 256;

/** Milliseconds to wait for the start of the threads. */
const START_TIMEOUT = 30_000;

/** Milliseconds after the loss of a thread until others are started, and how often: some machine may end every thread. */
const RESTART_DELAY = 5000;
const MOST_RESTARTS = 3;

/**
 * The program of a worker, which ends when `stop` is called. Its clock stands still, because only the caller decides that a
 * thread is lost. It renames `exports`, because bundlers would take the text for CommonJS.
 */
const SERVE = `const { module, memory, program, scratch, self } = data;
return WebAssembly.instantiate(module, { env: { memory }, clock: { now: () => 0 } }).then(({ exports: team }) => {
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

/** A number of threads. @throws ParamError */
export function checkThreads(threads: unknown): number {
  if (isInteger(threads, { min: 1, max: MAX_THREADS })) return threads;
  throw new ParamError({
    op: 'threads',
    expected: `an integer from 1 to ${MAX_THREADS}, or 'auto'`,
    got: show(threads),
  });
}

/**
 * Resolves a choice of threads to a number that the machine can run at the same time: more would wait for each other.
 *
 * @throws ParamError for an invalid number
 * @throws BackendUnavailableError for more than one thread in a runtime without threads
 */
export function threadCount(threads: Threads): number {
  const missing = missingFeature();
  const most = threads === 'auto' ? MAX_THREADS : checkThreads(threads);
  if (missing === null) return Math.min(most, Math.max(1, platform.parallelism()));
  if (threads === 'auto' || threads === 1) return 1;
  throw new BackendUnavailableError({ op: 'threads', expected: 'a runtime with shared memory', ...missing });
}

/** A program, and its memory. */
export interface ProgramMemory {
  readonly program: number;
  /** A block for each thread; the first is the caller's. */
  readonly scratch: readonly number[];
}

/** The program that a team runs. */
export interface TeamWork extends ProgramMemory {
  /** Bytes of linear memory. */
  readonly memory: number;
}

/** An instance of a module with a program in its memory, and the threads that run it. */
export interface ProgramInstance {
  /** The instance. When a thread is lost, another one with other memory takes its place. */
  readonly kernels: ProgramExports;
  /** Running threads, including the caller's. */
  readonly threads: number;
  /**
   * Runs regions `first` to `last` (exclusive).
   *
   * @returns `last`; or, if a thread was lost, the first region that is not done. The panels of that region have been
   *   computed partly, so that it can be run again only if it does not change its inputs
   * @throws BackendUnavailableError if a thread was lost and the machine does not have the memory to replace that which the
   *   thread may still change; the next call tries again
   */
  readonly run: (first: number, last: number) => number;
  /** Ends the threads. */
  readonly stop: () => void;
}

/** A program that the calling thread runs alone. */
export const singleThread = (kernels: ProgramExports, { program, scratch }: ProgramMemory): ProgramInstance => ({
  kernels,
  threads: 1,
  run(first, last) {
    kernels.runProgram(program, scratch[0], first, last, false);
    return last;
  },
  stop() {
    kernels.stop(program);
  },
});

/**
 * An instance with shared memory, and the threads that run its program.
 *
 * A thread that ends while it waits is harmless: the others take its panels. One that ends or hangs while it computes panels
 * is noticed by its lack of progress (see assembly/shared/team.ts); a later call replaces the first kind. As it might go on at any later time, the memory is left
 * to it: the calling thread continues alone on a copy, and all other threads are ended. A later call starts new ones: on a
 * busy machine, a thread may just have had no turn.
 */
export class Team implements ProgramInstance {
  readonly #kind: ModuleKind<ProgramExports>;
  readonly #module: CompiledModule;
  readonly #work: TeamWork;
  #workers: Workers;
  readonly #mayWait = canBlock();
  #kernels: ProgramExports;
  #state: 'together' | 'lost' | 'alone' | 'stopped' = 'together';
  #restarts = 0;
  /** When threads may be started again, by `performance.now`. */
  #restartTime = 0;
  /**
   * Resolves when every thread has started. Threads start while weights are loaded.
   *
   * @throws BackendUnavailableError if a thread did not start and the caller chose a number of threads
   */
  readonly ready: Promise<void>;

  private constructor(
    kind: ModuleKind<ProgramExports>,
    module: CompiledModule,
    kernels: ProgramExports,
    work: TeamWork,
    workers: Workers,
    threads: Threads,
  ) {
    this.#kind = kind;
    this.#module = module;
    this.#kernels = kernels;
    this.#work = work;
    this.#workers = workers;
    this.ready = workers.started().then((failure) => {
      if (threads !== 'auto' && failure !== null) throw noWorker(failure);
    });
    // If the team is stopped before, `ready` is not awaited.
    this.ready.catch(() => undefined);
  }

  /**
   * Instantiates a module with threads and starts them.
   *
   * @param threads with `auto`, fewer threads than scratch blocks are accepted
   * @throws BackendUnavailableError if the memory cannot be allocated or no thread starts; threads that did start are stopped
   */
  static async open(
    kind: ModuleKind<ProgramExports>,
    threads: Threads,
    bytes: Uint8Array,
    work: TeamWork,
  ): Promise<Team> {
    const module = await compile(bytes);
    const memory = sharedMemory(work.memory);
    const kernels = await instantiate(kind, module, memory);
    return new Team(kind, module, kernels, work, new Workers(module, memory, work), threads);
  }

  get kernels(): ProgramExports {
    return this.#kernels;
  }

  get threads(): number {
    return this.#state === 'together' ? this.#workers.size : 1;
  }

  run(first: number, last: number): number {
    this.leaveLostThreads();
    this.#startAgain();
    const { program, scratch } = this.#work;
    const end = this.#kernels.runProgram(program, scratch[0], first, last, this.#mayWait);
    if (end === COMPLETE) return last;
    this.#state = 'lost';
    this.leaveLostThreads();
    return end;
  }

  /**
   * Moves to other memory if a thread was lost before.
   *
   * @throws BackendUnavailableError as `run`
   */
  leaveLostThreads(): void {
    if (this.#state !== 'lost') return;
    this.#workers.terminate();
    const { buffer } = this.#kernels.memory;
    const memory = sharedMemory(buffer.byteLength);
    new Uint8Array(memory.buffer).set(new Uint8Array(buffer));
    const head = new DataView(memory.buffer, this.#work.program);
    // In the copy, the program is stopped, and the lost thread is at work.
    head.setUint32(offsetOf(PROGRAM, 'state'), 0, true);
    head.setUint32(offsetOf(PROGRAM, 'active'), 0, true);
    this.#kernels = instantiateNow(this.#kind, this.#module, memory);
    this.#state = 'alone';
    this.#restartTime = performance.now() + RESTART_DELAY;
  }

  /** Starts new threads in place of those that were lost or have ended, which join when they are ready. */
  #startAgain(): void {
    const isAlone = this.#state === 'alone';
    const { endTime } = this.#workers;
    if ((!isAlone && endTime === null) || this.#restarts === MOST_RESTARTS) return;
    const now = performance.now();
    if (now < this.#restartTime || (!isAlone && now < (endTime ?? 0) + RESTART_DELAY)) return;
    this.#restarts++;
    this.#restartTime = now + RESTART_DELAY;
    try {
      if (isAlone) this.#workers = new Workers(this.#module, this.#kernels.memory, this.#work);
      else this.#workers.replaceEnded();
      this.#state = 'together';
      // Waits in order to end those that do not start.
      void this.#workers.started();
    } catch {
      // The runtime refuses: the calling thread remains alone.
    }
  }

  stop(): void {
    this.#state = 'stopped';
    this.#kernels.stop(this.#work.program);
    this.#workers.terminate();
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

/** The threads of a team, except the caller's: one for every scratch block except the first. */
class Workers {
  readonly #module: CompiledModule;
  readonly #memory: WasmMemory;
  readonly #work: TeamWork;
  readonly #workers: RuntimeWorker[] = [];
  /** Numbers of the threads that have not ended. */
  readonly #running = new Set<number>();
  /** Numbers of the threads that have started. */
  readonly #started = new Set<number>();
  /** Numbers of the threads that have ended by themselves: nothing of them can touch the memory any more. */
  readonly #ended = new Set<number>();
  /** When the last of these has ended, by `performance.now`. */
  #endTime = -Infinity;
  /** Why the first thread ended. */
  #failure: string | null = null;

  /** @throws BackendUnavailableError if the runtime refuses; threads that did start are ended */
  constructor(module: CompiledModule, memory: WasmMemory, work: TeamWork) {
    this.#module = module;
    this.#memory = memory;
    this.#work = work;
    try {
      for (let self = 1; self < work.scratch.length; self++) this.#start(self);
    } catch (cause) {
      this.terminate();
      throw noWorker(cause);
    }
  }

  /** When the last thread has ended that is not replaced, by `performance.now`; null if none has. */
  get endTime(): number | null {
    return this.#ended.size === 0 ? null : this.#endTime;
  }

  /** Starts the threads again that have ended. @throws an error of the runtime, if it refuses */
  replaceEnded(): void {
    for (const self of this.#ended) {
      this.#start(self);
      this.#ended.delete(self);
    }
  }

  #start(self: number): void {
    const { program, scratch } = this.#work;
    const data = { module: this.#module, memory: this.#memory, program, scratch: scratch[self], self };
    const ended = (reason: string | null): void => {
      this.#ended.add(self);
      this.#endTime = performance.now();
      this.#end(self, reason ?? 'a worker that ended at once');
    };
    const worker = platform.startWorker(SERVE, data, ended);
    this.#workers[self - 1] = worker;
    this.#running.add(self);
    this.#started.delete(self);
    void worker.started.then(() => this.#started.add(self));
  }

  /** Running threads, including the caller's. */
  get size(): number {
    return 1 + [...this.#running].filter((self) => this.#started.has(self)).length;
  }

  /** Waits until each has started or failed. @returns why the first failed; null if all have started */
  async started(): Promise<string | null> {
    const waiting = new Set(this.#workers.keys());
    const all = this.#workers.map(async ({ started }, i) => {
      await started;
      waiting.delete(i);
    });
    const late = `a worker that did not start within ${START_TIMEOUT / 1000} s`;
    await withTimeout(Promise.all(all), START_TIMEOUT, () => new Error(late)).catch(() => undefined);
    for (const i of waiting) {
      this.#workers[i].terminate();
      this.#end(i + 1, late);
    }
    return this.#failure;
  }

  terminate(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  #end(self: number, reason: string): void {
    this.#running.delete(self);
    this.#failure ??= reason;
  }
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
