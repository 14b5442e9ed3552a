import type { Draws } from './draws.js';
import { brightness, contrast, saturation } from './enhance.js';
import { hue } from './hue.js';
import type { Planes } from './planes.js';

/** Strengths as torchvision's `ColorJitter`; what is not given, or 0, is not done. */
export interface ColorJitterOptions {
  /** Factors from max(0, 1 − b) to 1 + b; likewise contrast and saturation. */
  readonly brightness?: number;
  readonly contrast?: number;
  readonly saturation?: number;
  /** Shifts from −h to h turns, h in [0, 0.5]. */
  readonly hue?: number;
}

/** 0 to n − 1 in any order, each as likely. */
function permutation(n: number, draws: Draws): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = draws.integerBelow(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** torchvision's `ColorJitter`: up to four changes, in an order drawn anew for each image. */
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
  return order.reduce((made, i) => changes[i](made), image);
}
