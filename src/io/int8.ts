/**
 * One byte per weight: an output channel is integers from -127 to 127 times one float32 scale.
 * A channel of zeros has the scale 0.
 */
import { WeightsError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';

const FLOAT_HINT = 'Write float32; weights that are not finite come from a training that diverged.';
const PACK_HINT = 'Write the weights again: vanillanet pack --dtype int8.';

const MOST = 127;
const SMALLEST = 2 ** -149;
/** Adding and subtracting it rounds a float64 of either sign to the nearest integer, ties to even. */
const ROUNDER = 1.5 * 2 ** 52;

/** The name of the tensor with the scales of another. */
export const scaleName = (name: string): string => `${name}_scale`;

/** For each row the largest magnitude divided by 127. @throws WeightsError for values that cannot be scaled */
export function scalesOf(data: FloatArray, rows: number, op: string): Float32Array {
  const width = data.length / Math.max(rows, 1);
  return Float32Array.from({ length: rows }, (_, row) => {
    let largest = 0;
    for (let i = row * width; i < (row + 1) * width; i++) {
      // This comparison keeps a NaN, wherever it is.
      if (!(Math.abs(data[i]) <= largest)) largest = Math.abs(data[i]);
      if (!Number.isFinite(Math.fround(largest))) {
        const got = `${data[i]} at element ${i}`;
        throw new WeightsError({
          op,
          expected: 'values that int8 and a float32 scale can hold',
          got,
          hint: FLOAT_HINT,
        });
      }
    }
    const scale = Math.fround(largest / MOST);
    // Only a subnormal scale can be rounded down so far that 127 steps do not reach the largest value.
    const raised = scale * (MOST + 0.5) < largest ? scale + SMALLEST : scale;
    if (Number.isFinite(Math.fround(raised * MOST))) return raised;
    const got = `${largest} in row ${row}`;
    throw new WeightsError({ op, expected: 'values that int8 and a float32 scale can hold', got, hint: FLOAT_HINT });
  });
}

/** Rounds values to multiples of the scales of their rows, ties to even. */
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
 * Multiplies integers by the scales of their rows, in place.
 *
 * @param first index of the first value in the tensor
 * @param width values per row
 */
export function rescale(data: FloatArray, scales: Float32Array, first: number, width: number): void {
  for (let at = 0; at < data.length;) {
    const row = Math.floor((first + at) / width);
    const end = Math.min(data.length, (row + 1) * width - first);
    const scale = scales[row];
    for (; at < end; at++) data[at] *= scale;
  }
}

/** Scales from the bytes of a file. @throws WeightsError for an invalid one */
export function readScales(bytes: Uint8Array, op: string): Float32Array {
  const scales = new Float32Array(bytes.length / Float32Array.BYTES_PER_ELEMENT);
  new Uint8Array(scales.buffer).set(bytes);
  const bad = scales.findIndex((scale) => !(scale >= 0 && scale < Infinity));
  if (bad < 0) return scales;
  throw new WeightsError({
    op,
    expected: 'finite scales >= 0',
    got: `${scales[bad]} at element ${bad}`,
    hint: PACK_HINT,
  });
}
