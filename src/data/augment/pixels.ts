import { emptyPlanes, type Planes } from './planes.js';

/** The new value of each of the 256 values. */
export type Table = Uint8Array;

/** Creates a table; results are clamped to 0..255 and truncated. */
export const createTable = (value: (v: number) => number): Table =>
  Uint8Array.from({ length: 256 }, (_, v) => Math.trunc(Math.min(255, Math.max(0, value(v)))));

/** Applies a table to each channel: one for all channels, or one for each. */
export function applyTables(image: Planes, tables: readonly Table[]): Planes {
  const { data: source, channels, height, width } = image;
  const out = emptyPlanes(image, height, width);
  const area = height * width;
  for (let c = 0; c < channels; c++) {
    const table = tables[c % tables.length];
    for (let i = c * area; i < (c + 1) * area; i++) out.data[i] = table[source[i]];
  }
  return out;
}

/** Counts of each value in each channel. */
export function histograms({ data, channels, height, width }: Planes): Int32Array[] {
  const area = height * width;
  return Array.from({ length: channels }, (_, c) => {
    const counts = new Int32Array(256);
    for (let i = c * area; i < (c + 1) * area; i++) counts[data[i]]++;
    return counts;
  });
}

/** Looked up once, because access to globals is slow in test runners. */
const { fround } = Math;

/**
 * Pillow's `blend`: from + factor·(to − from) in float32, clamped to 0..255 and truncated.
 *
 * @param factor a float32
 */
export function blend(from: number, to: number, factor: number): number {
  const value = fround(from + fround(factor * (to - from)));
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}
