/** Reads chunks of a stream or an async iterable, with a timeout and until a signal is aborted. */
import { cancel } from '../core/cancel.js';
import { show } from '../core/check.js';
import { ParamError } from '../core/errors.js';
import { Pace, type WaitOptions } from './readTimeout.js';

interface Chunk {
  readonly done: boolean;
  readonly value?: Uint8Array | undefined;
}

interface Reader {
  /** A BYOB reader takes the buffer and returns it as the buffer of the chunk; other readers ignore it. */
  read(buffer: Uint8Array): Promise<Chunk>;
  cancel(): Promise<void>;
  readonly closed?: Promise<unknown>;
}

/** The parts of a `ReadableStream` of bytes that are used. */
export interface ByteStream {
  getReader(): {
    read(): Promise<Chunk>;
    cancel(): Promise<void>;
  };
}

/** Size of the buffer for BYOB readers. */
const CHUNK = 2 ** 20;

/** A reader that fills a buffer of the caller; null if the stream does not support it. */
function byobReader(stream: ByteStream): Reader | null {
  try {
    return (stream as unknown as { getReader(options: { mode: 'byob' }): Reader }).getReader({ mode: 'byob' });
  } catch {
    return null;
  }
}

/**
 * Reads that end when the stream closes. A source may close its stream without answering a pending BYOB read, which
 * then never settles. The last bytes may arrive just after the stream has closed; errors come from the read itself.
 */
function endingReads(reader: Reader): { read(buffer: Uint8Array): Promise<Chunk>; forget(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  /** Resolves the pending read; reset afterwards, so that the chunk can be garbage collected. */
  let end: ((chunk: Chunk) => void) | null = null;
  const endSoon = (): void => {
    if (!isClosed || end === null) return;
    const resolve = end;
    timer = setTimeout(() => {
      resolve({ done: true });
    }, 0);
  };
  const forget = (): void => {
    end = null;
    clearTimeout(timer);
  };
  reader.closed?.then(
    () => {
      isClosed = true;
      endSoon();
    },
    () => undefined,
  );
  return {
    read: (buffer) =>
      new Promise<Chunk>((resolve, reject) => {
        end = resolve;
        reader.read(buffer).then(resolve, reject);
        endSoon();
      }).finally(forget),
    forget,
  };
}

/** A caller without types may pass any object. @throws ParamError */
function checkMethods(op: string, expected: string, value: unknown, methods: readonly string[]): void {
  const object = value as Readonly<Record<string, unknown>> | null | undefined;
  if (methods.every((method) => typeof object?.[method] === 'function')) return;
  throw new ParamError({ op, expected, got: show(value), hint: `It must have ${methods.join(' and ')}.` });
}

/** The chunks of a stream. @throws WeightsError for a timeout; the reason of the signal if it is aborted */
export async function* readStream(stream: ByteStream, name: string, wait: WaitOptions): AsyncGenerator<Uint8Array> {
  const byob = byobReader(stream);
  const reader: Reader = byob ?? stream.getReader();
  checkMethods(name, 'a stream with a reader', reader, ['read', 'cancel']);
  const reads = endingReads(reader);
  const pace = new Pace(name, wait);
  // Other readers ignore the buffer.
  let buffer: ArrayBufferLike = new ArrayBuffer(byob === null ? 1 : CHUNK);
  try {
    for (;;) {
      const view: Uint8Array = new Uint8Array(buffer);
      const { done, value } = await pace.next(reads.read(view));
      if (done) return;
      if (value === undefined) continue;
      yield value;
      // A BYOB reader detaches the buffer and returns its memory with the chunk.
      if (view.byteLength === 0) buffer = value.buffer;
    }
  } finally {
    reads.forget();
    cancel(reader);
  }
}

/** Closes the iterable as `for await` does; after a timeout or abort without waiting, because that could take forever. */
export async function* readIterable(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  wait: WaitOptions,
): AsyncGenerator<Uint8Array> {
  const pace = new Pace(name, wait);
  const iterator = chunks[Symbol.asyncIterator]();
  checkMethods(name, 'an iterable with an iterator', iterator, ['next']);
  let isWaiting = false;
  try {
    for (;;) {
      isWaiting = true;
      const next = await pace.next(iterator.next());
      if (next.done === true) return;
      isWaiting = false;
      yield next.value;
    }
  } finally {
    const closed = Promise.resolve(iterator.return?.()).catch(() => undefined);
    if (!isWaiting) await closed;
  }
}
