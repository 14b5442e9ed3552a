import type { Window } from '../../image/crop.js';
import { fit, keepsImage, type FitOptions } from '../../image/preprocess.js';
import { resize } from '../../image/resize.js';
import type { Interpolation } from '../../core/config.js';
import type { Size } from '../../core/shapes.js';
import { toPixels, toPlanes } from '../decode/planar.js';
import type { Planes } from './planes.js';

/**
 * torchvision's `resized_crop`: crops a window, and resizes it as Pillow does, with antialiasing.
 *
 * @param image an image of three channels
 * @param window lies inside the image
 */
export function scaleWindow(
  image: Planes,
  { top, left, height, width }: Window,
  size: Size,
  interpolation: Interpolation = 'bilinear',
): Planes {
  const { data: source, channels } = image;
  const area = image.height * image.width;
  // `resize` takes pixels [h, w, 3].
  const cut = new Uint8Array(3 * height * width);
  for (let c = 0; c < 3; c++) {
    for (let y = 0, to = c; y < height; y++) {
      let from = c * area + (top + y) * image.width + left;
      for (let x = 0; x < width; x++, to += 3) cut[to] = source[from++];
    }
  }
  const scaled = resize({ data: cut, height, width }, size, interpolation).data;
  const out = new Uint8Array(scaled.length);
  toPlanes(scaled, out);
  return { data: out, channels, height: size[0], width: size[1] };
}

/** `fit` of an image of three channels. If it changes nothing, the image itself is returned. */
export function fitPlanes(image: Planes, options: Required<FitOptions>): Planes {
  const [height, width] = options.size;
  if (keepsImage(image, options)) return image;
  const { data } = fit({ data: toPixels(image.data), height: image.height, width: image.width }, options);
  const planes = new Uint8Array(data.length);
  toPlanes(data, planes);
  return { data: planes, channels: 3, height, width };
}
