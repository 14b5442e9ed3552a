import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import type { RgbImage } from '../../image/pixelImage.js';
import { readBytes } from '../../io/readFile.js';
import { MAX_CONCURRENT, mapConcurrent } from '../mapConcurrent.js';
import type { ImageFiles } from '../sets/dataset.js';
import { createDecoder } from '../decode/createDecoder.js';
import { readImage } from '../decode/image.js';

/** Where and how files are read; which ones is said with every batch. */
export type FileSource = Omit<ImageFiles, 'names'>;

/** Reads files into [files.length, 3, height, width]. */
export type ReadFiles = (names: readonly string[], pixels: Uint8Array) => Promise<void>;

/** @throws DataError naming the file that is gone or damaged, where it is read */
export function createFileReader({ root, fit }: FileSource): ReadFiles {
  const decode = createDecoder(fit);
  const length = 3 * fit.size[0] * fit.size[1];
  return (names, pixels) =>
    mapConcurrent(names.length, MAX_CONCURRENT, async (i) => {
      const path = join(root, names[i]);
      await decode(await readBytes(path, DataError), path, pixels.subarray(i * length, (i + 1) * length));
    });
}

/** Reads files whole, and lets go of each when it was looked at. */
export type ReadImages = (names: readonly string[], look: (image: RgbImage, i: number) => void) => Promise<void>;

/** @throws DataError as `fileReader` does */
export const createImageReader =
  ({ root }: FileSource): ReadImages =>
  (names, look) =>
    mapConcurrent(names.length, MAX_CONCURRENT, async (i) => {
      look(await readImage(join(root, names[i])), i);
    });
