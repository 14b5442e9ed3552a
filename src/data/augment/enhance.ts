/**
 * Pillow's `ImageEnhance`, byte for byte: degenerate + factor·(image − degenerate). Factor 1 is the image, 0 the
 * degenerate image, and larger factors strengthen the effect.
 */
import { luma } from '../../image/luma.js';
import { blend, applyTables, createTable } from './pixels.js';
import { emptyPlanes, type Planes } from './planes.js';

/** The degenerate image is black. */
export function brightness(image: Planes, factor: number): Planes {
  const f = Math.fround(factor);
  return applyTables(image, [createTable((v) => blend(0, v, f))]);
}

/** The degenerate image is the rounded mean luma. */
export function contrast(image: Planes, factor: number): Planes {
  const { data, height, width } = image;
  const area = height * width;
  let sum = 0;
  for (let i = 0; i < area; i++) sum += luma(data[i], data[area + i], data[2 * area + i]);
  const mean = Math.floor(sum / area + 0.5);
  const f = Math.fround(factor);
  return applyTables(image, [createTable((v) => blend(mean, v, f))]);
}

/** The degenerate image is the luma of each pixel. */
export function saturation(image: Planes, factor: number): Planes {
  const { data, height, width } = image;
  const area = height * width;
  const out = emptyPlanes(image, height, width);
  const f = Math.fround(factor);
  for (let i = 0; i < area; i++) {
    const gray = luma(data[i], data[area + i], data[2 * area + i]);
    for (let at = i; at < 3 * area; at += area) out.data[at] = blend(gray, data[at], f);
  }
  return out;
}

/** The 3x3 mean with weight 5 of 13 for the center, rounded; border pixels are copied. */
function smooth(image: Planes): Planes {
  const { data: source, channels, height, width } = image;
  const out = { ...image, data: source.slice() };
  for (let c = 0; c < channels; c++) {
    for (let y = 1; y < height - 1; y++) {
      const row = (c * height + y) * width;
      for (let i = row + 1; i < row + width - 1; i++) {
        const [above, below] = [i - width, i + width];
        const sum =
          source[above - 1] + source[above] + source[above + 1] + source[i - 1] + 5 * source[i] + source[i + 1];
        const all = sum + source[below - 1] + source[below] + source[below + 1];
        out.data[i] = Math.floor((2 * all + 13) / 26);
      }
    }
  }
  return out;
}

/** The degenerate image is the smoothed image. */
export function sharpness(image: Planes, factor: number): Planes {
  const { data } = image;
  const f = Math.fround(factor);
  const out = smooth(image);
  for (let i = 0; i < data.length; i++) out.data[i] = blend(out.data[i], data[i], f);
  return out;
}
