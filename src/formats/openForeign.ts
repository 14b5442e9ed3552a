import { HEAD } from '../io/fileKind.js';
import { openFileAccess } from './fileAccess.js';
import type { ForeignFile, RandomAccess } from './foreignFile.js';
import { openTorch } from './torch.js';

/** A file that is open: its tensors can be read until it is closed. */
export type OpenForeignFile = ForeignFile & { close(): Promise<void> };

/** Whether the first bytes of a file are those of a format, and its reader. */
interface Format {
  readonly matches: (head: Uint8Array) => boolean;
  readonly open: (file: RandomAccess) => Promise<ForeignFile | null>;
}

const startsWith = (head: Uint8Array, bytes: readonly number[]): boolean =>
  head.length >= bytes.length && bytes.every((byte, i) => head[i] === byte);

const FORMATS: readonly Format[] = [{ matches: (head) => startsWith(head, [0x50, 0x4b, 3, 4]), open: openTorch }];

/**
 * Opens a file of another framework, which its first bytes tell.
 *
 * @returns null for a file of none of the formats, such as safetensors or JSON, and for a pipe
 * @throws WeightsError if there is no file, or it is damaged, or has what is not read
 */
export async function openForeign(path: string): Promise<OpenForeignFile | null> {
  const file = await openFileAccess(path);
  if (file === null) return null;
  const close = (): Promise<void> => file.close();
  try {
    const head = await file.read(0, Math.min(HEAD, file.size));
    const format = FORMATS.find(({ matches }) => matches(head));
    const opened = (await format?.open(file)) ?? null;
    if (opened !== null) return { ...opened, close };
  } catch (error) {
    await close();
    throw error;
  }
  await close();
  return null;
}
