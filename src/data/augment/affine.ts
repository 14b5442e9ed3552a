import { emptyPlanes, type Planes } from './planes.js';

/** Maps pixel (x, y) of the result to (a·x + b·y + c, d·x + e·y + f) in the source; pixel centers are at halves. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export type Sampling = 'nearest' | 'bilinear' | 'bicubic';

/** The color outside of the image, one value for each channel or one for all. */
export type Fill = readonly number[];

function constantPlanes(image: Planes, fill: Fill): Planes {
  const { height, width, channels } = image;
  const out = emptyPlanes(image, height, width);
  const area = height * width;
  for (let c = 0; c < channels; c++) out.data.fill(fill[c % fill.length], c * area, (c + 1) * area);
  return out;
}

/** A number in fixed point with 16 fractional bits, rounded. */
const toFixedPoint = (v: number): number => Math.floor(v * 65536 + 0.5);

/** Nearest sampling in fixed point, as Pillow computes it. */
function sampleNearest(image: Planes, [a, b, c, d, e, f]: Affine, fill: Fill): Planes {
  const { data: source, channels, height, width } = image;
  const out = constantPlanes(image, fill);
  const area = height * width;
  const [right, down] = [toFixedPoint(a), toFixedPoint(d)];
  let x0 = toFixedPoint(c + a * 0.5 + b * 0.5);
  let y0 = toFixedPoint(f + d * 0.5 + e * 0.5);
  for (let y = 0; y < height; y++, x0 += toFixedPoint(b), y0 += toFixedPoint(e)) {
    for (let x = 0, xx = x0, yy = y0; x < width; x++, xx += right, yy += down) {
      const [xin, yin] = [xx >> 16, yy >> 16];
      if (xin < 0 || xin >= width || yin < 0 || yin >= height) continue;
      for (let k = 0; k < channels; k++) out.data[k * area + y * width + x] = source[k * area + yin * width + xin];
    }
  }
  return out;
}

const clampIndex = (i: number, n: number): number => (i < 0 ? 0 : i >= n ? n - 1 : i);

/** Cubic interpolation between v2 and v3 at d in [0, 1), with a = −1 as in Pillow. */
function cubic(v1: number, v2: number, v3: number, v4: number, d: number): number {
  const [p2, p3, p4] = [v3 - v1, 2 * (v1 - v2) + v3 - v4, v2 - v1 - v3 + v4];
  return v2 + d * (p2 + d * (p3 + d * p4));
}

function interpolate(image: Planes, [a, b, c, d, e, f]: Affine, isCubic: boolean, fill: Fill): Planes {
  const { data: source, channels, height, width } = image;
  const out = constantPlanes(image, fill);
  const area = height * width;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const xin = a * (x + 0.5) + b * (y + 0.5) + c;
      const yin = d * (x + 0.5) + e * (y + 0.5) + f;
      if (xin < 0 || xin >= width || yin < 0 || yin >= height) continue;
      const [left, top] = [Math.floor(xin - 0.5), Math.floor(yin - 0.5)];
      const [dx, dy] = [xin - 0.5 - left, yin - 0.5 - top];
      const [x1, x2] = [clampIndex(left, width), clampIndex(left + 1, width)];
      const [y1, y2] = [clampIndex(top, height) * width, clampIndex(top + 1, height) * width];
      const [x0, x3] = [clampIndex(left - 1, width), clampIndex(left + 2, width)];
      const [y0, y3] = [clampIndex(top - 1, height) * width, clampIndex(top + 2, height) * width];
      for (let k = 0; k < channels; k++) {
        const plane = k * area;
        let value: number;
        if (isCubic) {
          const row = (r: number): number =>
            cubic(source[plane + r + x0], source[plane + r + x1], source[plane + r + x2], source[plane + r + x3], dx);
          value = cubic(row(y0), row(y1), row(y2), row(y3), dy);
        } else {
          const upper = source[plane + y1 + x1] + (source[plane + y1 + x2] - source[plane + y1 + x1]) * dx;
          const lower = source[plane + y2 + x1] + (source[plane + y2 + x2] - source[plane + y2 + x1]) * dx;
          value = upper + (lower - upper) * dy;
        }
        out.data[plane + y * width + x] = value <= 0 ? 0 : value >= 255 ? 255 : value;
      }
    }
  }
  return out;
}

/** Pillow's `Image.transform` with an affine matrix, to an image of the same size. */
export const affine = (image: Planes, matrix: Affine, sampling: Sampling, fill: Fill): Planes =>
  sampling === 'nearest'
    ? sampleNearest(image, matrix, fill)
    : interpolate(image, matrix, sampling === 'bicubic', fill);
