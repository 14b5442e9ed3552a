import { readFile } from 'node:fs/promises';
import type { ErrorFields, VanillaNetError } from '../core/errors.js';
import { reasonOf } from './reason.js';

/** The class of the error: WeightsError for a weight file, DataError for a data set. */
export type Refusal = new (fields: ErrorFields, options?: ErrorOptions) => VanillaNetError;

/** The content of a file. @throws an error of the class `Refused` that names the path */
export async function readBytes(path: string, Refused: Refusal): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Refused({ op: path, expected: 'a readable file', got: reasonOf(cause) }, { cause });
  }
}
