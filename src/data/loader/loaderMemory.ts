import type { Size } from '../../core/shapes.js';
import { isStreamed, type DataSet } from '../sets/dataset.js';
import { SLOTS_PER_THREAD, slotBytes } from './slots.js';

/**
 * Memory of a set and its loader in bytes: the batches, and either all pixels in memory (twice with threads, which
 * share a copy) or the decoded files of a batch for each thread. Images during decoding are not included.
 */
export function loaderMemory(
  set: DataSet,
  { batchSize, size, workers }: { readonly batchSize: number; readonly size: Size; readonly workers: number },
): number {
  const { n, channels, height, width, classNames } = set;
  const shape = { batchSize: Math.min(batchSize, n), channels, size, classes: classNames.length };
  const batches = slotBytes(shape, workers === 0 ? 1 : SLOTS_PER_THREAD * workers);
  if (!isStreamed(set)) return batches + (workers === 0 ? 1 : 2) * set.images.byteLength;
  return batches + Math.max(1, workers) * shape.batchSize * channels * height * width;
}
