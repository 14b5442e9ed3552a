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
   * 'short-side' (the default) keeps the proportions: the image is resized to size/crop_pct and center-cropped.
   * 'exact' resizes each side by its own factor, without cropping.
   */
  readonly resize?: 'short-side' | 'exact';
  /** The size of the crop relative to the resized image, in (0, 1]. Default 0.875. */
  readonly crop_pct?: number;
  /** Default 'bicubic'. */
  readonly interpolation?: Interpolation;
}

export interface PreprocessOptions extends FitOptions {
  /** Mean of red, green and blue, of pixel values in [0, 1]. */
  readonly mean: readonly number[];
  /** Standard deviation of red, green and blue, of pixel values in [0, 1]. */
  readonly std: readonly number[];
}

/**
 * The size to which an image is resized before the center crop.
 *
 * With t = ⌊size/crop_pct⌋: for a square target, the shorter side becomes t and the longer ⌊t·long/short⌋, as in
 * torchvision's `Resize`; otherwise the image becomes as small as possible to cover t, rounded to the nearest, as
 * in timm's `ResizeKeepRatio`.
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
 * Resizes and crops an image to the size of a network's input.
 *
 * @throws DataError, ShapeError for an invalid image; ParamError for an invalid option
 */
export function fit(image: PixelImage, options: FitOptions): RgbImage {
  const { size, resize: how = 'short-side', crop_pct = CROP_PCT, interpolation = 'bicubic' } = options;
  checkSize(size);
  if (how === 'exact') return resize(image, size, interpolation);
  // A caller without types may pass anything.
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
 * Resizes, crops and normalizes an image to an input [3, height, width]: (v/255 − mean)/std. The bytes before
 * normalization are those of timm's evaluation with Pillow and torchvision.
 *
 * @throws DataError, ShapeError for an invalid image; ParamError for an invalid option
 */
export const preprocess = (image: PixelImage, { mean, std, ...options }: PreprocessOptions): Float32Array =>
  normalize(fit(image, options), mean, std);
