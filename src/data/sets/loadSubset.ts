import { selectFiles, subset, isStreamed, type DataSet, type ImageSet } from './dataset.js';
import { createFileReader } from '../loader/readFiles.js';

/**
 * Loads the images at the given positions into memory, in that order.
 *
 * @throws DataError naming a file that cannot be read
 * @throws BackendUnavailableError if the files are on disk and sharp is not installed
 */
export async function loadSubset(set: DataSet, positions: readonly number[]): Promise<ImageSet> {
  if (!isStreamed(set)) return subset(set, positions);
  const { files, ...rest } = set;
  const n = positions.length;
  const images = new Uint8Array(n * set.channels * set.height * set.width);
  const sourceFiles = selectFiles(files, positions);
  await createFileReader(files)(sourceFiles.names, images);
  return {
    ...rest,
    images,
    fit: files.fit,
    labels: Int32Array.from(positions, (position) => set.labels[position]),
    n,
    sourceFiles,
  };
}
