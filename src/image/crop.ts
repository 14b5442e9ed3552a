import type { Size } from '../core/shapes.js';
import { channelsOf, checkSize, type PixelImage, type RgbImage } from './pixelImage.js';

/** A part of an image, in pixels from its top left. It may reach beyond the image. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Python's round(): a half goes to the even side. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const half = x - floor === 0.5;
  return half ? floor + (floor % 2) : Math.round(x);
}

/**
 * Where the middle `crop` of `size` pixels begins: round((size − crop)/2), and for a
 * longer crop −⌊(crop − size)/2⌋, as many zeros before the image. This is what
 * torchvision's `center_crop` does, with Python's rounding.
 */
const centerOffset = (size: number, crop: number): number =>
  crop <= size ? roundHalfEven((size - crop) / 2) : -Math.floor((crop - size) / 2);

/** The middle of an image of the given size. */
export const centerWindow = ([h, w]: Size, [height, width]: Size): Window => ({
  top: centerOffset(h, height),
  left: centerOffset(w, width),
  height,
  width,
});

/** The pixels of a window, without alpha; beyond the image they are black. */
export function cut(image: PixelImage, { top, left, height, width }: Window): RgbImage {
  const channels = channelsOf('cut', image);
  const data = new Uint8Array(3 * width * height);
  const bottom = Math.min(height, image.height - top);
  const begin = Math.max(0, -left);
  const end = Math.min(width, image.width - left);
  for (let y = Math.max(0, -top); y < bottom; y++) {
    let from = channels * ((top + y) * image.width + left + begin);
    let to = 3 * (y * width + begin);
    for (let x = begin; x < end; x++, from += channels, to += 3) {
      data[to] = image.data[from];
      data[to + 1] = image.data[from + 1];
      data[to + 2] = image.data[from + 2];
    }
  }
  return { data, width, height };
}

/**
 * The middle of an image, exactly as torchvision's `CenterCrop`; what the image does
 * not fill is black.
 *
 * @throws DataError, ShapeError for an image that is none; ParamError for a size that none has.
 */
export function centerCrop(image: PixelImage, size: Size): RgbImage {
  channelsOf('centerCrop', image);
  checkSize(size);
  return cut(image, centerWindow([image.height, image.width], size));
}
