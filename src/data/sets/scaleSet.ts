import type { Interpolation } from '../../core/config.js';
import type { Size } from '../../core/shapes.js';
import { resize } from '../../image/resize.js';
import { checkMemory } from './memory.js';
import { toPixels, toPlanes } from '../decode/planar.js';
import type { ImageSet } from './dataset.js';

/** Scales all images to a size, without keeping their proportions. A set of that size is returned as it is. */
export function scaleSet(set: ImageSet, size: Size, interpolation: Interpolation = 'bicubic'): ImageSet {
  const [height, width] = size;
  if (set.height === height && set.width === width) return set;
  checkMemory('size', set.n, size);
  const from = 3 * set.height * set.width;
  const to = 3 * height * width;
  const images = new Uint8Array(set.n * to);
  for (let i = 0; i < set.n; i++) {
    const data = toPixels(set.images.subarray(i * from, (i + 1) * from));
    const scaled = resize({ data, height: set.height, width: set.width }, size, interpolation);
    toPlanes(scaled.data, images.subarray(i * to, (i + 1) * to));
  }
  return { ...set, images, height, width };
}
