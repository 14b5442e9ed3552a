import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import type { RgbImage } from '../../image/pixelImage.js';
import { readBytes } from '../../io/readFile.js';
import { MAX_CONCURRENT, mapConcurrent } from '../mapConcurrent.js';
import type { ImageFiles } from '../sets/dataset.js';
import { createDecoder } from '../decode/createDecoder.js';
import { readImage } from '../decode/image.js';

/** The folder and decoding of files; their names come with every batch. */
export type FileSource = Omit<ImageFiles, 'names'>;

/** Reads and decodes files into an array [files, 3, height, width]. */
export type ReadFiles = (names: readonly string[], pixels: Uint8Array) => Promise<void>;

/** @throws DataError (when reading) naming a file that is missing or damaged */
export function createFileReader({ root, fit, exifOrientation = true }: FileSource): ReadFiles {
  const decode = createDecoder(fit, { exifOrientation });
  const length = 3 * fit.size[0] * fit.size[1];
  return (names, pixels) =>
    mapConcurrent(names.length, MAX_CONCURRENT, async (i) => {
      const path = join(root, names[i]);
      await decode(await readBytes(path, DataError), path, pixels.subarray(i * length, (i + 1) * length));
    });
}

/** Reads files in their original size, and releases each image after `use` has returned. */
export type ReadImages = (names: readonly string[], use: (image: RgbImage, i: number) => void) => Promise<void>;

/** @throws DataError as `createFileReader` does */
export const createImageReader =
  ({ root, exifOrientation = true }: FileSource): ReadImages =>
  (names, use) =>
    mapConcurrent(names.length, MAX_CONCURRENT, async (i) => {
      use(await readImage(join(root, names[i]), { exifOrientation }), i);
    });

/** The functions of this module, which needs Node and a decoder: `#data/disk` loads it on demand. */
export interface Readers {
  readonly createFileReader: (source: FileSource) => ReadFiles;
  readonly createImageReader: (source: FileSource) => ReadImages;
}
