import { exp, log } from '../../core/elementary.js';
import type { Size } from '../../core/shapes.js';
import { roundHalfEven, type Window } from '../../image/crop.js';
import type { Draws } from './draws.js';
import type { Planes } from './planes.js';
import { scaleWindow } from './scale.js';

export interface RandomResizedCropOptions {
  /** Share of the area, from and to, in (0, 1]. torchvision's 0.08 to 1 where it is not given. */
  readonly scale?: readonly [number, number];
  /** Width by height, from and to, its logarithm uniform. 3/4 to 4/3 where it is not given. */
  readonly ratio?: readonly [number, number];
  /** 'random' draws one of the two, as timm does. torchvision's 'bilinear' where it is not given. */
  readonly interpolation?: 'bilinear' | 'bicubic' | 'random';
}

const TRIES = 10;

/** The window that torchvision's `RandomResizedCrop` draws; the middle of the image where ten did not fit. */
export function resizedCropWindow([h, w]: Size, options: RandomResizedCropOptions, draws: Draws): Window {
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = options;
  for (let i = 0; i < TRIES; i++) {
    const area = h * w * draws.between(scale[0], scale[1]);
    const aspect = exp(draws.between(log(ratio[0]), log(ratio[1])));
    const width = roundHalfEven(Math.sqrt(area * aspect));
    const height = roundHalfEven(Math.sqrt(area / aspect));
    if (width > 0 && width <= w && height > 0 && height <= h) {
      const top = draws.below(h - height + 1);
      return { top, left: draws.below(w - width + 1), height, width };
    }
  }
  const narrow = w / h < ratio[0];
  const wide = w / h > ratio[1];
  const height = narrow ? roundHalfEven(w / ratio[0]) : h;
  const width = wide ? roundHalfEven(h * ratio[1]) : w;
  return { top: Math.floor((h - height) / 2), left: Math.floor((w - width) / 2), height, width };
}

/** torchvision's `RandomResizedCrop` to `size`. */
export function randomResizedCrop(image: Planes, size: Size, options: RandomResizedCropOptions, draws: Draws): Planes {
  const { interpolation = 'bilinear' } = options;
  const window = resizedCropWindow([image.height, image.width], options, draws);
  const kernel = interpolation !== 'random' ? interpolation : draws.happens(0.5) ? 'bilinear' : 'bicubic';
  return scaleWindow(image, window, size, kernel);
}
