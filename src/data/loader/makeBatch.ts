import type { Size } from '../../core/shapes.js';
import { roundHalfEven } from '../../image/crop.js';
import { normalizationTables } from '../../image/normalize.js';
import { Draws } from '../augment/draws.js';
import { applyMix, drawMix, type MixOptions } from '../augment/mix.js';
import type { AugmentOptions } from '../augment/options.js';
import { createTransform } from '../augment/pipeline.js';
import type { Planes } from '../augment/planes.js';
import { randomErasing } from '../augment/randomErasing.js';
import type { Batch } from './batch.js';

/** Images in memory that threads can share; without `data` where their pixels come with the order. */
export interface Images {
  /** [n, channels, height, width], or empty */
  readonly data: Uint8Array;
  readonly labels: Int32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
}

/** How batches are made of them; plain values, so that a thread can be told. */
export interface BatchRecipe {
  readonly seed: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly size: Size;
  readonly smoothing: number;
  readonly augment: AugmentOptions;
  readonly mix: MixOptions;
}

/** Which batch: step `step` of epoch `epoch` has the images at these positions. */
export interface Order {
  readonly epoch: number;
  readonly step: number;
  readonly positions: Int32Array;
}

/** An image, and what is to be drawn for it yet. */
export interface ImageDraws {
  readonly image: Planes;
  readonly draws: Draws;
}

/** The i-th image of an order. */
export type ImageOf = (i: number) => ImageDraws;

/** Fills a batch that has room for all positions. */
export type MakeBatch = (order: Order, out: Batch, imageOf: ImageOf) => void;

/** Makes batches that depend on images, recipe and order alone. */
export function createMakeBatch(images: Images, recipe: BatchRecipe): MakeBatch {
  const { channels, classes } = images;
  const { seed, size, smoothing, mix } = recipe;
  const tables = normalizationTables(channels, recipe.mean, recipe.std).map((table) => Float32Array.from(table));
  const fill = recipe.mean.map((m) => Math.min(255, Math.max(0, roundHalfEven(255 * m))));
  const transform = createTransform(recipe.augment, size, fill);
  const { randomErasing: erasing } = recipe.augment;
  const area = size[0] * size[1];
  const others = smoothing / classes;

  return ({ epoch, step, positions }, { x, targets, labels }, imageOf) => {
    targets.fill(others);
    for (let i = 0; i < positions.length; i++) {
      const { image: given, draws } = imageOf(i);
      const image = transform(given, draws);
      for (let c = 0, from = 0, to = i * channels * area; c < channels; c++) {
        const table = tables[c];
        for (const end = from + area; from < end;) x[to++] = table[image.data[from++]];
      }
      if (erasing !== undefined) {
        randomErasing(x.subarray(i * channels * area, (i + 1) * channels * area), size, erasing, draws);
      }
      labels[i] = images.labels[positions[i]];
      targets[i * classes + labels[i]] = 1 - smoothing + others;
    }
    applyMix(drawMix(mix, size, Draws.forBatch(seed, epoch, step)), positions.length, x, targets, size);
  };
}
