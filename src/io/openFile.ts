/** Opens files for reading, by path or `file:` URL. What has no end, or does not begin, is refused before it is opened. */
import { open, stat, type FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { foreignScheme, isFileUrl, isUrl } from './location.js';

/**
 * Pipes that the caller of the process has opened, as `COMMAND |` and `<(COMMAND)` do. Another named pipe may have no
 * writer, and opening it would wait for one.
 */
const OPEN_PIPE = /^\/(dev\/(stdin|fd\/\d+)|proc\/(self|\d+)\/fd\/\d+)$/;

/** An error with a code, as those of the system; `reasonOf` and `hintOf` have its words. */
const codeError = (code: string, cause?: unknown): Error =>
  Object.assign(new Error(code, cause === undefined ? undefined : { cause }), { code });

function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw codeError('INVALID_FILE_URL', cause);
  }
}

/** The path of a location. @throws an error with a code for an invalid path */
export function pathOf(location: string): string {
  if (location === '') throw codeError('EMPTY_PATH');
  if (location.includes('\0')) throw codeError('NULL_IN_PATH');
  if (!isFileUrl(location)) return location;
  const path = pathOfUrl(location);
  if (path.includes('\0')) throw codeError('NULL_IN_PATH');
  return path;
}

export interface OpenedFile {
  readonly file: FileHandle;
  /** Bytes; null for pipes, and for files of /proc, whose size is 0. */
  readonly size: number | null;
}

/** @throws an error with a code for what is no regular file and no open pipe */
export async function openFile(location: string): Promise<OpenedFile> {
  const path = pathOf(location);
  const stats = await stat(path).catch((error: unknown) => {
    if (isUrl(location) && !isFileUrl(location)) throw codeError('URL_FOR_PATH', error);
    throw foreignScheme(location) === null ? error : codeError('FOREIGN_SCHEME', error);
  });
  if (stats.isDirectory()) throw codeError('EISDIR');
  if (stats.isSocket()) throw codeError('SOCKET');
  if (stats.isFIFO() && !OPEN_PIPE.test(path)) throw codeError('NAMED_PIPE');
  if (stats.isCharacterDevice() || stats.isBlockDevice()) throw codeError('DEVICE');
  return { file: await open(path), size: stats.isFile() && stats.size > 0 ? stats.size : null };
}
