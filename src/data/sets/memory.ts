import { ParamError } from '../../core/errors.js';
import type { Size } from '../../core/shapes.js';

/** 2 GiB: a set lies in memory as one array. */
const MAX_BYTES = 2 ** 31;

const bytesOf = (n: number, [height, width]: Size): number => 3 * n * height * width;

export const fitsMemory = (n: number, size: Size): boolean => bytesOf(n, size) <= MAX_BYTES;

/**
 * Refuses a set that would not fit, before anything is allocated for it.
 *
 * @param instead what else would do, beside fewer or smaller images
 * @throws ParamError that says what would fit.
 */
export function checkMemory(op: string, n: number, size: Size, instead?: string): void {
  if (fitsMemory(n, size)) return;
  const [height, width] = size;
  const most = Math.floor(MAX_BYTES / bytesOf(1, size));
  const side = Math.floor(Math.sqrt(MAX_BYTES / (3 * n)));
  const fewer = most > 0 ? [`${most} images of ${height}x${width} (--limit ${most})`] : [];
  const smaller = side > 0 ? [`all ${n} at ${side}x${side} (--size ${side})`] : [];
  const other = instead === undefined ? [] : [instead];
  throw new ParamError({
    op,
    expected: `at most 2 GiB of pixels: ${[...fewer, ...smaller, ...other].join(', or ')}`,
    got: `${n} images of ${height}x${width}: ${(bytesOf(n, size) / 2 ** 30).toFixed(1)} GiB`,
  });
}
