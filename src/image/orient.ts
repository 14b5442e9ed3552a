import { isInteger, show } from '../core/check.js';
import { ParamError } from '../core/errors.js';
import type { Orientation } from './info/types.js';
import { channelsOf, type PixelImage } from './pixelImage.js';

/** The index of the upright image's top left pixel, and the steps to its right and lower neighbors. */
interface Walk {
  readonly origin: number;
  readonly right: number;
  readonly down: number;
}

/** By orientation, for an image stored as w x h pixels. */
const WALKS: Readonly<Record<Exclude<Orientation, 1>, (w: number, h: number) => Walk>> = {
  2: (w) => ({ origin: w - 1, right: -1, down: w }),
  3: (w, h) => ({ origin: w * h - 1, right: -1, down: -w }),
  4: (w, h) => ({ origin: w * (h - 1), right: 1, down: -w }),
  5: (w) => ({ origin: 0, right: w, down: 1 }),
  6: (w, h) => ({ origin: w * (h - 1), right: -w, down: 1 }),
  7: (w, h) => ({ origin: w * h - 1, right: -w, down: -1 }),
  8: (w) => ({ origin: w - 1, right: w, down: -1 }),
};

/**
 * Rotates or mirrors an image upright: cameras store it as the sensor sees it, with an orientation in EXIF. Not
 * needed for pixels of sharp's `autoOrient` or a browser's `createImageBitmap`, which are upright already.
 *
 * @param orientation from `imageInfo`; for 1 the image itself is returned
 * @throws DataError, ShapeError for an invalid image; ParamError for an invalid orientation
 */
export function orient(image: PixelImage, orientation: Orientation): PixelImage {
  const channels = channelsOf('orient', image);
  if (orientation === 1) return image;
  if (!isInteger(orientation, { min: 1, max: 8 })) {
    throw new ParamError({ op: 'orient', expected: 'an orientation, 1 to 8', got: show(orientation) });
  }
  const { data: source, width: w, height: h } = image;
  const { origin, right, down } = WALKS[orientation](w, h);
  const [width, height] = orientation < 5 ? [w, h] : [h, w];
  const data = new Uint8Array(channels * width * height);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = channels * (origin + y * down);
    for (let x = 0; x < width; x++, from += channels * right) {
      for (let c = 0; c < channels; c++) data[to++] = source[from + c];
    }
  }
  return { data, width, height };
}
