import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { centerCrop, centerWindow } from '../../src/image/crop.js';
import type { PixelImage, RgbImage } from '../../src/image/pixelImage.js';
import type { fit, FitOptions, preprocess, scaledSize } from '../../src/image/preprocess.js';
import type { resize } from '../../src/image/resize.js';
import type { Interpolation } from '../../src/core/config.js';
import type { Size } from '../../src/core/shapes.js';

type Bytes = readonly [begin: number, end: number];

/** goldens.json; see README.md. */
interface Goldens {
  readonly generator: string;
  readonly bytes: string;
  readonly images: Readonly<Record<string, { readonly width: number; readonly height: number; readonly bytes: Bytes }>>;
  readonly resize: readonly { image: string; size: Size; interpolation: Interpolation; bytes: Bytes }[];
  readonly crop: readonly { image: string; size: Size; bytes: Bytes }[];
  readonly fit: readonly ({ image: string; bytes: Bytes } & FitOptions)[];
  readonly normalized: { image: string; size: Size; mean: number[]; std: number[]; bytes: Bytes };
  readonly sizes: readonly (readonly number[])[];
}

const read = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));

export const goldens = JSON.parse(read('goldens.json').toString()) as Goldens;
const blob = new Uint8Array(read('goldens.bin'));

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const hashes = { generator: sha256(read('generate.py')), bytes: sha256(blob) };

const bytesAt = ([begin, end]: Bytes): Uint8Array => blob.slice(begin, end);

export function imageOf(name: string): RgbImage {
  const { width, height, bytes } = goldens.images[name];
  return { width, height, data: bytesAt(bytes) };
}

/** The image with arbitrary alpha values. */
export function withAlpha({ data, width, height }: PixelImage): PixelImage {
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < rgba.length; i++) rgba[i] = i % 4 === 3 ? (37 * i) % 256 : data[3 * (i >> 2) + (i % 4)];
  return { data: rgba, width, height };
}

/** The functions under test: those of `src/image`, or of a mutant. */
export interface Preprocessing {
  readonly resize: typeof resize;
  readonly centerCrop: typeof centerCrop;
  readonly centerWindow: typeof centerWindow;
  readonly scaledSize: typeof scaledSize;
  readonly fit: typeof fit;
  readonly preprocess: typeof preprocess;
}

/** The first difference from a golden image, or null. */
function difference(got: RgbImage, [height, width]: Size, bytes: Bytes): string | null {
  if (got.width !== width || got.height !== height) return `${got.height}x${got.width}`;
  const expected = bytesAt(bytes);
  if (got.data.length !== expected.length) return `${got.data.length} bytes, golden has ${expected.length}`;
  const at = expected.findIndex((v, i) => v !== got.data[i]);
  return at < 0 ? null : `byte ${at} is ${got.data[at]}, golden ${expected[at]}`;
}

export const judgeResize = ({ resize: resizeImage }: Preprocessing): string[] =>
  goldens.resize.flatMap(({ image, size, interpolation, bytes }) =>
    [imageOf(image), withAlpha(imageOf(image))].flatMap((from) => {
      const mismatch = difference(resizeImage(from, size, interpolation), size, bytes);
      return mismatch === null ? [] : [`${image} to ${size.join('x')}, ${interpolation}: ${mismatch}`];
    }),
  );

export const judgeCrop = ({ centerCrop: cropImage }: Preprocessing): string[] =>
  goldens.crop.flatMap(({ image, size, bytes }) =>
    [imageOf(image), withAlpha(imageOf(image))].flatMap((from) => {
      const mismatch = difference(cropImage(from, size), size, bytes);
      return mismatch === null ? [] : [`${image} to ${size.join('x')}: ${mismatch}`];
    }),
  );

export const judgeSizes = (functions: Preprocessing): string[] =>
  goldens.sizes.flatMap(([h, w, height, width, crop_pct, ...expected]) => {
    const scaled = functions.scaledSize([h, w], [height, width], crop_pct);
    const { top, left } = functions.centerWindow(scaled, [height, width]);
    const got = [...scaled, top, left];
    return got.join() === expected.join()
      ? []
      : [`${h}x${w} to ${height}x${width} of ${crop_pct}: ${got.join()}, golden ${expected.join()}`];
  });

export const judgeFit = ({ fit: fitImage }: Preprocessing): string[] =>
  goldens.fit.flatMap(({ image, bytes, ...options }) => {
    const mismatch = difference(fitImage(imageOf(image), options), options.size, bytes);
    return mismatch === null ? [] : [`${image} ${JSON.stringify(options)}: ${mismatch}`];
  });

/** PyTorch rounds to float32 three times, this package once; for values up to 3 the difference is smaller. */
const FLOAT32 = 1e-6;

export function judgeNormalized({ preprocess: preprocessImage }: Preprocessing): string[] {
  const { image, bytes, ...options } = goldens.normalized;
  const expected = new Float32Array(bytesAt(bytes).buffer);
  const got = preprocessImage(imageOf(image), options);
  if (got.length !== expected.length) return [`${got.length} values, golden has ${expected.length}`];
  const at = expected.findIndex((v, i) => !(Math.abs(v - got[i]) < FLOAT32));
  return at < 0 ? [] : [`value ${at} is ${got[at]}, golden ${expected[at]}`];
}

export const JUDGES = [judgeSizes, judgeCrop, judgeNormalized, judgeFit, judgeResize];
