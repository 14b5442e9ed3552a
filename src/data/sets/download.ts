/** Downloads the archives of data sets; an interrupted download is resumed. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkSignal, onAbort, throwIfAborted, type AbortOptions } from '../../core/abort.js';
import { checkBoolean, checkKeys, checkNumber, checkObject } from '../../core/check.js';
import { DataError, ParamError, VanillaNetError } from '../../core/errors.js';
import { bodyOf, checkRest, requestBytes, type Position } from '../../io/fetchBytes.js';
import { fileVersion, validatorOf, type FileVersion } from '../../io/fileVersion.js';
import { checkOnProgress, type ProgressOptions } from '../../io/progress.js';
import { reasonOf } from '../../io/reason.js';
import { readStream } from '../../io/readStream.js';
import { hintIfOpen, retryIfOpen } from '../../io/retryIfOpen.js';
import { checkText } from './checkSet.js';

export interface DownloadFile {
  readonly url: string;
  /** MD5 of the file, in hexadecimal. */
  readonly md5: string;
}

const cifar = (name: string, md5: string): DownloadFile => ({
  url: `https://www.cs.toronto.edu/~kriz/${name}.tar.gz`,
  md5,
});

/** The archives on the page of their author. */
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

export interface DownloadOptions extends AbortOptions, ProgressOptions {
  /** Downloads the file even if it exists. Default false. */
  readonly force?: boolean;
  /** Milliseconds to wait for the next 16 KiB, or the end. Default 30 000. */
  readonly stallMs?: number;
}

const KEYS: readonly (keyof DownloadOptions)[] = ['force', 'stallMs', 'onProgress', 'signal'];

export interface DownloadResult {
  readonly path: string;
  readonly bytes: number;
  /** Whether the file existed and had the right MD5. */
  readonly existed: boolean;
  /** Bytes of an interrupted download that were used. */
  readonly resumedFrom: number;
}

/** Files beside the target while it is downloaded: the bytes so far, and the version that they are of. */
interface PartFiles {
  readonly bytes: string;
  readonly version: string;
}

const partsOf = (path: string): PartFiles => ({ bytes: `${path}.part`, version: `${path}.part.json` });

async function removeParts({ bytes, version }: PartFiles): Promise<void> {
  await rm(bytes, { force: true });
  await rm(version, { force: true });
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

/** Where an interrupted download stopped. A version that cannot be read is unknown: the MD5 is checked anyway. */
async function readPosition({ bytes, version }: PartFiles): Promise<Position> {
  const at = await sizeAt(bytes);
  const text = at === 0 ? null : await readFile(version, 'utf8').catch(() => null);
  try {
    return { at, version: text === null ? null : (JSON.parse(text) as FileVersion) };
  } catch {
    return { at, version: null };
  }
}

/** Appends chunks to a file, or replaces it. @throws DataError if the disk fails; other errors are those of the chunks */
async function store(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  flags: 'a' | 'w',
  onBytes: (count: number) => void,
): Promise<void> {
  const refuse = (cause: unknown): never => {
    const hint = `Make room and run the same command again: it resumes after the bytes in ${path}.`;
    throw new DataError({ op: path, expected: 'space on the disk', got: reasonOf(cause), hint }, { cause });
  };
  const file = await open(path, flags).catch(refuse);
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

/** Downloads the bytes that the part lacks. @returns the number of bytes that the part had */
async function fetchRest(
  { url, md5 }: DownloadFile,
  part: PartFiles,
  options: DownloadOptions,
  signal: AbortSignal,
): Promise<number> {
  const { stallMs: timeout = 30_000, onProgress } = options;
  const wait = { timeout, signal };
  const position = await readPosition(part);
  const response = await requestBytes(url, position, { ...wait, fetch }, signal);
  // The part is complete, or longer than the file.
  if (response.status === 416 && position.at > 0) {
    if ((await md5Of(part.bytes)) === md5) return position.at;
    await removeParts(part);
    return fetchRest({ url, md5 }, part, options, signal);
  }
  const body = bodyOf(response, url);
  // With status 200 the server sends the whole file.
  const from = response.status === 206 ? position.at : 0;
  if (response.status === 206) checkRest(response, position, url);
  const version = fileVersion(response);
  const total = version.total === null ? null : from + version.total;
  if (validatorOf(version) !== null) {
    await writeFile(part.version, JSON.stringify({ ...version, total }));
  }
  let bytes = from;
  const count = (more: number): void => {
    bytes += more;
    onProgress?.({ loaded: bytes, total });
  };
  count(0);
  await store(readStream(body, url, wait), part.bytes, from > 0 ? 'a' : 'w', count);
  if (total !== null && bytes < total) throw new Error(`${bytes} of ${total} bytes`);
  return from;
}

/** An error of the network as a DataError that says how to go on. */
async function explain(cause: unknown, { url, md5 }: DownloadFile, path: string): Promise<DataError> {
  if (cause instanceof DataError) return cause;
  const size = await sizeAt(partsOf(path).bytes);
  const resume = size > 0 ? ` It resumes after the ${size} bytes in ${partsOf(path).bytes}.` : '';
  const hint = `Run the same command again, or try another --url.${resume} By hand: put the file (md5 ${md5}) at ${path}.`;
  const { expected, got } =
    cause instanceof VanillaNetError ? cause : { expected: 'the file to its end', got: reasonOf(cause) };
  return new DataError({ op: url, expected, got, hint }, { cause });
}

/** Whether the file is there. @throws DataError if it is another one */
async function exists({ md5 }: DownloadFile, path: string): Promise<boolean> {
  if ((await stat(path).catch(() => null)) === null) return false;
  const got = await md5Of(path);
  if (got === md5) return true;
  throw new DataError({ op: path, expected: `md5 ${md5}`, got, hint: 'Use --force to replace the file.' });
}

function checkUrl(url: string): void {
  if (/^https?:/.test(url) && URL.canParse(url)) return;
  throw new ParamError({ op: '--url', expected: 'a URL that begins with https: or http:', got: url });
}

/**
 * Downloads a file into `<path>.part`, checks its MD5 and renames it. A part of an earlier attempt is resumed by
 * a range request. If the file exists, only its MD5 is checked. An aborted download can be resumed, too.
 *
 * @throws the reason of `signal` if it is aborted
 * @throws DataError if the network or the disk fails, or the MD5 differs; ParamError for an invalid URL
 */
export async function download(
  remote: DownloadFile,
  path: string,
  options: DownloadOptions = {},
): Promise<DownloadResult> {
  const { url, md5 } = checkObject('download', remote);
  checkUrl(checkText('url', url));
  checkText('md5', md5);
  checkText('path', path, 'the path of a file');
  checkKeys(checkObject('options', options), KEYS, (key) => key);
  if (options.force !== undefined) checkBoolean('force', options.force);
  if (options.stallMs !== undefined) checkNumber('stallMs', options.stallMs, { above: 0 }, 'milliseconds');
  checkOnProgress(options.onProgress);
  const signal = checkSignal('signal', options.signal);
  throwIfAborted(signal);
  if (options.force !== true && (await exists(remote, path))) {
    return { path, bytes: await sizeAt(path), existed: true, resumedFrom: 0 };
  }
  const part = partsOf(path);
  await mkdir(dirname(path), { recursive: true }).catch((cause: unknown) => {
    throw new DataError({ op: path, expected: 'a folder to write to', got: reasonOf(cause) }, { cause });
  });
  if (options.force === true) await removeParts(part);
  const controller = new AbortController();
  const unlink = onAbort(signal, (reason) => {
    controller.abort(reason);
  });
  const resumedFrom = await fetchRest(remote, part, options, controller.signal)
    .catch(async (cause: unknown) => {
      throwIfAborted(signal);
      throw await explain(cause, remote, path);
    })
    .finally(() => {
      unlink();
      controller.abort();
    });
  const got = await md5Of(part.bytes);
  if (got !== md5) {
    await removeParts(part);
    const hint = 'The downloaded file was removed. Try again, or another --url.';
    throw new DataError({ op: url, expected: `md5 ${md5}`, got, hint });
  }
  const bytes = await sizeAt(part.bytes);
  await retryIfOpen(() => rename(part.bytes, path)).catch((cause: unknown) => {
    const hint = hintIfOpen(cause, path);
    throw new DataError({ op: path, expected: 'a file to write', got: reasonOf(cause), hint }, { cause });
  });
  await removeParts(part);
  return { path, bytes, existed: false, resumedFrom };
}
