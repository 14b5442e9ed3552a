/** Writes safetensors files whose tensors are not all in memory. */
import type { FloatArray } from '../core/tensor.js';
import { atomicWrite } from './atomicWrite.js';
import { DTYPES } from './dtypes.js';
import { layOut, type LayoutEntry } from './safetensorsLayout.js';

/** A tensor that is read when it is written. */
export interface TensorSource extends LayoutEntry {
  readonly dtype: 'F16' | 'F32' | 'F64' | 'I64';
  /** The values in row-major order. */
  read(): Promise<FloatArray>;
}

/** Values that are converted at a time. */
const PART = 2 ** 20;

async function* chunksOf(
  tensors: readonly TensorSource[],
  metadata: ReadonlyMap<string, string>,
): AsyncGenerator<Uint8Array> {
  const { head, entries } = layOut(tensors, metadata);
  yield head;
  for (const { entry } of entries) {
    const data = await entry.read();
    const format = DTYPES[entry.dtype];
    format.check(data, entry.name);
    for (let at = 0; at < data.length; at += PART) {
      const part = data.subarray(at, at + PART);
      const bytes = new Uint8Array(part.length * format.width);
      format.write(part, bytes);
      yield bytes;
    }
  }
}

/**
 * Writes a file atomically, tensor by tensor: no more than one is in memory.
 *
 * @throws an error of a tensor's `read`; nothing is written then
 * @throws WeightsError for a value that a type cannot represent
 * @throws ParamError if the file cannot be written
 */
export const writeSafetensors = (
  path: string,
  tensors: readonly TensorSource[],
  metadata: ReadonlyMap<string, string>,
): Promise<void> => atomicWrite(path, chunksOf(tensors, metadata));
