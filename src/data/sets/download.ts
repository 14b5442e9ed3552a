/** Fetches the archives of data sets: in parts where the connection is cut, and whole or not at all. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DataError, ParamError } from '../../core/errors.js';
import { reasonOf } from '../../io/reason.js';

export interface DownloadFile {
  readonly url: string;
  /** Of the whole file, in hexadecimal. */
  readonly md5: string;
}

const cifar = (name: string, md5: string): DownloadFile => ({
  url: `https://www.cs.toronto.edu/~kriz/${name}.tar.gz`,
  md5,
});

/** The archives of their author's own page. */
export const DOWNLOADS = {
  cifar10: {
    python: cifar('cifar-10-python', 'c58f30108f718f92721af3b95e74349a'),
    binary: cifar('cifar-10-binary', 'c32a1d4ab5d03f1284b67883e8d87530'),
  },
  cifar100: {
    python: cifar('cifar-100-python', 'eb9058c3a382ffc7106e4002c42a8d85'),
    binary: cifar('cifar-100-binary', '03b5dce01913d631647c71ecec9e9cb8'),
  },
} as const;

export interface DownloadOptions {
  /** Fetches the file anew, whatever is there. */
  readonly force?: boolean;
  /** Gives up when no byte has come for so long; 30 seconds where it is not given. */
  readonly stallMs?: number;
  /** Bytes that are there, and of how many; null where the server does not say. */
  readonly onProgress?: (bytes: number, total: number | null) => void;
}

export interface Downloaded {
  readonly path: string;
  readonly bytes: number;
  /** It was there, and is what it should be. */
  readonly kept: boolean;
  /** Bytes that an earlier attempt had left. */
  readonly resumedFrom: number;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no address for that name (DNS)',
  EAI_AGAIN: 'no answer of the name server (DNS)',
  ECONNREFUSED: 'a refused connection',
  ECONNRESET: 'a connection that was cut',
  UND_ERR_SOCKET: 'a connection that was cut',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no network',
  ETIMEDOUT: 'no answer',
  UND_ERR_CONNECT_TIMEOUT: 'no answer',
};

/** What went wrong on the network; `fetch` hides it behind what it was caused by. */
function networkReason(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const { code } = (cause ?? error) as { code?: unknown };
  if (typeof code !== 'string') return reasonOf(cause ?? error);
  if (/CERT|TLS|SSL|SIGNATURE|SELF_SIGNED/.test(code)) return `no secure connection (TLS: ${code})`;
  return REASONS[code] ?? code;
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (cause) {
    throw new DataError({ op: path, expected: 'a readable file', got: reasonOf(cause) }, { cause });
  }
  return hash.digest('hex');
}

const sizeAt = async (path: string): Promise<number> => (await stat(path).catch(() => null))?.size ?? 0;

/** An answer that must come, and whose bytes must keep coming. */
class Answer {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  stalled = false;

  constructor(private readonly stallMs: number) {}

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.stalled = true;
      this.#controller.abort();
    }, this.stallMs);
  }

  fetch(url: string, from: number): Promise<Response> {
    this.#wait();
    // What is compressed on the way could not be continued.
    const headers = { 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) };
    return fetch(url, { headers, signal: this.#controller.signal });
  }

  async *chunks({ body }: Response): AsyncGenerator<Uint8Array> {
    if (body === null) return;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      this.#wait();
      yield chunk;
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}

/** Whether the server goes on where we stopped: it says so, and from which byte on. */
const goesOn = (response: Response, from: number): boolean =>
  response.status === 206 && (response.headers.get('content-range') ?? '').startsWith(`bytes ${from}-`);

/** Appends what comes to the part. @throws what the disk says, as a DataError; what the network says, as it is */
async function store(
  chunks: AsyncIterable<Uint8Array>,
  part: string,
  flags: 'a' | 'w',
  onBytes: (count: number) => void,
): Promise<void> {
  const refuse = (cause: unknown): never => {
    const expected = `space to write to; what has come is kept in ${part}, and the same command goes on from there`;
    throw new DataError({ op: part, expected, got: reasonOf(cause) }, { cause });
  };
  const file = await open(part, flags).catch(refuse);
  try {
    for await (const chunk of chunks) {
      await file.writeFile(chunk).catch(refuse);
      onBytes(chunk.length);
    }
    await file.sync().catch(refuse);
  } finally {
    await file.close();
  }
}

/** Fetches what the part lacks. @returns how many bytes the part had that were of use */
async function fetchRest(
  { url, md5 }: DownloadFile,
  path: string,
  part: string,
  { stallMs = 30_000, onProgress }: DownloadOptions,
): Promise<number> {
  const before = await sizeAt(part);
  const byHand = `or fetch it elsewhere and put it at ${path} (md5 ${md5})`;
  const answer = new Answer(stallMs);
  try {
    const response = await answer.fetch(url, before);
    // Nothing is left to come: it was cut off after the last byte, or is another file.
    if (response.status === 416 && before > 0) {
      if ((await md5Of(part)) === md5) return before;
      await rm(part);
      return await fetchRest({ url, md5 }, path, part, { stallMs, ...(onProgress ? { onProgress } : {}) });
    }
    if (!response.ok) {
      const got = `HTTP status ${response.status}`;
      throw new DataError({ op: url, expected: `the file; try another --url, ${byHand}`, got });
    }
    const from = goesOn(response, before) ? before : 0;
    if (response.status === 206 && from !== before) {
      const got = `status 206 with ${response.headers.get('content-range') ?? 'no content-range'}`;
      throw new DataError({ op: url, expected: `bytes from ${before} on`, got });
    }
    const length = response.headers.get('content-length');
    const total = length === null ? null : from + Number(length);
    let bytes = from;
    onProgress?.(bytes, total);
    await store(answer.chunks(response), part, from > 0 ? 'a' : 'w', (count) => {
      bytes += count;
      onProgress?.(bytes, total);
    });
    if (total !== null && bytes < total) throw new Error(`${bytes} of ${total} bytes`);
    return from;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const kept = await sizeAt(part);
    const goOn = kept > 0 ? `the same command goes on after the ${kept} bytes in ${part}` : 'try again';
    const got = answer.stalled ? `no byte for ${stallMs / 1000} s` : networkReason(cause);
    throw new DataError({ op: url, expected: `the file to its end; ${goOn}, ${byHand}`, got }, { cause });
  } finally {
    answer.end();
  }
}

/**
 * Fetches a file into `<path>.part`, goes on with one that is there, holds the whole
 * against its md5 and then renames it. A file that is there already is only checked.
 *
 * @throws DataError that says what failed, what is kept, and how to go on; ParamError for what is no URL.
 */
export async function download(remote: DownloadFile, path: string, options: DownloadOptions = {}): Promise<Downloaded> {
  const { url, md5 } = remote;
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    throw new ParamError({ op: '--url', expected: 'an address that begins with https: or http:', got: url });
  }
  const there = await stat(path).catch(() => null);
  if (there !== null && options.force !== true) {
    const found = await md5Of(path);
    if (found === md5) return { path, bytes: there.size, kept: true, resumedFrom: 0 };
    throw new DataError({ op: path, expected: `md5 ${md5}; --force fetches it anew`, got: found });
  }
  const part = `${path}.part`;
  await mkdir(dirname(path), { recursive: true }).catch((cause: unknown) => {
    throw new DataError({ op: path, expected: 'a folder to write to', got: reasonOf(cause) }, { cause });
  });
  if (options.force === true) await rm(part, { force: true });
  const resumedFrom = await fetchRest(remote, path, part, options);
  const found = await md5Of(part);
  if (found !== md5) {
    await rm(part, { force: true });
    const expected = `md5 ${md5}; what came was removed: try again, or another --url`;
    throw new DataError({ op: url, expected, got: found });
  }
  const { size: bytes } = await stat(part);
  await rename(part, path).catch((cause: unknown) => {
    throw new DataError({ op: path, expected: 'a file to write', got: reasonOf(cause) }, { cause });
  });
  return { path, bytes, kept: false, resumedFrom };
}
