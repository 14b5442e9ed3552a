import type { RgbImage } from '../../image/pixelImage.js';
import { fit, keepsImage, resolveFit, type FitOptions } from '../../image/preprocess.js';
import { decodeImage, type DecodeImageOptions } from './image.js';
import { toPlanes } from './planar.js';

/** Decodes an image file into planes; `name` is its name in errors. */
export type Decode = (bytes: Uint8Array, name: string, planes: Uint8Array) => Promise<void>;

/**
 * Creates the decoder of a set, used for images in memory and on disk alike, so that both have the same pixels. Images
 * that already have the size are not scaled: the result would be the same.
 *
 * @throws ParamError for an option out of range
 */
export function createDecoder(
  options: FitOptions,
  { exifOrientation = true }: Pick<DecodeImageOptions, 'exifOrientation'> = {},
): Decode {
  const resolved = resolveFit(options);
  const fitImage = (image: RgbImage): RgbImage => (keepsImage(image, resolved) ? image : fit(image, resolved));
  return async (bytes, name, planes) => {
    toPlanes(fitImage(await decodeImage(bytes, name, { exifOrientation })).data, planes);
  };
}
