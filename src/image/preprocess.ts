import { CROP_PCT, type Interpolation } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import type { Size } from '../core/shapes.js';
import { centerWindow, roundHalfEven } from './crop.js';
import { normalize } from './normalize.js';
import { checkSize, type PixelImage, type RgbImage } from './pixelImage.js';
import { resize, resizePart } from './resize.js';

export interface FitOptions {
  /** Height and width of the result. */
  readonly size: Size;
  /**
   * 'short-side' (the default) keeps the proportions, and cuts the middle out of an image
   * scaled to size/crop_pct; 'exact' scales each side by itself and cuts nothing.
   */
  readonly resize?: 'short-side' | 'exact';
  /** The share of the scaled image's side that the middle is, in (0, 1]; 0.875 where it is not given. */
  readonly crop_pct?: number;
  /** 'bicubic' where it is not given. */
  readonly interpolation?: Interpolation;
}

export interface PreprocessOptions extends FitOptions {
  /** Mean and deviation of red, green and blue, of pixels in 0..1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * The size that an image is scaled to before its middle is cut out.
 *
 * With t = ⌊size/crop_pct⌋, a square target makes the shorter side t and the longer one
 * ⌊t·long/short⌋ (torchvision's `Resize`); another target makes both sides as small as
 * covers t, rounded to the nearest (timm's `ResizeKeepRatio`).
 */
export function scaledSize([h, w]: Size, size: Size, crop_pct: number): Size {
  const [height, width] = size.map((side) => Math.floor(side / crop_pct));
  if (height === width) {
    return h <= w ? [height, Math.floor((height * w) / h)] : [Math.floor((height * h) / w), height];
  }
  const ratio = Math.min(h / height, w / width);
  return [roundHalfEven(h / ratio), roundHalfEven(w / ratio)];
}

/**
 * An image scaled and cut to the size of a network's input.
 *
 * @throws DataError, ShapeError for an image that is none; ParamError for an option out of range
 */
export function fit(image: PixelImage, options: FitOptions): RgbImage {
  const { size, resize: how = 'short-side', crop_pct = CROP_PCT, interpolation = 'bicubic' } = options;
  checkSize(size);
  if (how === 'exact') return resize(image, size, interpolation);
  // A caller without types may ask for something else.
  if ((how as string) !== 'short-side') {
    throw new ParamError({ op: 'resize', expected: "'short-side' or 'exact'", got: how });
  }
  if (!(crop_pct > 0 && crop_pct <= 1)) {
    throw new ParamError({ op: 'crop_pct', expected: 'a number in (0, 1]', got: String(crop_pct) });
  }
  const scaled = scaledSize([image.height, image.width], size, crop_pct);
  return resizePart(image, scaled, interpolation, centerWindow(scaled, size));
}

/**
 * An image as a network's input [3, height, width]: scaled, cut, and (v/255 − mean)/std.
 * The pixels are, bit for bit, those of timm's evaluation (Pillow and torchvision).
 *
 * @throws DataError, ShapeError for an image that is none; ParamError for an option out of range
 */
export const preprocess = (image: PixelImage, { mean, std, ...options }: PreprocessOptions): Float32Array =>
  normalize(fit(image, options), mean, std);
