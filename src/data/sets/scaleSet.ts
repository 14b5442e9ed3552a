import { keepsImage, type FitOptions } from '../../image/preprocess.js';
import { checkMemory } from './memory.js';
import { fitPlanes } from '../augment/scale.js';
import type { ImageSet } from './dataset.js';

/** `fit` of all images of a set, which has three channels; the set itself if that changes nothing. */
export function scaleSet(set: ImageSet, options: Required<FitOptions>): ImageSet {
  const [height, width] = options.size;
  if (keepsImage(set, options)) return set;
  checkMemory('size', set.n, options.size);
  const from = 3 * set.height * set.width;
  const to = 3 * height * width;
  const images = new Uint8Array(set.n * to);
  for (let i = 0; i < set.n; i++) {
    const data = set.images.subarray(i * from, (i + 1) * from);
    images.set(fitPlanes({ data, channels: 3, height: set.height, width: set.width }, options).data, i * to);
  }
  return { ...set, images, height, width, fit: options };
}
