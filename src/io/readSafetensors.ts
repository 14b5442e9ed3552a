import { WeightsError } from '../core/errors.js';
import { readBytes } from './readFile.js';
import { decodeSafetensors, type Weights } from './safetensors.js';
import { headerLength } from './safetensorsHeader.js';

/** The content of a file that must be safetensors. @throws WeightsError; another format is refused by its first bytes */
export async function readSafetensorsBytes(path: string): Promise<Uint8Array> {
  return readBytes(path, WeightsError, {
    checkHead: (head) => {
      headerLength(head, path);
    },
  });
}

/** Reads any tensors, for example a batch of inputs. @throws WeightsError as `decodeSafetensors`, or for a missing file */
export const readSafetensors = async (path: string): Promise<Weights> =>
  decodeSafetensors(await readSafetensorsBytes(path), path);
