import { exp, log } from '../../core/elementary.js';
import type { Size } from '../../core/shapes.js';
import { roundHalfEven, type Window } from '../../image/crop.js';
import type { Draws } from './draws.js';

/** timm's `RandomErasing`. */
export interface RandomErasingOptions {
  /** Probability that an image is erased, in [0, 1]. */
  readonly prob: number;
  /** Range of the erased share of the image's area, divided among the blocks. Default [0.02, 1/3]. */
  readonly area?: readonly [number, number];
  /** Range of height/width, whose logarithm is uniform. Default [0.3, 1/0.3]. */
  readonly aspect?: readonly [number, number];
  /** 'const' erases with zeros, 'rand' with one random normal color, 'pixel' with random normal values. Default 'const'. */
  readonly mode?: 'const' | 'rand' | 'pixel';
  /** Maximum number of blocks, >= 1. Default 1. */
  readonly count?: number;
}

const TRIES = 10;

/** A random block that fits into the image; null if ten tries do not fit. */
export function drawBlock([h, w]: Size, blocks: number, options: RandomErasingOptions, draws: Draws): Window | null {
  const { area: share = [0.02, 1 / 3], aspect = [0.3, 1 / 0.3] } = options;
  for (let i = 0; i < TRIES; i++) {
    const area = (draws.uniformBetween(share[0], share[1]) * h * w) / blocks;
    const ratio = exp(draws.uniformBetween(log(aspect[0]), log(aspect[1])));
    const height = roundHalfEven(Math.sqrt(area * ratio));
    const width = roundHalfEven(Math.sqrt(area / ratio));
    if (height >= h || width >= w) continue;
    const top = draws.integerBelow(h - height + 1);
    return { top, left: draws.integerBelow(w - width + 1), height, width };
  }
  return null;
}

/**
 * Erases blocks of one normalized image, in place.
 *
 * @param x [channels, h, w]
 */
export function randomErasing(x: Float32Array, size: Size, options: RandomErasingOptions, draws: Draws): void {
  const { prob, mode = 'const', count = 1 } = options;
  if (!draws.bernoulli(prob)) return;
  const [h, w] = size;
  const blocks = count > 1 ? 1 + draws.integerBelow(count) : 1;
  for (let k = 0; k < blocks; k++) {
    const window = drawBlock(size, blocks, options, draws);
    if (window === null) continue;
    const { top, left, height, width } = window;
    for (let plane = 0; plane < x.length; plane += h * w) {
      const color = mode === 'rand' ? draws.normal() : 0;
      for (let y = top; y < top + height; y++) {
        const row = plane + y * w + left;
        for (let i = row; i < row + width; i++) x[i] = mode === 'pixel' ? draws.normal() : color;
      }
    }
  }
}
