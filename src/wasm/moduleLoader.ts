import { cancel, cancelBody } from '../core/cancel.js';
import { VanillaNetError } from '../core/errors.js';
import { messageOf } from '../core/messageOf.js';
import { timeoutOf, withTimeout } from '../core/timeout.js';
import { checkIdentity } from './identity.js';
import { bytesOf, compile, unavailable, type CompiledModule, type WasmSource } from './module.js';

/** The parts of a `Response` that are used. */
interface ResponseParts {
  readonly ok: boolean;
  readonly status: number;
  readonly bodyUsed?: boolean;
  readonly body?: { getReader(): Reader } | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** Whether a value is a `Response`. A promise of the caller may resolve to anything. */
const isResponse = (value: unknown): value is ResponseParts =>
  bytesOf(value) === null && typeof (value as Partial<ResponseParts> | null | undefined)?.arrayBuffer === 'function';

/** Turns errors that are not the package's own into a BackendUnavailableError. */
async function translateErrors<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    if (cause instanceof VanillaNetError) throw cause;
    throw unavailable('a WebAssembly module', messageOf(cause), cause);
  }
}

/**
 * Cancels the body of a `Response`, or of a promise of one, that will not be read. Has no effect on a body that is being
 * read, or on other values.
 */
export function cancelModule(module: unknown): void {
  Promise.resolve(module).then(
    (source) => {
      if (isResponse(source)) cancelBody(source.body);
    },
    () => undefined,
  );
}

async function readAll(reader: Reader, wait: <T>(promise: Promise<T>) => Promise<T>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for (;;) {
      const { done, value } = await wait(reader.read());
      if (done) break;
      if (value !== undefined) chunks.push(value);
    }
  } finally {
    cancel(reader);
  }
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * Loads a module that the caller supplies, perhaps as a promise. The source is read once, however often `load` is called,
 * because a `Response` can be read only once.
 */
export class ModuleLoader {
  readonly #source: WasmSource | Promise<WasmSource>;
  readonly #timeout: number;
  readonly #signal: AbortSignal | undefined;
  #module: Promise<CompiledModule> | null = null;

  /** @param signal ends the wait for the module @throws ParamError for an invalid timeout */
  constructor(source: WasmSource | Promise<WasmSource>, timeout?: number, signal?: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
    // The promise may reject before `load` is called; an unhandled rejection would end the process.
    Promise.resolve(source).catch(() => undefined);
    try {
      this.#timeout = timeoutOf(timeout);
    } catch (error) {
      cancelModule(source);
      throw error;
    }
  }

  /** @throws BackendUnavailableError if the module does not arrive, or is not of this version of the package */
  async load(): Promise<CompiledModule> {
    const source = await translateErrors(this.#withTimeout(this.#source));
    this.#module ??= this.#compile(source);
    return this.#module;
  }

  async #compile(source: WasmSource): Promise<CompiledModule> {
    const module = await compile(isResponse(source) ? await translateErrors(this.#read(source)) : source);
    checkIdentity(module);
    return module;
  }

  async #read(response: ResponseParts): Promise<Uint8Array | ArrayBuffer> {
    if (!response.ok) {
      cancelBody(response.body);
      throw unavailable('a response with the module', `status ${response.status}`);
    }
    if (response.bodyUsed === true) throw unavailable('a response with the module', 'one that was read before');
    return response.body
      ? readAll(response.body.getReader(), (promise) => this.#withTimeout(promise))
      : this.#withTimeout(response.arrayBuffer());
  }

  #withTimeout<T>(promise: Promise<T> | T): Promise<T> {
    const expected = `the module, or more of it, within ${this.#timeout / 1000} s`;
    return withTimeout(promise, this.#timeout, () => unavailable(expected, 'none'), this.#signal);
  }
}
