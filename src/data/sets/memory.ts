import { ParamError } from '../../core/errors.js';
import type { Size } from '../../core/shapes.js';

/** 2 GiB: the pixels of a set in memory are one array. */
const MAX_BYTES = 2 ** 31;

const pixelBytes = (n: number, [height, width]: Size): number => 3 * n * height * width;

export const fitsMemory = (n: number, size: Size): boolean => pixelBytes(n, size) <= MAX_BYTES;

/**
 * Refuses a set that does not fit into memory, before anything is allocated for it.
 *
 * @param alternative another remedy than fewer or smaller images, as a sentence
 * @throws ParamError whose hint says what would fit
 */
export function checkMemory(op: string, n: number, size: Size, alternative?: string): void {
  if (fitsMemory(n, size)) return;
  const [height, width] = size;
  const most = Math.floor(MAX_BYTES / pixelBytes(1, size));
  const side = Math.floor(Math.sqrt(MAX_BYTES / (3 * n)));
  const fewer = most > 0 ? [`${most} images of ${height}x${width} (--limit ${most})`] : [];
  const smaller = side > 0 ? [`all ${n} at ${side}x${side} (--size ${side})`] : [];
  const hint = [`Use ${[...fewer, ...smaller].join(', or ')}.`, ...(alternative === undefined ? [] : [alternative])];
  throw new ParamError({
    op,
    expected: 'at most 2 GiB of pixels',
    got: `${n} images of ${height}x${width}: ${(pixelBytes(n, size) / 2 ** 30).toFixed(1)} GiB`,
    hint: hint.join(' '),
  });
}
