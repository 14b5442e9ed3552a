/** Writes safetensors files whose tensors are not all in memory. */
import { atomicWrite } from './atomicWrite.js';
import { layOut } from './safetensorsLayout.js';
import { tensorBytes, type TensorSource } from './tensorSource.js';

async function* chunksOf(
  tensors: readonly TensorSource[],
  metadata: ReadonlyMap<string, string>,
): AsyncGenerator<Uint8Array> {
  const { head, entries } = layOut(tensors, metadata);
  yield head;
  for (const { entry } of entries) yield* tensorBytes(entry);
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
