import { ParamError } from '../core/errors.js';
import type { Size } from '../core/shapes.js';

/** 2 GiB: a set lies in memory as one array. */
const MOST = 2 ** 31;

/**
 * Refuses a set that would not fit, before anything is allocated for it.
 *
 * @throws ParamError that says what would fit.
 */
export function checkMemory(op: string, n: number, [height, width]: Size): void {
  const needed = 3 * n * height * width;
  if (needed <= MOST) return;
  const most = Math.floor(MOST / (3 * height * width));
  const side = Math.floor(Math.sqrt(MOST / (3 * n)));
  const fewer = most > 0 ? [`${most} images of ${height}x${width} (--limit ${most})`] : [];
  const smaller = side > 0 ? [`all ${n} at ${side}x${side} (--size ${side})`] : [];
  throw new ParamError({
    op,
    expected: `at most 2 GiB of pixels: ${[...fewer, ...smaller].join(', or ')}`,
    got: `${n} images of ${height}x${width}: ${(needed / 2 ** 30).toFixed(1)} GiB`,
  });
}
