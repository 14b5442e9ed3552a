import { cos, sin } from '../../core/elementary.js';
import { affine, type Fill, type Sampling } from './affine.js';
import type { Draws } from './draws.js';
import { emptyPlanes, type Planes } from './planes.js';

/** Python's round(v, 15); `toFixed` is exact in every engine. */
const roundTo15Digits = (v: number): number => Number(v.toFixed(15));

/** Rotates counterclockwise by `times` quarter turns; an odd number requires a square image. */
function quarterTurns(image: Planes, times: number): Planes {
  const { data: source, channels, height, width } = image;
  const out = emptyPlanes(image, height, width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [fromX, fromY] =
          times === 1 ? [width - 1 - y, x] : times === 2 ? [width - 1 - x, height - 1 - y] : [y, height - 1 - x];
        out.data[(c * height + y) * width + x] = source[(c * height + fromY) * width + fromX];
      }
    }
  }
  return out;
}

/** Pillow's `Image.rotate`: rotates counterclockwise around the center, in the image's own size. */
export function rotate(image: Planes, degrees: number, sampling: Sampling, fill: Fill): Planes {
  const { height, width } = image;
  const turn = ((degrees % 360) + 360) % 360;
  if (turn === 0) return image;
  if (turn === 180 || (turn % 90 === 0 && height === width)) return quarterTurns(image, turn / 90);
  const angle = -turn * (Math.PI / 180);
  const [c, s] = [roundTo15Digits(cos(angle)), roundTo15Digits(sin(angle))];
  const [x, y] = [width / 2, height / 2];
  return affine(image, [c, s, c * -x + s * -y + x, -s, c, -s * -x + c * -y + y], sampling, fill);
}

/** torchvision's `RandomRotation`: nearest sampling, black outside. */
export const rotation = (image: Planes, degrees: number, draws: Draws): Planes =>
  rotate(image, draws.uniformBetween(-degrees, degrees), 'nearest', [0]);
