import { readFile } from 'node:fs/promises';
import type { ErrorFields, VanillaNetError } from '../core/errors.js';
import { reasonOf } from './reason.js';

/** The error class of whoever asked: a weight file and a data set fail under their own names. */
export type Refusal = new (fields: ErrorFields, options?: ErrorOptions) => VanillaNetError;

/** The whole file, or a `Refusal` that names the path and says what is there instead. */
export async function readBytes(path: string, Refused: Refusal): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Refused({ op: path, expected: 'a readable file', got: reasonOf(cause) }, { cause });
  }
}
