import type { Interpolation } from '../core/config.js';

/** The weight of a source pixel by its distance from the position of the new pixel. */
export interface Kernel {
  /** The weight is 0 from this distance on, in source pixels. */
  readonly support: number;
  at(x: number): number;
}

/**
 * 1 if -1/2 < x ≤ 1/2. The interval is half open, so that a source pixel halfway between two new ones counts once.
 */
const box: Kernel = { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };

/** 1 − |x| */
const bilinear: Kernel = { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) };

/**
 * Keys' cubic convolution (1981) with a = −1/2, which reproduces parabolas:
 *
 *     (a+2)|x|³ − (a+3)|x|² + 1          |x| < 1
 *     a|x|³ − 5a|x|² + 8a|x| − 4a    1 ≤ |x| < 2
 */
const bicubic: Kernel = {
  support: 2,
  at(signed) {
    const x = Math.abs(signed);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  },
};

export const KERNELS: Readonly<Record<Interpolation, Kernel>> = { bicubic, bilinear, box };
