/** Cases of the preparation of a picture for evaluation. */
import { fit, type FitOptions } from '../../src/image/preprocess.js';
import type { Tensor } from '../../src/core/tensor.js';
import type { Case } from '../vectors.js';
import { fill } from './draw.js';
import { makeCase, type Results } from './makeCase.js';

/**
 * Pillow rounds to bytes after each of its two passes. A port that rounds once is off by half a level, by half of one
 * weighted by the second pass, whose weights of either sign add up to less than 2, and by its own rounding: 2 levels.
 */
const LEVELS = 2;

/** A picture with edges and gradients, whose colors differ at the borders. */
const picture = (height: number, width: number): Tensor =>
  fill([height, width, 3], (i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const wave = Math.sin((x * (c + 2)) / 5) * Math.cos((y * (c + 1)) / 7);
    const stripe = (Math.floor(x / 6) + Math.floor(y / 9)) % 2;
    return Math.round(127 + 60 * wave + 60 * stripe * (c === 1 ? -1 : 1) * (x / width));
  });

function pixelsOf(image: Tensor, options: FitOptions): Results {
  const [height, width] = image.shape;
  const { data, ...size } = fit({ data: Uint8Array.from(image.data), height, width }, options);
  const plane = size.height * size.width;
  const planes = Float32Array.from({ length: 3 * plane }, (_, i) => data[(i % plane) * 3 + Math.floor(i / plane)]);
  const shape = [3, size.height, size.width];
  return new Map([['pixels', { values: { data: planes, shape }, bound: { data: planes.map(() => LEVELS), shape } }]]);
}

export const imageCases = (): Case[] =>
  (
    [
      ['landscape', 41, 57],
      ['portrait', 62, 33],
    ] as const
  ).map(([name, height, width]) => {
    const image = picture(height, width);
    const options = { size: [24, 24], crop_pct: 0.875, interpolation: 'bicubic' } as const;
    return makeCase({
      ...{ name: `prepare_image/${name}`, op: 'prepare_image', attributes: options },
      inputs: { image },
      outputs: pixelsOf(image, options),
      faults: [
        {
          name: 'no-crop',
          description: 'the whole picture is squeezed to the size, without cropping',
          outputs: pixelsOf(image, { ...options, resize: 'exact' }),
        },
        {
          name: 'crop-pct-1',
          description: 'the short side becomes the size, and not ⌊size/crop_pct⌋',
          outputs: pixelsOf(image, { ...options, crop_pct: 1 }),
        },
      ],
    });
  });
