import type { RgbImage } from '../../image/pixelImage.js';
import { fit, type FitOptions } from '../../image/preprocess.js';
import { decodeImage } from './image.js';
import { toPlanes } from './planar.js';

/** Turns the bytes of an image file into planes; `name` is how errors call it. */
export type Decode = (bytes: Uint8Array, name: string, planes: Uint8Array) => Promise<void>;

/**
 * One for all, so that pixels do not depend on when they are read. Images that have the
 * size already are left as they are, which is what scaling would do at some cost.
 *
 * @throws ParamError for an option out of range, before there is an image
 */
export function createDecoder(options: FitOptions): Decode {
  const [height, width] = options.size;
  fit({ data: new Uint8Array(3), width: 1, height: 1 }, { ...options, size: [1, 1] });
  const isWhole = options.resize === 'exact' || options.crop_pct === 1;
  const fitted = (image: RgbImage): RgbImage =>
    isWhole && image.height === height && image.width === width ? image : fit(image, options);
  return async (bytes, name, planes) => {
    toPlanes(fitted(await decodeImage(bytes, name)).data, planes);
  };
}
