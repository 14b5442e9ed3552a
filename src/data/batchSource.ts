import type { Batch } from './batch.js';
import { batchMaker, type Images, type Order, type Recipe } from './batchMaker.js';
import type { FileSource } from './readFiles.js';

/** All that it takes to make batches; plain values and shared memory, so that a thread can be told. */
export interface BatchSource {
  readonly images: Images;
  readonly recipe: Recipe;
  /** How files become pixels, of images that are not in memory. */
  readonly files: FileSource | null;
}

/** An order, and the files of its images where they are to be read. */
export interface FileOrder extends Order {
  readonly names?: readonly string[];
}

/** Fills a batch that has room for all positions. One after the other: they may share what they read into. */
export type FillBatch = (order: FileOrder, out: Batch) => Promise<void>;

export async function batchSource({ images, recipe, files }: BatchSource): Promise<FillBatch> {
  const make = batchMaker(images, recipe);
  const { data, channels, height, width } = images;
  const length = channels * height * width;
  if (files === null) {
    return (order, out) => {
      make(order, out, (_, position) => data.subarray(position * length, (position + 1) * length));
      return Promise.resolve();
    };
  }
  // What decodes takes a moment to load: threads that have their images in memory do without.
  const { fileReader } = await import('./readFiles.js');
  const read = fileReader(files);
  let pixels = new Uint8Array(0);
  return async (order, out) => {
    const { names = [] } = order;
    if (pixels.length < names.length * length) pixels = new Uint8Array(names.length * length);
    await read(names, pixels);
    make(order, out, (i) => pixels.subarray(i * length, (i + 1) * length));
  };
}
