import { join } from 'node:path';
import type { Size } from '../core/shapes.js';
import { DataError } from '../core/errors.js';
import { readBytes } from '../io/readFile.js';
import { AT_A_TIME, atATime } from './atATime.js';
import type { Draws } from './augment/draws.js';
import type { Planes } from './augment/planes.js';
import { randomResizedCropOf, type RandomResizedCropOptions } from './augment/randomResizedCrop.js';
import type { ImageFiles } from './dataset.js';
import { decoderTo } from './decoder.js';
import { readImage } from './image.js';

/** Where and how files are read; which ones is said with every batch. */
export type FileSource = Omit<ImageFiles, 'names'>;

/** Reads files into [files.length, 3, height, width]. */
export type ReadFiles = (names: readonly string[], pixels: Uint8Array) => Promise<void>;

/** @throws DataError naming the file that is gone or damaged, where it is read */
export function fileReader({ root, fit }: FileSource): ReadFiles {
  const decode = decoderTo(fit);
  const length = 3 * fit.size[0] * fit.size[1];
  return (names, pixels) =>
    atATime(names.length, AT_A_TIME, async (i) => {
      const path = join(root, names[i]);
      await decode(await readBytes(path, DataError), path, pixels.subarray(i * length, (i + 1) * length));
    });
}

/** Reads files, and of each the crop that is drawn for it. */
export type ReadCrops = (names: readonly string[], draws: readonly Draws[]) => Promise<Planes[]>;

/** @throws DataError as `fileReader` does */
export function cropReader({ root }: FileSource, size: Size, options: RandomResizedCropOptions): ReadCrops {
  return async (names, draws) => {
    const cropped: Planes[] = [];
    await atATime(names.length, AT_A_TIME, async (i) => {
      cropped[i] = randomResizedCropOf(await readImage(join(root, names[i])), size, options, draws[i]);
    });
    return cropped;
  };
}
