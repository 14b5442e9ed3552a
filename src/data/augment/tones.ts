/** Those of Pillow's `ImageOps` that map single values, and timm's `solarize_add`. */
import { histograms, applyTables, createTable, type Table } from './pixels.js';
import type { Planes } from './planes.js';

const IDENTITY: Table = createTable((v) => v);

/** Stretches each channel's range of values to 0..255. */
export const autoContrast = (image: Planes): Planes =>
  applyTables(
    image,
    histograms(image).map((counts) => {
      const low = counts.findIndex((n) => n > 0);
      const high = counts.findLastIndex((n) => n > 0);
      if (high <= low) return IDENTITY;
      const scale = 255 / (high - low);
      return createTable((v) => v * scale + -low * scale);
    }),
  );

/** Histogram equalization of each channel. */
export const equalize = (image: Planes): Planes =>
  applyTables(
    image,
    histograms(image).map((counts) => {
      const last = counts.findLast((n) => n > 0) ?? 0;
      const step = Math.floor((image.height * image.width - last) / 255);
      if (step === 0) return IDENTITY;
      let n = Math.floor(step / 2);
      return Uint8Array.from(counts, (count) => {
        const value = Math.min(255, Math.floor(n / step));
        n += count;
        return value;
      });
    }),
  );

export const invert = (image: Planes): Planes => applyTables(image, [createTable((v) => 255 - v)]);

/** Keeps the highest bits of each value. @param bits 0 to 8 */
export const posterize = (image: Planes, bits: number): Planes =>
  bits >= 8 ? image : applyTables(image, [createTable((v) => v & ~(2 ** (8 - bits) - 1))]);

/** Inverts values >= threshold. */
export const solarize = (image: Planes, threshold: number): Planes =>
  applyTables(image, [createTable((v) => (v < threshold ? v : 255 - v))]);

/** Adds to values below 128. */
export const solarizeAdd = (image: Planes, add: number): Planes =>
  applyTables(image, [createTable((v) => (v < 128 ? v + add : v))]);
