/** How `eval` prepares pictures: as the weights say, or as the evaluation of the official code. */
import type { ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import type { FitOptions } from '../image/preprocess.js';

export const PROTOCOLS = ['weights', 'official'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** How a picture becomes an input. */
export interface Preparation
  extends Pick<ModelConfig, 'input_size' | 'crop_pct' | 'interpolation' | 'mean' | 'std'>, Pick<FitOptions, 'resize'> {
  readonly protocol: Protocol;
  readonly resize: 'short-side' | 'exact';
  /** Whether pictures are turned upright by their EXIF orientation. */
  readonly exifOrientation: boolean;
}

/** The side from which the official code warps pictures instead of cropping them, and up to which it does not scale them. */
const [WARPED, UNSCALED] = [384, 32];
/** `crop_pct` of the official code, and the side below which the default of this package is 1. */
const [CROP_PCT, SMALL] = [0.875, 64];
const [MEAN, STD] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];

/**
 * The preparation of the official code's evaluation (its build_transform), whatever the weights say of it: bicubic, mean and
 * deviation of ImageNet, no EXIF orientation.
 *
 * @throws ParamError for an input that the official code does not have
 */
function officialPreparation(config: ModelConfig, cropPct: number | undefined): Preparation {
  const { input_size, in_chans } = config;
  const [height, width] = input_size;
  const refuse = (expected: string, got: string, hint: string): never => {
    throw new ParamError({ op: '--protocol official', expected, got, hint });
  };
  if (in_chans !== MEAN.length) refuse('a network for RGB images', `in_chans ${in_chans}`, 'Omit --protocol.');
  if (height !== width) {
    refuse('a square input', `${height}x${width}`, 'Omit --protocol, or pass one number as --input-size.');
  }
  if (height <= UNSCALED) {
    const hint = 'The official code does not scale pictures for smaller ones. Omit --protocol.';
    refuse(`an input of more than ${UNSCALED} pixels a side`, `${height}`, hint);
  }
  if (height >= WARPED && cropPct !== undefined) {
    const hint = 'Omit --crop-pct: the official code warps pictures to an input of this size.';
    refuse(`no --crop-pct for an input of ${WARPED} pixels or more`, `${cropPct}`, hint);
  }
  // The default of this package for small inputs.
  const stated = height < SMALL && config.crop_pct === 1 ? CROP_PCT : config.crop_pct;
  return {
    ...{ protocol: 'official', input_size, interpolation: 'bicubic', mean: MEAN, std: STD, exifOrientation: false },
    crop_pct: height >= WARPED ? 1 : (cropPct ?? stated),
    resize: height >= WARPED ? 'exact' : 'short-side',
  };
}

/** @throws ParamError */
export function preparationOf(
  config: ModelConfig,
  { protocol, cropPct }: { readonly protocol: Protocol; readonly cropPct?: number },
): Preparation {
  if (protocol === 'official') return officialPreparation(config, cropPct);
  const { input_size, crop_pct, interpolation, mean, std } = config;
  return {
    ...{ protocol, input_size, interpolation, mean, std, exifOrientation: true },
    ...{ crop_pct: cropPct ?? crop_pct, resize: 'short-side' },
  };
}

/** The preparation in words. */
export function preparationText({
  input_size: [height, width],
  crop_pct,
  resize,
  interpolation,
  exifOrientation,
}: Preparation): string {
  const scaled = [height, width].map((side) => Math.floor(side / crop_pct));
  const cropped = height === width ? `short side to ${scaled[0]}` : `covering ${scaled.join('x')}`;
  return [
    resize === 'exact' ? `warped to ${height}x${width}` : `${cropped}, center ${height}x${width}`,
    interpolation,
    ...(exifOrientation ? [] : ['EXIF orientation ignored']),
  ].join(', ');
}
