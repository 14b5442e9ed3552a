import { disk } from '#data/disk';
import { ParamError } from '../../core/errors.js';
import { Draws } from '../augment/draws.js';
import type { Planes } from '../augment/planes.js';
import { randomResizedCropOfPicture } from '../augment/randomResizedCrop.js';
import type { Batch } from './batch.js';
import { createMakeBatch, type Images, type Order, type BatchRecipe } from './makeBatch.js';
import type { FileSource } from './readFiles.js';

/** All that it takes to make batches; plain values and shared memory, so that a thread can be told. */
export interface BatchSource {
  readonly images: Images;
  readonly recipe: BatchRecipe;
  /** How files become pixels, of images that are not in memory. */
  readonly files: FileSource | null;
}

/** An order, and the files of its images where they are to be read. */
export interface FileOrder extends Order {
  readonly names?: readonly string[];
}

/** Fills a batch that has room for all positions. One after the other: they may share what they read into. */
export type FillBatch = (order: FileOrder, out: Batch) => Promise<void>;

/** @throws ParamError for images in files where there are none */
export async function createFillBatch({ images, recipe, files }: BatchSource): Promise<FillBatch> {
  const { data, channels, height, width } = images;
  const length = channels * height * width;
  const drawsOf = ({ epoch, positions }: Order, i: number): Draws => Draws.forImage(recipe.seed, epoch, positions[i]);
  const imageIn = (pixels: Uint8Array, at: number): Planes => ({
    ...{ channels, height, width },
    data: pixels.subarray(at * length, (at + 1) * length),
  });
  if (files === null) {
    const make = createMakeBatch(images, recipe);
    return (order, out) => {
      make(order, out, (i) => ({ image: imageIn(data, order.positions[i]), draws: drawsOf(order, i) }));
      return Promise.resolve();
    };
  }
  if (disk.readers === null) {
    throw new ParamError({ op: 'files', expected: 'images in memory, as there are no files here', got: files.root });
  }
  const { createFileReader, createImageReader } = await disk.readers();
  const { randomResizedCrop: crop, ...rest } = recipe.augment;
  if (files.cropFromOriginal === true && crop !== undefined) {
    // The first thing that is drawn; pictures are let go one by one, for they may be of any size.
    const make = createMakeBatch(images, { ...recipe, augment: rest });
    const read = createImageReader(files);
    return async (order, out) => {
      const { names = [] } = order;
      const drawn = names.map((_, i) => drawsOf(order, i));
      const cropped: Planes[] = [];
      await read(names, (image, i) => {
        cropped[i] = randomResizedCropOfPicture(image, recipe.size, crop, drawn[i]);
      });
      make(order, out, (i) => ({ image: cropped[i], draws: drawn[i] }));
    };
  }
  const make = createMakeBatch(images, recipe);
  const read = createFileReader(files);
  let pixels = new Uint8Array(0);
  return async (order, out) => {
    const { names = [] } = order;
    if (pixels.length < names.length * length) pixels = new Uint8Array(names.length * length);
    await read(names, pixels);
    make(order, out, (i) => ({ image: imageIn(pixels, i), draws: drawsOf(order, i) }));
  };
}
