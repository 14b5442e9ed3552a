import type { FitOptions } from '../../image/preprocess.js';
import type { Fill } from './affine.js';
import { colorJitter } from './colorJitter.js';
import type { Draws } from './draws.js';
import { horizontalFlip } from './horizontalFlip.js';
import type { AugmentOptions } from './options.js';
import type { Planes } from './planes.js';
import { randAugment } from './randAugment.js';
import { randomCrop } from './randomCrop.js';
import { randomResizedCrop } from './randomResizedCrop.js';
import { rotation } from './rotation.js';
import { fitPlanes } from './scale.js';

/** Transforms an image into a new one. */
export type Transform = (image: Planes, draws: Draws) => Planes;

/**
 * Creates the transform of an image before it is normalized: augmentation, and `fit` of what a crop leaves.
 *
 * @param fill the color outside of the image for RandAugment's geometric ops, 0..255 for each channel
 */
export function createTransform(options: AugmentOptions, fit: Required<FitOptions>, fill: Fill): Transform {
  const { randomCrop: crop, randomResizedCrop: resizedCrop, horizontalFlip: flip } = options;
  const { colorJitter: jitter, rotation: degrees, randAugment: ops } = options;
  const steps: Transform[] = [];
  if (crop !== undefined) steps.push((image, draws) => randomCrop(image, crop, draws));
  if (resizedCrop !== undefined) steps.push((image, draws) => randomResizedCrop(image, fit.size, resizedCrop, draws));
  else steps.push((image) => fitPlanes(image, fit));
  if (jitter !== undefined) steps.push((image, draws) => colorJitter(image, jitter, draws));
  if (flip !== undefined) steps.push((image, draws) => (draws.bernoulli(flip) ? horizontalFlip(image) : image));
  if (degrees !== undefined) steps.push((image, draws) => rotation(image, degrees, draws));
  if (ops !== undefined) steps.push((image, draws) => randAugment(image, ops, fill, draws));
  return (image, draws) => steps.reduce((result, step) => step(result, draws), image);
}
