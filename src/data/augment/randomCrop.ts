import type { Draws } from './draws.js';
import { emptyPlanes, type Planes } from './planes.js';

export interface RandomCropOptions {
  /** Pixels added on each side before the crop, an integer >= 0; below the image's sides for 'reflect'. */
  readonly padding: number;
  /** What is added: black, or the image mirrored at its outermost pixels. 0 where it is not given. */
  readonly fill?: 0 | 'reflect';
}

/** Position −1 of a line is its pixel 1, position n its pixel n − 2. */
const reflectIndex = (at: number, n: number): number => (at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at);

/** A window of the image's own size, `top` and `left` from the image's corner; it may reach beyond. */
export function shift(image: Planes, top: number, left: number, fill: 0 | 'reflect'): Planes {
  const { data: source, channels, height, width } = image;
  const out = emptyPlanes(image, height, width);
  const begin = Math.max(0, -left);
  const end = Math.min(width, width - left);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const inside = top + y >= 0 && top + y < height;
      if (!inside && fill === 0) continue;
      const row = (c * height + (inside ? top + y : reflectIndex(top + y, height))) * width;
      const to = (c * height + y) * width;
      for (let x = begin; x < end; x++) out.data[to + x] = source[row + left + x];
      if (fill === 0) continue;
      for (let x = 0; x < begin; x++) out.data[to + x] = source[row + reflectIndex(left + x, width)];
      for (let x = end; x < width; x++) out.data[to + x] = source[row + reflectIndex(left + x, width)];
    }
  }
  return out;
}

/** torchvision's `RandomCrop` to the image's own size, of the image padded on all sides. */
export function randomCrop(image: Planes, { padding, fill = 0 }: RandomCropOptions, draws: Draws): Planes {
  const top = draws.integerBelow(2 * padding + 1) - padding;
  const left = draws.integerBelow(2 * padding + 1) - padding;
  return shift(image, top, left, fill);
}
