import { exp, log } from '../../core/elementary.js';
import type { Interpolation } from '../../core/config.js';
import type { Size } from '../../core/shapes.js';
import { cut, roundHalfEven, type Window } from '../../image/crop.js';
import type { RgbImage } from '../../image/pixelImage.js';
import { resize } from '../../image/resize.js';
import { toPlanes } from '../decode/planar.js';
import type { Draws } from './draws.js';
import type { Planes } from './planes.js';
import { scaleWindow } from './scale.js';

export interface RandomResizedCropOptions {
  /** Range of the share of the area, in (0, 1]. Default [0.08, 1], as in torchvision. */
  readonly scale?: readonly [number, number];
  /** Range of width/height, whose logarithm is uniform. Default [3/4, 4/3]. */
  readonly ratio?: readonly [number, number];
  /** 'random' draws one of the other two, as timm does. Default 'bilinear', as in torchvision. */
  readonly interpolation?: 'bilinear' | 'bicubic' | 'random';
}

const TRIES = 10;

/** The window of torchvision's `RandomResizedCrop`; the center of the image if ten tries do not fit. */
export function resizedCropWindow([h, w]: Size, options: RandomResizedCropOptions, draws: Draws): Window {
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = options;
  for (let i = 0; i < TRIES; i++) {
    const area = h * w * draws.uniformBetween(scale[0], scale[1]);
    const aspect = exp(draws.uniformBetween(log(ratio[0]), log(ratio[1])));
    const width = roundHalfEven(Math.sqrt(area * aspect));
    const height = roundHalfEven(Math.sqrt(area / aspect));
    if (width > 0 && width <= w && height > 0 && height <= h) {
      const top = draws.integerBelow(h - height + 1);
      return { top, left: draws.integerBelow(w - width + 1), height, width };
    }
  }
  const narrow = w / h < ratio[0];
  const wide = w / h > ratio[1];
  const height = narrow ? Math.max(1, roundHalfEven(w / ratio[0])) : h;
  const width = wide ? Math.max(1, roundHalfEven(h * ratio[1])) : w;
  return { top: Math.floor((h - height) / 2), left: Math.floor((w - width) / 2), height, width };
}

/** Draws the window and the interpolation. */
function drawCrop(size: Size, options: RandomResizedCropOptions, draws: Draws): readonly [Window, Interpolation] {
  const { interpolation = 'bilinear' } = options;
  const window = resizedCropWindow(size, options, draws);
  return [window, interpolation !== 'random' ? interpolation : draws.bernoulli(0.5) ? 'bilinear' : 'bicubic'];
}

/** torchvision's `RandomResizedCrop` to `size`. */
export function randomResizedCrop(image: Planes, size: Size, options: RandomResizedCropOptions, draws: Draws): Planes {
  const [window, kernel] = drawCrop([image.height, image.width], options, draws);
  return scaleWindow(image, window, size, kernel);
}

/** `randomResizedCrop` of a decoded picture: only the pixels of the window are converted to planes. */
export function randomResizedCropOfPicture(
  picture: RgbImage,
  size: Size,
  options: RandomResizedCropOptions,
  draws: Draws,
): Planes {
  const [window, kernel] = drawCrop([picture.height, picture.width], options, draws);
  const [height, width] = size;
  const data = new Uint8Array(3 * height * width);
  toPlanes(resize(cut(picture, window), size, kernel).data, data);
  return { data, channels: 3, height, width };
}
