/**
 * A byte a weight: of each output channel whole numbers from -127 to 127, and one float32
 * scale that they are multiplied with. A channel of zeros has the scale 0.
 */
import { WeightsError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';

const MOST = 127;
const SMALLEST = 2 ** -149;
/** Beyond 2^52 a float64 has no fraction left: adding it rounds to even, of either sign. */
const ROUNDER = 1.5 * 2 ** 52;

/** The tensor that holds the scales of another. */
export const scaleName = (name: string): string => `${name}_scale`;

/** Of every row the largest magnitude over 127. @throws WeightsError under `op` for a value that cannot be scaled so */
export function scalesOf(data: FloatArray, rows: number, op: string): Float32Array {
  const width = data.length / Math.max(rows, 1);
  return Float32Array.from({ length: rows }, (_, row) => {
    let largest = 0;
    for (let i = row * width; i < (row + 1) * width; i++) {
      // Not Math.max: a NaN must not be lost, wherever it stands.
      if (!(Math.abs(data[i]) <= largest)) largest = Math.abs(data[i]);
      if (!Number.isFinite(Math.fround(largest))) {
        const got = `${data[i]} at element ${i}`;
        throw new WeightsError({ op, expected: 'values that int8 and a float32 scale can hold', got });
      }
    }
    const scale = Math.fround(largest / MOST);
    // Only among the subnormal scales does rounding take so much off.
    const raised = scale * (MOST + 0.5) < largest ? scale + SMALLEST : scale;
    if (Number.isFinite(Math.fround(raised * MOST))) return raised;
    const got = `${largest} in row ${row}`;
    throw new WeightsError({ op, expected: 'values that int8 and a float32 scale can hold', got });
  });
}

/** The nearest of a row's whole numbers, of two equally near the even one. */
export function quantize(data: FloatArray, scales: Float32Array, target: Int8Array): void {
  const width = data.length / Math.max(scales.length, 1);
  for (const [row, scale] of scales.entries()) {
    if (scale === 0) continue;
    for (let i = row * width; i < (row + 1) * width; i++) {
      target[i] = Math.min(MOST, Math.max(-MOST, data[i] / scale + ROUNDER - ROUNDER));
    }
  }
}

/**
 * Multiplies whole numbers with their rows' scales, in place.
 *
 * @param first which of the tensor's values comes first
 * @param width values of a row
 */
export function rescale(data: FloatArray, scales: Float32Array, first: number, width: number): void {
  for (let at = 0; at < data.length;) {
    const row = Math.floor((first + at) / width);
    const end = Math.min(data.length, (row + 1) * width - first);
    const scale = scales[row];
    for (; at < end; at++) data[at] *= scale;
  }
}

/** The scales in a file's bytes. @throws WeightsError under `op` for one that is none */
export function readScales(bytes: Uint8Array, op: string): Float32Array {
  const scales = new Float32Array(bytes.length / Float32Array.BYTES_PER_ELEMENT);
  new Uint8Array(scales.buffer).set(bytes);
  const bad = scales.findIndex((scale) => !(scale >= 0 && scale < Infinity));
  if (bad < 0) return scales;
  throw new WeightsError({ op, expected: 'finite scales >= 0', got: `${scales[bad]} at element ${bad}` });
}
