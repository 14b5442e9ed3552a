import { checkPositions, checkSet } from './checkSet.js';
import { checkMemory } from './memory.js';
import { selectFiles, subset, isStreamed, type DataSet, type ImageSet } from './dataset.js';
import { createFileReader } from '../loader/readFiles.js';

/**
 * Loads the images at the given positions into memory, in that order.
 *
 * @throws DataError naming a file that cannot be read, or for an inconsistent set
 * @throws ParamError for a position outside the set, or more than 2 GiB of pixels
 * @throws BackendUnavailableError if the files are on disk and sharp is not installed
 */
export async function loadSubset(set: DataSet, positions: readonly number[]): Promise<ImageSet> {
  checkSet('loadSubset', set);
  if (!isStreamed(set)) return subset(set, positions);
  const order = [...checkPositions('loadSubset', positions, set.n)];
  const { files, ...rest } = set;
  const n = order.length;
  checkMemory('loadSubset', n, [set.height, set.width]);
  const images = new Uint8Array(n * set.channels * set.height * set.width);
  const sourceFiles = selectFiles(files, order);
  await createFileReader(files)(sourceFiles.names, images);
  return {
    ...rest,
    images,
    fit: files.fit,
    labels: Int32Array.from(order, (position) => set.labels[position]),
    n,
    sourceFiles,
  };
}
