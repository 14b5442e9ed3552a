import type { Size } from '../core/shapes.js';
import { channelsOf, checkPixels, checkSize, type PixelImage, type RgbImage } from './pixelImage.js';

/** A rectangle in pixels, relative to the top left of an image. It may extend beyond the image. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Python's round(): ties to even. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const half = x - floor === 0.5;
  return half ? floor + (floor % 2) : Math.round(x);
}

/**
 * The first of the middle `crop` of `size` pixels: round((size − crop)/2), or −⌊(crop − size)/2⌋ if the crop is
 * larger, as in torchvision's `center_crop` with Python's rounding.
 */
const centerOffset = (size: number, crop: number): number =>
  crop <= size ? roundHalfEven((size - crop) / 2) : -Math.floor((crop - size) / 2);

/** The window of a center crop. */
export const centerWindow = ([h, w]: Size, [height, width]: Size): Window => ({
  top: centerOffset(h, height),
  left: centerOffset(w, width),
  height,
  width,
});

/** The pixels of a window, without alpha; black outside of the image. */
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
 * The center of an image, as torchvision's `CenterCrop`; black where the image is smaller than the crop.
 *
 * @param size [height, width] of the result
 * @throws DataError, ShapeError for an invalid image; ParamError for an invalid size
 */
export function centerCrop(image: PixelImage, size: Size): RgbImage {
  channelsOf('centerCrop', image);
  checkSize(size);
  checkPixels('size', size[0], size[1]);
  return cut(image, centerWindow([image.height, image.width], size));
}
