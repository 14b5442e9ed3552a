import { emptyPlanes, type Planes } from './planes.js';

/** What each of the 256 values becomes. */
export type Table = Uint8Array;

/** A table of values that are cut to 0..255 and then to integers. */
export const createTable = (value: (v: number) => number): Table =>
  Uint8Array.from({ length: 256 }, (_, v) => Math.trunc(Math.min(255, Math.max(0, value(v)))));

/** Every value replaced, in each channel by the channel's own table. */
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

/** How often each value occurs in each channel. */
export function histograms({ data, channels, height, width }: Planes): Int32Array[] {
  const area = height * width;
  return Array.from({ length: channels }, (_, c) => {
    const counts = new Int32Array(256);
    for (let i = c * area; i < (c + 1) * area; i++) counts[data[i]]++;
    return counts;
  });
}

/** ITU-R 601 luma of red, green and blue, in 16 bits behind the point: Pillow's `convert('L')`. */
export const luma = (r: number, g: number, b: number): number => (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;

/** Looked up once: test runners make globals slow. */
const { fround } = Math;

/**
 * from + factor·(to − from), in float32, cut to 0..255 and then to integers: Pillow's `blend`.
 *
 * @param factor a float32
 */
export function blend(from: number, to: number, factor: number): number {
  const value = fround(from + fround(factor * (to - from)));
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}
