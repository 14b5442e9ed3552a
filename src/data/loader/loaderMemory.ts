import type { Size } from '../../core/shapes.js';
import { isStreamed, type DataSet } from '../sets/dataset.js';
import { SLOTS_PER_THREAD, slotBytes } from './slots.js';

/**
 * Bytes of the images that a set and its loader keep: pixels in memory, which threads
 * have a copy of, or those of the files of a batch, and the batches themselves. Images that
 * are just being decoded come on top.
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
