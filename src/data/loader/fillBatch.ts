import { disk } from '#data/disk';
import { ParamError } from '../../core/errors.js';
import { Draws } from '../augment/draws.js';
import type { Planes } from '../augment/planes.js';
import { randomResizedCropOfPicture, type RandomResizedCropOptions } from '../augment/randomResizedCrop.js';
import type { Batch } from './batch.js';
import { createMakeBatch, type BatchRecipe, type Images, type Order } from './makeBatch.js';
import type { FileSource, Readers } from './readFiles.js';

/** Everything that determines batches: plain values and shared memory, so that it can be sent to a thread. */
export interface BatchSource {
  readonly images: Images;
  readonly recipe: BatchRecipe;
  /** How files are decoded; null for images in memory. */
  readonly files: FileSource | null;
}

/** An order, with the files of its images if they are on disk. */
export interface FileOrder extends Order {
  readonly names?: readonly string[];
}

/**
 * Fills a batch that has room for all positions. Wait for one call to end before the next: calls may share their
 * buffer.
 */
export type FillBatch = (order: FileOrder, out: Batch) => Promise<void>;

/** Image k of an array [n, channels, height, width], as a view. */
function imageAt(pixels: Uint8Array, k: number, { channels, height, width }: Images): Planes {
  const length = channels * height * width;
  return { channels, height, width, data: pixels.subarray(k * length, (k + 1) * length) };
}

const createDraws = ({ seed }: BatchRecipe, { epoch, positions }: Order, i: number): Draws =>
  Draws.forImage(seed, epoch, positions[i]);

/** Batches of images in memory. */
function fromMemory({ images, recipe }: BatchSource): FillBatch {
  const make = createMakeBatch(images, recipe);
  return (order, out) => {
    make(order, out, (i) => ({
      image: imageAt(images.data, order.positions[i], images),
      draws: createDraws(recipe, order, i),
    }));
    return Promise.resolve();
  };
}

/** Batches of files that are scaled to the set's size when they are decoded. */
function fromFiles({ images, recipe }: BatchSource, files: FileSource, { createFileReader }: Readers): FillBatch {
  const make = createMakeBatch(images, recipe);
  const read = createFileReader(files);
  const length = images.channels * images.height * images.width;
  let pixels = new Uint8Array(0);
  return async (order, out) => {
    const { names = [] } = order;
    if (pixels.length < names.length * length) pixels = new Uint8Array(names.length * length);
    await read(names, pixels);
    make(order, out, (i) => ({ image: imageAt(pixels, i, images), draws: createDraws(recipe, order, i) }));
  };
}

/** Batches of files from whose original pixels random resized crops are cut. */
function fromCrops(
  { images, recipe }: BatchSource,
  files: FileSource,
  crop: RandomResizedCropOptions,
  { createImageReader }: Readers,
): FillBatch {
  const { randomResizedCrop: _, ...augment } = recipe.augment;
  const make = createMakeBatch(images, { ...recipe, augment });
  const read = createImageReader(files);
  return async (order, out) => {
    const { names = [] } = order;
    // The crop uses the first draws of an image, as it does for images in memory.
    const draws = names.map((__, i) => createDraws(recipe, order, i));
    const crops: Planes[] = [];
    // Each picture is released after its crop: pictures may be of any size.
    await read(names, (image, i) => {
      crops[i] = randomResizedCropOfPicture(image, recipe.fit.size, crop, draws[i]);
    });
    make(order, out, (i) => ({ image: crops[i], draws: draws[i] }));
  };
}

/** @throws ParamError for images in files on a runtime that reads no files */
export async function createFillBatch(source: BatchSource): Promise<FillBatch> {
  const { files, recipe } = source;
  if (files === null) return fromMemory(source);
  if (disk.readers === null) {
    const expected = 'images in memory, as this runtime reads no files';
    throw new ParamError({ op: 'files', expected, got: files.root, hint: 'Read them in Node first: loadSubset.' });
  }
  const readers = await disk.readers();
  const { randomResizedCrop: crop } = recipe.augment;
  return files.cropFromOriginal === true && crop !== undefined
    ? fromCrops(source, files, crop, readers)
    : fromFiles(source, files, readers);
}
