import { readFile } from 'node:fs/promises';
import type { ErrorClass } from '../core/errors.js';
import { reasonOf } from './reason.js';

/** The content of a file. @throws an error of the class `Refused` that names the path */
export async function readBytes(path: string, Refused: ErrorClass): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Refused({ op: path, expected: 'a readable file', got: reasonOf(cause) }, { cause });
  }
}
