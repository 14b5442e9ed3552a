import { VanillaNetError } from '../core/errors.js';
import { withTimeout, timeoutOf } from '../core/timeout.js';
import { cancel, cancelBody } from '../core/cancel.js';
import { messageOf } from '../core/messageOf.js';
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

/** A promise may bring anything. */
const isAnswer = (given: unknown): given is ResponseParts =>
  bytesOf(given) === null && typeof (given as Partial<ResponseParts> | null | undefined)?.arrayBuffer === 'function';

function letGoModule(given: unknown): void {
  if (isAnswer(given)) cancelBody(given.body);
}

/** Whatever goes wrong on the way, as one error. */
async function named<T>(awaited: Promise<T>): Promise<T> {
  try {
    return await awaited;
  } catch (cause) {
    if (cause instanceof VanillaNetError) throw cause;
    throw unavailable('a WebAssembly module', messageOf(cause), cause);
  }
}

async function collect(reader: Reader, wait: <T>(awaited: Promise<T>) => Promise<T>): Promise<Uint8Array> {
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
 * A module of one's own that may still be on its way. It is taken in once, however often it is
 * asked for: a `Response` can be read only once.
 */
export class GivenModule {
  readonly #source: WasmSource | Promise<WasmSource>;
  readonly #timeout: number;
  #module: Promise<CompiledModule> | null = null;

  /** @throws ParamError for a timeout that is none */
  constructor(source: WasmSource | Promise<WasmSource>, timeout?: number) {
    this.#source = source;
    // It may fail before anybody asks for it; a rejection that is not looked at ends a process.
    Promise.resolve(source).catch(() => undefined);
    try {
      this.#timeout = timeoutOf(timeout);
    } catch (error) {
      this.letGo();
      throw error;
    }
  }

  /** @throws BackendUnavailableError for one that does not come, or is not of this package */
  async module(): Promise<CompiledModule> {
    const given = await named(this.#inTime(this.#source));
    this.#module ??= this.#take(given);
    return this.#module;
  }

  /** For whoever does not ask for it any more. */
  letGo(): void {
    if (this.#module === null) Promise.resolve(this.#source).then(letGoModule, () => undefined);
  }

  async #take(given: WasmSource): Promise<CompiledModule> {
    const module = await compile(isAnswer(given) ? await named(this.#bytesOf(given)) : given);
    checkIdentity(module);
    return module;
  }

  async #bytesOf(answer: ResponseParts): Promise<Uint8Array | ArrayBuffer> {
    if (!answer.ok) {
      cancelBody(answer.body);
      throw unavailable('a response with the module', `status ${answer.status}`);
    }
    if (answer.bodyUsed === true) throw unavailable('a response with the module', 'one that was read before');
    return answer.body
      ? collect(answer.body.getReader(), (read) => this.#inTime(read))
      : this.#inTime(answer.arrayBuffer());
  }

  #inTime<T>(awaited: Promise<T> | T): Promise<T> {
    const expected = `the module, or more of it, within ${this.#timeout / 1000} s`;
    return withTimeout(awaited, this.#timeout, () => unavailable(expected, 'none'));
  }
}
