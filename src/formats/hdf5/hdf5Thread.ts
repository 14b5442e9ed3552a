/** Runs the HDF5 library in a thread that can be stopped: a file may make it compute without end. */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { BackendUnavailableError, WeightsError } from '../../core/errors.js';
import { reasonOf } from '../../io/reason.js';
import type { RandomAccess } from '../foreignFile.js';
import { createSharedMemory, type Reply, type Request } from './messages.js';

/** Milliseconds that the library may compute for a file, without those in which it waits for bytes of it. */
const LONGEST = 4000;
/** Milliseconds more for each byte of values that it has returned: a second for 16 MiB. */
const PER_BYTE = 1000 / 2 ** 24;

/** Memory for JavaScript, beside the file's bytes and WebAssembly's. */
const LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 };

const SAVE_AGAIN =
  'Download or copy the file again, or save the weights in Python again: model.save_weights("net.h5").';

/** A request that has no answer yet. */
interface Pending {
  readonly file: RandomAccess;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  /** Why bytes of the file could not be read. */
  failure: unknown;
  /** Since when the library computes; null while it waits for bytes. */
  since: number | null;
  timer: NodeJS.Timeout | undefined;
}

/** @param op the file, for errors */
const damaged = (op: string, expected: string, got: string, cause?: unknown): WeightsError =>
  new WeightsError({ op, expected, got, hint: SAVE_AGAIN }, { cause });

const missing = (op: string, got: string): BackendUnavailableError =>
  new BackendUnavailableError({
    op,
    expected: 'the package h5wasm, which reads HDF5',
    got,
    hint: 'Install it beside vanillanet: npm install h5wasm.',
  });

const scriptPath = (): string => createRequire(import.meta.url).resolve('#formats/hdf5');

export class Hdf5Thread {
  readonly #worker: Worker;
  readonly #memory;
  #pending: Pending | null = null;
  #end: Promise<unknown> | null = null;
  /** Milliseconds that are left. Loading takes a while on a busy machine, and nothing of a file has been read yet. */
  #left = Infinity;
  /** The end of the last request. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    script: string,
    private readonly longest: number,
  ) {
    this.#memory = createSharedMemory();
    // Without the parent's flags: its module loaders would only slow the script down.
    this.#worker = new Worker(script, {
      ...{ workerData: this.#memory, execArgv: [], resourceLimits: LIMITS },
      // What the library prints about damage is in the error.
      ...{ stdout: true, stderr: true },
    });
    this.#worker.on('message', (reply: Reply) => {
      if (reply.kind === 'need') void this.#give(reply.offset, reply.length);
      else {
        this.#settle((pending) => {
          this.#answer(pending, reply);
        });
      }
    });
    this.#worker.on('error', (cause) => {
      this.#fail(`one with which the library ends: ${reasonOf(cause)}`, cause);
    });
    this.#worker.on('exit', () => {
      this.#fail('one with which the library ends');
    });
    this.#worker.unref();
  }

  /**
   * @param file that is to be read, for errors
   * @param options of tests: the script of the thread, and the milliseconds that it may compute
   * @throws BackendUnavailableError if the library is not installed
   */
  static async start(file: RandomAccess, { script = scriptPath(), longest = LONGEST } = {}): Promise<Hdf5Thread> {
    const thread = new Hdf5Thread(script, longest);
    try {
      await thread.#wait(file);
      return thread;
    } catch (error) {
      await thread.stop();
      throw error;
    }
  }

  /** Whether it was stopped, or has ended. */
  get isStopped(): boolean {
    return this.#end !== null;
  }

  stop(): Promise<unknown> {
    this.#end ??= this.#worker.terminate();
    return this.#end;
  }

  /** Requests are answered one after the other. @throws WeightsError if the file is damaged, or the answer takes too long */
  ask(file: RandomAccess, request: Request): Promise<Reply> {
    const reply = this.#turn.then(() => this.#send(file, request));
    this.#turn = reply.catch(() => undefined);
    return reply;
  }

  #send(file: RandomAccess, request: Request): Promise<Reply> {
    if (this.isStopped) return Promise.reject(damaged(file.name, 'an open file', 'a closed one'));
    if (request.kind === 'open') this.#left = this.longest;
    const reply = this.#wait(file);
    this.#worker.postMessage(request);
    return reply;
  }

  #wait(file: RandomAccess): Promise<Reply> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      const pending = { file, resolve, reject, failure: null, since: null, timer: undefined };
      this.#pending = pending;
      this.#resume(pending);
    });
  }

  #resume(pending: Pending): void {
    if (this.#left === Infinity) return;
    pending.since = performance.now();
    pending.timer = setTimeout(() => {
      // This process may have been busy for as long: then an answer is here, but not read yet.
      setImmediate(() => {
        if (this.#pending === pending && pending.since !== null) this.#stopLate(pending);
      });
    }, this.#left);
  }

  #pause(pending: Pending): void {
    clearTimeout(pending.timer);
    if (pending.since !== null) this.#left = Math.max(0, this.#left - (performance.now() - pending.since));
    pending.since = null;
  }

  #stopLate({ file }: Pending): void {
    const error = damaged(file.name, `a file that is read within ${this.longest / 1000} s`, 'one that takes longer');
    void this.stop();
    this.#settle(({ reject }) => {
      reject(error);
    });
  }

  /** Reads the bytes for which the thread waits. */
  async #give(offset: number, length: number): Promise<void> {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pause(pending);
    const { state, bytes } = this.#memory;
    let count = length;
    try {
      bytes.set(await pending.file.read(offset, length));
    } catch (error) {
      pending.failure ??= error;
      count = -1;
    }
    // The thread may have ended meanwhile.
    if (this.#pending !== pending) return;
    Atomics.store(state, 1, count);
    Atomics.store(state, 0, 1);
    this.#resume(pending);
    Atomics.notify(state, 0);
  }

  #answer({ file, failure, resolve, reject }: Pending, reply: Reply): void {
    if (failure instanceof Error) reject(failure);
    else if (reply.kind === 'refused') reject(damaged(file.name, reply.expected, reply.got));
    else if (reply.kind === 'missing') reject(missing(file.name, reply.reason));
    else {
      if (reply.kind === 'block') this.#left += reply.bytes.length * PER_BYTE;
      resolve(reply);
    }
  }

  /** The end of the thread. */
  #fail(got: string, cause?: unknown): void {
    void this.stop();
    this.#settle(({ file, failure, reject }) => {
      reject(failure instanceof Error ? failure : damaged(file.name, 'an intact HDF5 file', got, cause));
    });
  }

  #settle(settle: (pending: Pending) => void): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    this.#pause(pending);
    this.#worker.unref();
    settle(pending);
  }
}
