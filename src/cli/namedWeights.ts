/** The official weights by name: fetched once into the user's cache, and remembered by their SHA-256. */
import { stat } from 'node:fs/promises';
import { dirname, join, parse, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isInteger, isRecord } from '../core/check.js';
import { VARIANTS, type VariantName } from '../core/config.js';
import { DataError, ParamError, VanillaNetError } from '../core/errors.js';
import { parseJson } from '../core/json.js';
import { downloadFile, type RemoteFile } from '../data/sets/download.js';
import { importWeights } from '../formats/importWeights.js';
import { requireWhole } from '../formats/recognize.js';
import { atomicWrite } from '../io/atomicWrite.js';
import { createFolder } from '../io/createFolder.js';
import { lock, type Lock } from '../io/lock.js';
import { readBytes } from '../io/readFile.js';
import { isSha256 } from '../io/sha256.js';
import { cacheFolder } from './cacheFolder.js';
import { downloadDisplay, mb } from './downloadDisplay.js';
import { fileSha256 } from './fileSha256.js';
import { printText } from './print.js';

/** The release of the official repository. */
const RELEASE = 'https://github.com/huawei-noah/VanillaNet/releases/download/ckpt';
/** Names another place for the same files. */
const BASE_URL = 'VANILLANET_WEIGHTS_URL';

/** Attempts in a row without new bytes. */
const ATTEMPTS = 2;
/** Milliseconds before the next attempt, and between two looks at what another process has fetched. */
const POLL = 300;
/** Bytes of the file that remembers what was fetched. */
const LARGEST_RECORD = 2 ** 14;

/** What is remembered of a file: where it came from, and its content. */
interface FileRecord {
  readonly url: string;
  readonly bytes: number;
  /** When the file was last written, in milliseconds: as long as it is the same, the file is not read again. */
  readonly modified: number;
  readonly sha256: string;
}

export const isVariantName = (name: string): name is VariantName => Object.hasOwn(VARIANTS, name);

const say = (text: string): void => {
  printText(process.stderr, text);
};

/** Where the weights of a name are, or belong. */
export const namedPath = (name: VariantName): string => join(cacheFolder(), `${name}.pth`);

/** The variant of a file in the cache, by its name; null for any other file. */
export function cachedVariant(path: string): VariantName | null {
  const { name, ext } = parse(path);
  const isCached = ext === '.pth' && resolve(dirname(path)) === resolve(cacheFolder());
  return isCached && isVariantName(name) ? name : null;
}

/** Whether another variant has tensors of the same shapes, so that a file does not show which it is. */
export const hasTwin = (name: VariantName): boolean => name.startsWith('vanillanet_13_x1_5');

/** The URL of the weights of a name. @throws ParamError for an invalid VANILLANET_WEIGHTS_URL */
function urlOf(name: VariantName): string {
  const variable = process.env[BASE_URL] ?? '';
  const base = variable === '' ? RELEASE : variable.replace(/\/+$/, '');
  const url = `${base}/${name}.pth`;
  if (/^https?:/.test(url) && URL.canParse(url)) return url;
  const hint = `Set it to a URL to which /${name}.pth can be appended, or unset it.`;
  throw new ParamError({ op: BASE_URL, expected: 'a URL that begins with https: or http:', got: base, hint });
}

const recordPath = (path: string): string => `${path}.json`;

const isFileRecord = (value: unknown): value is FileRecord =>
  isRecord(value) &&
  typeof value['url'] === 'string' &&
  isInteger(value['bytes'], { min: 0 }) &&
  typeof value['modified'] === 'number' &&
  isSha256(value['sha256']);

/** What is remembered of a file; null if that is nothing. */
async function readRecord(path: string): Promise<FileRecord | null> {
  const file = recordPath(path);
  try {
    const value = parseJson(await readBytes(file, DataError, { limit: LARGEST_RECORD }), { op: file });
    return isFileRecord(value) ? value : null;
  } catch {
    return null;
  }
}

/** Remembers a file. A cache that cannot be written, such as one of an image of a container, can be read. */
async function remember(path: string, url: string, sha256: string): Promise<void> {
  const { size: bytes, mtimeMs: modified } = await stat(path);
  const record: FileRecord = { url, bytes, modified, sha256 };
  await atomicWrite(recordPath(path), `${JSON.stringify(record, null, 2)}\n`).catch(() => undefined);
}

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isFile() === true;

/** Compares a file of the cache with what is remembered of it, and says what has changed. */
async function checkRecord(path: string, url: string): Promise<void> {
  const [record, { size, mtimeMs }] = [await readRecord(path), await stat(path)];
  if (record?.bytes === size && record.modified === mtimeMs) return;
  const sha256 = await fileSha256(path);
  if (record === null) say(`${path}: ${mb(size)} MB, sha256 ${sha256}`);
  else if (record.sha256 !== sha256) {
    say(`${path}: has changed: its sha256 is ${sha256}, and was ${record.sha256}.`);
    say(`hint: Remove it to fetch it again, or remove ${recordPath(path)} if the new file is right.`);
    return;
  }
  await remember(path, record?.url ?? url, sha256);
}

/** The file on the server, which must have the whole network of that name. */
function remoteWeights(name: VariantName, url: string, path: string): RemoteFile {
  const byHand = `By hand: download ${url}, and save it as ${path}.`;
  const again = 'Run the same command again.';
  const check = async (part: string): Promise<void> => {
    const refuse = (expected: string, got: string, cause?: unknown): never => {
      const hint = `The downloaded file was removed. ${again} ${byHand}`;
      throw new DataError({ op: url, expected, got, hint }, { cause });
    };
    try {
      const weights = await importWeights(part, hasTwin(name) ? { config: { variant: name } } : {});
      await weights.close();
      requireWhole(weights, part);
      const { variant = name } = weights.config;
      if (variant !== name) refuse(`weights of ${name}`, `those of ${variant}`);
    } catch (error) {
      if (!(error instanceof VanillaNetError) || error instanceof DataError) throw error;
      refuse(error.expected, error.got, error);
    }
  };
  return {
    ...{ url, hasDigest: false, again, byHand, check },
    isWhole: (_, size, total) => Promise.resolve(size === total),
  };
}

const sizeAt = async (path: string): Promise<number> => (await stat(path).catch(() => null))?.size ?? 0;

/** Downloads a file; a connection that breaks is resumed as long as bytes arrive. */
async function downloadInAttempts(remote: RemoteFile, path: string): Promise<void> {
  const display = downloadDisplay(parse(path).base, say);
  try {
    for (let failures = 0; ;) {
      const before = await sizeAt(`${path}.part`);
      try {
        await downloadFile(remote, path, {
          onProgress: ({ loaded, total }) => {
            display.show(loaded, total);
          },
        });
        return;
      } catch (error) {
        failures = (await sizeAt(`${path}.part`)) > before ? 0 : failures + 1;
        if (!isBroken(error, remote) || failures >= ATTEMPTS) throw error;
        await setTimeout(POLL);
      }
    }
  } finally {
    display.end();
  }
}

/** Whether an error is that of a connection which broke: not a status, a disk, or the wrong file. */
const isBroken = (error: unknown, { url }: RemoteFile): boolean =>
  error instanceof DataError &&
  error.op === url &&
  error.cause !== undefined &&
  !(error.cause instanceof VanillaNetError);

/** Locks a path for a download; null if another process has fetched the file meanwhile. */
async function lockForFetch(path: string): Promise<Lock | null> {
  for (let waits = 0; ; waits++) {
    if (await isFile(path)) return null;
    try {
      return await lock(`${path}.lock`, 'fetches these weights');
    } catch (error) {
      if (!(error instanceof ParamError) || !error.expected.startsWith('no other process')) throw error;
      if (waits === 0) say(`${path}: waiting for ${error.got}, which fetches it`);
      await setTimeout(POLL);
    }
  }
}

/** Fetches a file, shows its size and hash, and remembers them. */
async function fetchInto(path: string, name: VariantName, url: string): Promise<void> {
  const record = await readRecord(path);
  say(`fetching ${url} into ${path}`);
  await downloadInAttempts(remoteWeights(name, url, path), path);
  const sha256 = await fileSha256(path);
  say(`${path}: ${mb(await sizeAt(path))} MB, sha256 ${sha256}`);
  if (record !== null && record.sha256 !== sha256) {
    say(`${path}: other weights than those that were fetched before, of sha256 ${record.sha256}`);
  }
  await remember(path, url, sha256);
}

/**
 * The path of the official weights of a variant in the cache. They are fetched if they are not there; an interrupted
 * download is resumed.
 *
 * @throws DataError if they cannot be fetched, with what to download by hand, and where to put it
 * @throws ParamError for a cache that cannot be written
 */
export async function fetchNamed(name: VariantName): Promise<string> {
  const [path, url] = [namedPath(name), urlOf(name)];
  if (await isFile(path)) {
    await checkRecord(path, url);
    return path;
  }
  await createFolder(dirname(path), 'a folder for fetched weights').catch((cause: unknown) => {
    const { op, expected, got } = cause as ParamError;
    const hint = 'Set VANILLANET_CACHE to a folder that can be written.';
    throw new ParamError({ op, expected, got, hint }, { cause });
  });
  const unlock = await lockForFetch(path);
  try {
    if (unlock !== null) await fetchInto(path, name, url);
  } finally {
    await unlock?.();
  }
  return path;
}
