import { roundHalfEven } from '../../image/crop.js';
import { isGrayscale, lumaPlane } from '../../image/luma.js';
import { normalizationTables } from '../../image/normalize.js';
import type { FitOptions } from '../../image/preprocess.js';
import { Draws } from '../augment/draws.js';
import { applyMix, drawMix, type MixOptions } from '../augment/mix.js';
import type { AugmentOptions } from '../augment/options.js';
import { createTransform } from '../augment/pipeline.js';
import type { Planes } from '../augment/planes.js';
import { randomErasing } from '../augment/randomErasing.js';
import type { Batch } from './batch.js';

/** The images of a set, in memory that threads can share. */
export interface Images {
  /** Pixels [n, channels, height, width]; empty if they are read from files. */
  readonly data: Uint8Array;
  readonly labels: Int32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
}

/** How batches are made of images; plain values, so that they can be sent to a thread. */
export interface BatchRecipe {
  readonly seed: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly fit: Required<FitOptions>;
  readonly smoothing: number;
  readonly augment: AugmentOptions;
  readonly mix: MixOptions;
}

/** Identifies a batch: step `step` of epoch `epoch`, with the images at these positions of the set. */
export interface Order {
  readonly epoch: number;
  readonly step: number;
  readonly positions: Int32Array;
}

/** An image with its random numbers, of which a crop may have used some already. */
export interface ImageDraws {
  readonly image: Planes;
  readonly draws: Draws;
}

/** The i-th image of an order. */
export type ImageOf = (i: number) => ImageDraws;

/** Augments and normalizes the images of an order into a batch that has room for all of them. */
export type MakeBatch = (order: Order, out: Batch, imageOf: ImageOf) => void;

/** Channels of the batches: 1 if images of 3 channels are converted to grayscale. */
export const inputChannels = (channels: number, { mean, std }: Pick<BatchRecipe, 'mean' | 'std'>): number =>
  isGrayscale(channels, mean, std) ? 1 : channels;

/** Creates a function whose batches depend only on images, recipe and order. */
export function createMakeBatch(images: Images, recipe: BatchRecipe): MakeBatch {
  const { classes } = images;
  const isGray = isGrayscale(images.channels, recipe.mean, recipe.std);
  const channels = inputChannels(images.channels, recipe);
  const { seed, fit, smoothing, mix } = recipe;
  const { size } = fit;
  const tables = normalizationTables(channels, recipe.mean, recipe.std).map((table) => Float32Array.from(table));
  const fills = recipe.mean.map((m) => Math.min(255, Math.max(0, roundHalfEven(255 * m))));
  // Transforms see colors.
  const fill = isGray ? [fills[0], fills[0], fills[0]] : fills;
  const transform = createTransform(recipe.augment, fit, fill);
  const { randomErasing: erasing } = recipe.augment;
  const area = size[0] * size[1];
  const off = smoothing / classes;

  return ({ epoch, step, positions }, { x, targets, labels }, imageOf) => {
    targets.fill(off);
    for (let i = 0; i < positions.length; i++) {
      const { image: original, draws } = imageOf(i);
      const { data } = transform(original, draws);
      const pixels = isGray ? lumaPlane(data, area) : data;
      for (let c = 0, from = 0, to = i * channels * area; c < channels; c++) {
        const table = tables[c];
        for (const end = from + area; from < end;) x[to++] = table[pixels[from++]];
      }
      if (erasing !== undefined) {
        randomErasing(x.subarray(i * channels * area, (i + 1) * channels * area), size, erasing, draws);
      }
      labels[i] = images.labels[positions[i]];
      targets[i * classes + labels[i]] = 1 - smoothing + off;
    }
    applyMix(drawMix(mix, size, Draws.forBatch(seed, epoch, step)), positions.length, x, targets, size);
  };
}
