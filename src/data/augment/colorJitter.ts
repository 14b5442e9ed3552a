import type { Draws } from './draws.js';
import { brightness, contrast, saturation } from './enhance.js';
import { hue } from './hue.js';
import type { Planes } from './planes.js';

/** Strengths of torchvision's `ColorJitter`. Default 0 each: no change. */
export interface ColorJitterOptions {
  /** b >= 0: the factor is uniform from max(0, 1 − b) to 1 + b. */
  readonly brightness?: number;
  /** Like `brightness`. */
  readonly contrast?: number;
  /** Like `brightness`. */
  readonly saturation?: number;
  /** h in [0, 0.5]: the hue is rotated by −h to h turns. */
  readonly hue?: number;
}

/** A random permutation of 0 to n − 1. */
function permutation(n: number, draws: Draws): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = draws.integerBelow(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** torchvision's `ColorJitter`: up to four changes, in a random order for each image. */
export function colorJitter(image: Planes, options: ColorJitterOptions, draws: Draws): Planes {
  const { brightness: b = 0, contrast: c = 0, saturation: s = 0, hue: h = 0 } = options;
  const factor = (strength: number): number => draws.uniformBetween(Math.max(0, 1 - strength), 1 + strength);
  const order = permutation(4, draws);
  const [byB, byC, byS, byH] = [factor(b), factor(c), factor(s), draws.uniformBetween(-h, h)];
  const changes = [
    (from: Planes) => (b > 0 ? brightness(from, byB) : from),
    (from: Planes) => (c > 0 ? contrast(from, byC) : from),
    (from: Planes) => (s > 0 ? saturation(from, byS) : from),
    (from: Planes) => (h > 0 ? hue(from, byH) : from),
  ];
  return order.reduce((result, i) => changes[i](result), image);
}
