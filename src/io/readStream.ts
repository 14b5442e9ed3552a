/** Chunks of a stream, or of whatever else gives them, each in time. */
import { cancel } from '../core/cancel.js';
import { withReadTimeout } from './readTimeout.js';

interface Chunk {
  readonly done: boolean;
  readonly value?: Uint8Array | undefined;
}

interface Reader {
  /** A reader that brings its own buffer lends it, and finds it under what came. */
  read(lent: Uint8Array): Promise<Chunk>;
  cancel(): Promise<void>;
  readonly closed?: Promise<unknown>;
}

/** The part of a `ReadableStream` of bytes that is used. */
export interface ByteStream {
  getReader(): {
    read(): Promise<Chunk>;
    cancel(): Promise<void>;
  };
}

/** Bytes that are lent to a stream, again and again. */
const CHUNK = 2 ** 20;

/** A reader that fills a buffer of ours, of streams that do so. */
function byobReader(stream: ByteStream): Reader | null {
  try {
    return (stream as unknown as { getReader(options: { mode: 'byob' }): Reader }).getReader({ mode: 'byob' });
  } catch {
    return null;
  }
}

/**
 * Reads of a reader, which end with its stream: whoever feeds one by hand may close it without a word to the buffer that
 * was lent. The last bytes may come just after that; that it failed is told to who reads.
 */
function endingReads(reader: Reader): { read(lent: Uint8Array): Promise<Chunk>; forget(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  /** Of the read that waits alone: what outlives it must not hold what it brought. */
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
    read: (lent) =>
      new Promise<Chunk>((resolve, reject) => {
        end = resolve;
        reader.read(lent).then(resolve, reject);
        endSoon();
      }).finally(forget),
    forget,
  };
}

export async function* readStream(stream: ByteStream, name: string, timeout: number): AsyncGenerator<Uint8Array> {
  const byob = byobReader(stream);
  const reader: Reader = byob ?? stream.getReader();
  const reads = endingReads(reader);
  // Whoever brings its own chunks does not look at what is lent.
  let buffer: ArrayBufferLike = new ArrayBuffer(byob === null ? 1 : CHUNK);
  try {
    for (;;) {
      const lent: Uint8Array = new Uint8Array(buffer);
      const { done, value } = await withReadTimeout(reads.read(lent), timeout, name);
      if (done) return;
      if (value === undefined) continue;
      yield value;
      // The buffer went into the stream, and came back under what it brought.
      if (lent.byteLength === 0) buffer = value.buffer;
    }
  } finally {
    reads.forget();
    cancel(reader);
  }
}

/** Of an iterable, which is closed as `for await` closes it, but for one that is late: that would be waited for, too. */
export async function* readIterable(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  timeout: number,
): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  let isWaiting = false;
  try {
    for (;;) {
      isWaiting = true;
      const next = await withReadTimeout(iterator.next(), timeout, name);
      if (next.done === true) return;
      isWaiting = false;
      yield next.value;
    }
  } finally {
    const closed = Promise.resolve(iterator.return?.()).catch(() => undefined);
    if (!isWaiting) await closed;
  }
}
