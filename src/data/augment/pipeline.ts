import type { Size } from '../../core/shapes.js';
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
import { scaleWindow } from './scale.js';

/** Transforms an image into a new one. */
export type Transform = (image: Planes, draws: Draws) => Planes;

/**
 * Creates the transform of an image before it is normalized: augmentation, and scaling to `size`.
 *
 * @param fill the color outside of the image for RandAugment's geometric ops, 0..255 for each channel
 */
export function createTransform(options: AugmentOptions, size: Size, fill: Fill): Transform {
  const { randomCrop: crop, randomResizedCrop: resizedCrop, horizontalFlip: flip } = options;
  const { colorJitter: jitter, rotation: degrees, randAugment: ops } = options;
  const steps: Transform[] = [];
  if (crop !== undefined) steps.push((image, draws) => randomCrop(image, crop, draws));
  if (resizedCrop !== undefined) steps.push((image, draws) => randomResizedCrop(image, size, resizedCrop, draws));
  steps.push((image) => {
    const { height, width } = image;
    const fits = height === size[0] && width === size[1];
    return fits ? image : scaleWindow(image, { top: 0, left: 0, height, width }, size);
  });
  if (jitter !== undefined) steps.push((image, draws) => colorJitter(image, jitter, draws));
  if (flip !== undefined) steps.push((image, draws) => (draws.bernoulli(flip) ? horizontalFlip(image) : image));
  if (degrees !== undefined) steps.push((image, draws) => rotation(image, degrees, draws));
  if (ops !== undefined) steps.push((image, draws) => randAugment(image, ops, fill, draws));
  return (image, draws) => steps.reduce((result, step) => step(result, draws), image);
}
