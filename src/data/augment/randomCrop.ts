import type { Draws } from './draws.js';
import { emptyPlanes, type Planes } from './planes.js';

export interface RandomCropOptions {
  /** Pixels added on each side before the crop, an integer >= 0; for 'reflect' less than the image's sides. */
  readonly padding: number;
  /** The added pixels: 0 for black, or the image mirrored at its border pixels. Default 0. */
  readonly fill?: 0 | 'reflect';
}

/** Index −1 of a line is mirrored to 1, index n to n − 2. */
const reflectIndex = (i: number, n: number): number => (i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i);

/** A window of the image's own size at (top, left), which may extend beyond the image. */
export function shift(image: Planes, top: number, left: number, fill: 0 | 'reflect'): Planes {
  const { data: source, channels, height, width } = image;
  const out = emptyPlanes(image, height, width);
  const begin = Math.max(0, -left);
  const end = Math.min(width, width - left);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const isInside = top + y >= 0 && top + y < height;
      if (!isInside && fill === 0) continue;
      const row = (c * height + (isInside ? top + y : reflectIndex(top + y, height))) * width;
      const to = (c * height + y) * width;
      for (let x = begin; x < end; x++) out.data[to + x] = source[row + left + x];
      if (fill === 0) continue;
      for (let x = 0; x < begin; x++) out.data[to + x] = source[row + reflectIndex(left + x, width)];
      for (let x = end; x < width; x++) out.data[to + x] = source[row + reflectIndex(left + x, width)];
    }
  }
  return out;
}

/** torchvision's `RandomCrop`: pads the image on all sides, and crops it to its own size. */
export function randomCrop(image: Planes, { padding, fill = 0 }: RandomCropOptions, draws: Draws): Planes {
  const top = draws.integerBelow(2 * padding + 1) - padding;
  const left = draws.integerBelow(2 * padding + 1) - padding;
  return shift(image, top, left, fill);
}
