/** Copies what cannot be read at any position, a download or a pipe, into a temporary file. */
import { randomUUID } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VanillaNetError, WeightsError } from '../core/errors.js';
import { hintOf, reasonOf } from '../io/reason.js';
import { removeIfStopped } from '../io/removeIfStopped.js';
import { accessOf, type OpenAccess } from './fileAccess.js';

/** The largest file that is copied: four times the largest checkpoint of a VanillaNet. */
export const LARGEST_SPOOL = 2 ** 34;

/** Whether a file that is open can be removed: it exists until it is closed, even if the process is killed. */
const CAN_REMOVE_OPEN = process.platform !== 'win32';

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    done += (await file.write(chunk, done, chunk.length - done)).bytesWritten;
  }
}

async function copy(chunks: AsyncIterable<Uint8Array>, file: FileHandle, name: string, limit: number): Promise<number> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) {
      const hint = 'Download it into a file, and pass its path.';
      throw new WeightsError({ op: name, expected: `at most ${limit} bytes`, got: 'more', hint });
    }
    await writeAll(file, chunk);
  }
  return size;
}

/**
 * Copies chunks into a temporary file, which nobody else can read, and which is removed when it is closed, or the process
 * ends.
 *
 * @param name of the source, for errors
 * @throws WeightsError for more than `limit` bytes, or if the file cannot be written; what `chunks` throws
 */
export async function spool(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  { limit = LARGEST_SPOOL, folder = tmpdir() }: { readonly limit?: number; readonly folder?: string } = {},
): Promise<OpenAccess> {
  const path = join(folder, `vanillanet-${randomUUID()}`);
  const keep = CAN_REMOVE_OPEN ? () => undefined : removeIfStopped(path);
  const unwritable = (cause: unknown): unknown => {
    if (cause instanceof VanillaNetError || (cause as NodeJS.ErrnoException | null)?.syscall === undefined)
      return cause;
    const hint = `${hintOf(cause) ?? 'It is copied first.'} TMPDIR names the folder.`;
    return new WeightsError({ op: name, expected: `room in ${folder}`, got: reasonOf(cause), hint }, { cause });
  };
  const file = await open(path, 'wx+', 0o600).catch((cause: unknown) => {
    keep();
    throw unwritable(cause);
  });
  const close = async (): Promise<void> => {
    await file.close();
    await rm(path, { force: true });
    keep();
  };
  try {
    if (CAN_REMOVE_OPEN) await rm(path);
    return { ...accessOf(name, await copy(chunks, file, name, limit), file), close };
  } catch (cause) {
    await close();
    throw unwritable(cause);
  }
}
