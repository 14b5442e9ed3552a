import { checkKeys, checkNumber, checkObject, checkOneOf } from '../core/check.js';
import { CROP_PCT, INTERPOLATIONS, type Interpolation, type ModelConfig } from '../core/config.js';
import type { Size } from '../core/shapes.js';
import { centerWindow, roundHalfEven } from './crop.js';
import { normalize } from './normalize.js';
import { channelsOf, checkSize, type PixelImage, type RgbImage } from './pixelImage.js';
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

/** `FitOptions` whose values may be undefined, which means the default. */
type OptionalFit = Pick<FitOptions, 'size'> & { readonly [K in keyof FitOptions]: FitOptions[K] | undefined };

const FIT_KEYS = ['size', 'resize', 'crop_pct', 'interpolation'] as const satisfies (keyof FitOptions)[];
const PREPROCESS_KEYS = [...FIT_KEYS, 'mean', 'std'] as const satisfies (keyof PreprocessOptions)[];

/** Where the preparation of an image is recorded: in a configuration. */
type Preparation = Pick<ModelConfig, 'input_size' | 'crop_pct' | 'interpolation'>;

/**
 * The options of `fit` that a configuration records: how validation prepared its images, and how `classify` prepares
 * its own.
 *
 * @throws ParamError for a value that `resolveConfig` would refuse
 */
export function fitOptions(config: Preparation): Required<FitOptions> {
  const { input_size: size, crop_pct, interpolation } = checkObject('config', config);
  return resolveFit({ size, resize: 'short-side', crop_pct, interpolation });
}

/** The options of `preprocess` that a configuration records. */
export function preprocessOptions(
  config: Preparation & Pick<ModelConfig, 'mean' | 'std'>,
): Required<PreprocessOptions> {
  const { mean, std } = checkObject('config', config);
  return { ...fitOptions(config), mean, std };
}

/**
 * Checks options of `fit`, and adds the defaults.
 *
 * @param cropPct the default of `crop_pct`
 * @throws ParamError naming the option
 */
export function resolveFit(options: OptionalFit, cropPct = CROP_PCT): Required<FitOptions> {
  checkKeys(checkObject('fit', options), FIT_KEYS, (key) => key);
  const { size, resize: how = 'short-side', crop_pct = cropPct, interpolation = 'bicubic' } = options;
  checkSize(size);
  return {
    size: [size[0], size[1]],
    resize: checkOneOf('resize', how, ['short-side', 'exact']),
    crop_pct: checkNumber('crop_pct', crop_pct, { above: 0, max: 1 }),
    interpolation: checkOneOf('interpolation', interpolation, INTERPOLATIONS),
  };
}

/** Whether `fit` leaves an image of this size as it is. */
export const keepsImage = (
  { height, width }: Pick<PixelImage, 'height' | 'width'>,
  { size, resize: how, crop_pct }: Required<FitOptions>,
): boolean => height === size[0] && width === size[1] && (how === 'exact' || crop_pct === 1);

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
  const { size, resize: how, crop_pct, interpolation } = resolveFit(options);
  channelsOf('fit', image);
  if (how === 'exact') return resize(image, size, interpolation);
  const scaled = scaledSize([image.height, image.width], size, crop_pct);
  return resizePart(image, scaled, interpolation, centerWindow(scaled, size));
}

/**
 * Resizes, crops and normalizes an image to an input [3, height, width]: (v/255 − mean)/std. The bytes before
 * normalization are those of timm's evaluation with Pillow and torchvision.
 *
 * @throws DataError, ShapeError for an invalid image; ParamError for an invalid option
 */
export function preprocess(image: PixelImage, options: PreprocessOptions): Float32Array {
  checkKeys(checkObject('preprocess', options), PREPROCESS_KEYS, (key) => key);
  const { mean, std, ...fitting } = options;
  return normalize(fit(image, fitting), mean, std);
}
