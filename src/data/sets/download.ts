/** Downloads the archives of data sets; an interrupted download is resumed. */
import { createHash } from 'node:crypto';
import { open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkSignal, onAbort, throwIfAborted, type AbortOptions } from '../../core/abort.js';
import { checkBoolean, checkKeys, checkNumber, checkObject, isInteger, isRecord } from '../../core/check.js';
import { DataError, ParamError, VanillaNetError } from '../../core/errors.js';
import { parseJson } from '../../core/json.js';
import { bodyOf, checkRest, requestBytes, type Position } from '../../io/fetchBytes.js';
import { fileVersion, validatorOf, type FileVersion } from '../../io/fileVersion.js';
import { checkOnProgress, type ProgressOptions } from '../../io/progress.js';
import { displayName } from '../../io/location.js';
import { openFile } from '../../io/openFile.js';
import { createFolder } from '../../io/createFolder.js';
import { readBytes } from '../../io/readFile.js';
import { hintOf, reasonOf } from '../../io/reason.js';
import { readStream } from '../../io/readStream.js';
import { hintIfOpen, retryIfOpen } from '../../io/retryIfOpen.js';
import { checkPath } from '../checkPath.js';
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

/** A file on a server, and how to tell that it has arrived. */
export interface RemoteFile {
  readonly url: string;
  /** Whether `check` notices a file that was put together of two versions. */
  readonly hasDigest: boolean;
  /** Whether a part, for which the server has no more bytes, is the whole file. */
  isWhole(part: string, size: number, total: number | null): Promise<boolean>;
  /** @throws DataError for another file than the one that was meant */
  check(part: string): Promise<void>;
  /** What to do if the download fails: `again`, then perhaps what is there, then `byHand`. */
  readonly again: string;
  readonly byHand: string;
}

export interface DownloadResult {
  readonly path: string;
  readonly bytes: number;
  /** Whether the file existed and had the right MD5. */
  readonly existed: boolean;
  /** Bytes of an interrupted download that were used. */
  readonly resumedFrom: number;
}

/** Bytes of the file that describes the version. */
const LARGEST_VERSION = 2 ** 14;

/** Files beside the target while it is downloaded: the bytes so far, and the version that they are of. */
interface PartFiles {
  readonly bytes: string;
  readonly version: string;
}

const partsOf = (path: string): PartFiles => ({ bytes: `${path}.part`, version: `${path}.part.json` });

async function removeParts({ bytes, version }: PartFiles): Promise<void> {
  for (const file of [bytes, version]) {
    await rm(file, { force: true }).catch((cause: unknown) => {
      const hint = 'Remove it by hand.';
      throw new DataError({ op: file, expected: 'a file that can be removed', got: reasonOf(cause), hint }, { cause });
    });
  }
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5');
  try {
    const { file } = await openFile(path);
    for await (const chunk of file.createReadStream()) hash.update(chunk as Buffer);
  } catch (cause) {
    throw new DataError(
      { op: path, expected: 'a readable file', got: reasonOf(cause), hint: hintOf(cause) },
      { cause },
    );
  }
  return hash.digest('hex');
}

const sizeAt = async (path: string): Promise<number> => (await stat(path).catch(() => null))?.size ?? 0;

const isFileVersion = (value: unknown): value is FileVersion =>
  isRecord(value) &&
  (value['total'] === null || isInteger(value['total'], { min: 0 })) &&
  ['tag', 'modified'].every((key) => value[key] === null || typeof value[key] === 'string');

/** Where an interrupted download stopped. A version that cannot be read is unknown: the MD5 is checked anyway. */
async function readPosition({ bytes, version }: PartFiles): Promise<Position> {
  const at = await sizeAt(bytes);
  if (at === 0) return { at, version: null };
  try {
    const value = parseJson(await readBytes(version, DataError, { limit: LARGEST_VERSION }), { op: version });
    return { at, version: isFileVersion(value) ? value : null };
  } catch {
    return { at, version: null };
  }
}

/** The error of a disk that does not take what was downloaded. */
function diskError(path: string, expected: string, cause: unknown): DataError {
  const remedy = hintOf(cause) ?? 'Check the disk.';
  const hint = `${remedy} Then run the same command again: it resumes after the bytes that are there.`;
  return new DataError({ op: path, expected, got: reasonOf(cause), hint }, { cause });
}

/** Appends chunks to a file, or replaces it. @throws DataError if the disk fails; other errors are those of the chunks */
async function store(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  flags: 'a' | 'w',
  onBytes: (count: number) => Promise<void>,
): Promise<void> {
  const refuse = (cause: unknown): never => {
    throw diskError(path, 'space on the disk', cause);
  };
  const file = await open(path, flags).catch((cause: unknown) => {
    throw diskError(path, 'a file to write', cause);
  });
  try {
    for await (const chunk of chunks) {
      await file.writeFile(chunk).catch(refuse);
      await onBytes(chunk.length);
    }
    await file.sync().catch(refuse);
  } finally {
    await file.close();
  }
}

/** Where to go on: at the start, if bytes of an unknown version could not be told from those of another one. */
async function resumePosition({ hasDigest }: RemoteFile, part: PartFiles): Promise<Position> {
  const position = await readPosition(part);
  const isUnknown = position.version === null || validatorOf(position.version) === null;
  return isUnknown && !hasDigest ? { at: 0, version: null } : position;
}

/** Downloads the bytes that the part lacks. @returns the number of bytes that the part had */
async function fetchRest(
  remote: RemoteFile,
  part: PartFiles,
  options: DownloadOptions,
  signal: AbortSignal,
): Promise<number> {
  const { stallMs: timeout = 30_000, onProgress } = options;
  const { url } = remote;
  const wait = { timeout, signal };
  const position = await resumePosition(remote, part);
  const response = await requestBytes(url, position, { ...wait, fetch }, signal);
  // The part is complete, or longer than the file.
  if (response.status === 416 && position.at > 0) {
    if (await remote.isWhole(part.bytes, position.at, position.version?.total ?? null)) return position.at;
    await removeParts(part);
    return fetchRest(remote, part, options, signal);
  }
  const body = bodyOf(response, url);
  // With status 200 the server sends the whole file.
  const from = response.status === 206 ? position.at : 0;
  if (response.status === 206) checkRest(response, position, url);
  const version = fileVersion(response);
  const total = version.total === null ? null : from + version.total;
  if (validatorOf(version) !== null) {
    await writeFile(part.version, JSON.stringify({ ...version, total })).catch((cause: unknown) => {
      throw diskError(part.version, 'a file to write', cause);
    });
  }
  let bytes = from;
  const count = async (more: number): Promise<void> => {
    bytes += more;
    await onProgress?.({ loaded: bytes, total });
  };
  await count(0);
  await store(readStream(body, url, wait), part.bytes, from > 0 ? 'a' : 'w', count);
  if (total !== null && bytes < total) throw new Error(`${bytes} of ${total} bytes`);
  return from;
}

/** An error of the network as a DataError that says how to go on. */
async function explain(cause: unknown, { url, again, byHand }: RemoteFile, path: string): Promise<DataError> {
  if (cause instanceof DataError) return cause;
  const size = await sizeAt(partsOf(path).bytes);
  const resume = size > 0 ? ` It resumes after the ${size} bytes in ${partsOf(path).bytes}.` : '';
  const hint = `${again}${resume} ${byHand}`;
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
  const hint = 'Pass the whole URL, such as https://example.com/cifar-10-python.tar.gz.';
  throw new ParamError({
    op: '--url',
    expected: 'a URL that begins with https: or http:',
    got: displayName(url),
    hint,
  });
}

/** A file of which the MD5 is known. */
const digestedFile = ({ url, md5 }: DownloadFile, path: string): RemoteFile => ({
  url,
  hasDigest: true,
  isWhole: async (part) => (await md5Of(part)) === md5,
  check: async (part) => {
    const got = await md5Of(part);
    if (got === md5) return;
    const hint = 'The downloaded file was removed. Try again, or another --url.';
    throw new DataError({ op: url, expected: `md5 ${md5}`, got, hint });
  },
  again: 'Run the same command again, or try another --url.',
  byHand: `By hand: put the file (md5 ${md5}) at ${path}.`,
});

/**
 * Downloads a file into `<path>.part`, checks and renames it. A part of an earlier attempt is resumed by a range request.
 *
 * @throws the reason of `signal` if it is aborted
 * @throws DataError if the network or the disk fails, or the check; after a failed check, the part is removed
 */
export async function downloadFile(
  remote: RemoteFile,
  path: string,
  options: Omit<DownloadOptions, 'force'> = {},
): Promise<DownloadResult> {
  const { signal = null } = options;
  const part = partsOf(path);
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
  try {
    await remote.check(part.bytes);
  } catch (error) {
    await removeParts(part);
    throw error;
  }
  const bytes = await sizeAt(part.bytes);
  await retryIfOpen(() => rename(part.bytes, path)).catch((cause: unknown) => {
    const hint = hintIfOpen(cause, path) ?? hintOf(cause);
    throw new DataError({ op: path, expected: 'a file to write', got: reasonOf(cause), hint }, { cause });
  });
  await removeParts(part);
  return { path, bytes, existed: false, resumedFrom };
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
  checkPath('path', path);
  checkKeys(checkObject('options', options), KEYS, (key) => key);
  if (options.force !== undefined) checkBoolean('force', options.force);
  if (options.stallMs !== undefined) checkNumber('stallMs', options.stallMs, { above: 0 }, 'milliseconds');
  checkOnProgress(options.onProgress);
  const signal = checkSignal('signal', options.signal);
  throwIfAborted(signal);
  if (options.force !== true && (await exists(remote, path))) {
    return { path, bytes: await sizeAt(path), existed: true, resumedFrom: 0 };
  }
  await createFolder(dirname(path)).catch((cause: unknown) => {
    const { got, hint = 'Choose another folder.' } = cause as ParamError;
    throw new DataError({ op: path, expected: 'a folder to write to', got, hint }, { cause });
  });
  if (options.force === true) await removeParts(partsOf(path));
  return downloadFile(digestedFile(remote, path), path, options);
}
