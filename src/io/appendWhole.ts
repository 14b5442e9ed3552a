import { open } from 'node:fs/promises';
import { ParamError } from '../core/errors.js';
import { hintOf, reasonOf } from './reason.js';

/** What `appendWhole` uses of a file; tests pass another. */
export interface AppendedFile {
  stat(): Promise<{ readonly size: number }>;
  appendFile(content: Uint8Array | string): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Appends to a file, which is created if it is missing. If the disk is full, the part that was written is removed.
 *
 * @throws ParamError if the file cannot be written; it has its former content
 */
export async function appendWhole(
  path: string,
  content: Uint8Array | string,
  openFile: (path: string) => Promise<AppendedFile> = (name) => open(name, 'a'),
): Promise<void> {
  try {
    const file = await openFile(path);
    try {
      const { size } = await file.stat();
      await file.appendFile(content).catch(async (cause: unknown) => {
        await file.truncate(size).catch(() => undefined);
        throw cause;
      });
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new ParamError(
      { op: path, expected: 'a file to write', got: reasonOf(cause), hint: hintOf(cause) },
      { cause },
    );
  }
}
