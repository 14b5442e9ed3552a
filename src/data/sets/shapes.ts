/**
 * A synthetic data set: shapes of ten classes at random positions, sizes, angles and light colors, on a noisy dark
 * background. Colors have the same distribution in all classes, so that only the form distinguishes them. Shapes are
 * lighter than the background, so that a small network learns within a minute.
 */
import { cos, sin } from '../../core/elementary.js';
import { checkInteger, checkKeys, checkObject } from '../../core/check.js';
import { ParamError } from '../../core/errors.js';
import { philox4x32, uniform } from '../../core/philox.js';
import type { ImageSet } from './dataset.js';

/** Looked up once, as they are called for every pixel. */
const { abs, floor, max, min, sqrt } = Math;

/** Whether a point belongs to a shape; u and v run from -1 to 1 over the shape's square. */
type Inside = (u: number, v: number) => boolean;

const norm = (u: number, v: number): number => sqrt(u * u + v * v);
const box = (u: number, v: number): number => max(abs(u), abs(v));
const inBox = (u: number, v: number): boolean => box(u, v) <= 0.9;
/** Whether x is in an even one of the square's parts: stripes and gaps alternate. */
const isEven = (x: number, parts: number): boolean => floor(((x + 0.9) / 1.8) * parts) % 2 === 0;

const SHAPES: Readonly<Record<string, Inside>> = {
  disc: (u, v) => norm(u, v) <= 1,
  ring: (u, v) => norm(u, v) <= 1 && norm(u, v) >= 0.58,
  square: inBox,
  frame: (u, v) => inBox(u, v) && box(u, v) >= 0.52,
  triangle: (u, v) => v <= 0.85 && abs(u) <= (v + 0.95) * 0.58,
  cross: (u, v) => box(u, v) <= 1 && min(abs(u), abs(v)) <= 0.32,
  'horizontal bars': (u, v) => inBox(u, v) && isEven(v, 5),
  'vertical bars': (u, v) => inBox(u, v) && isEven(u, 5),
  diagonal: (u, v) => box(u, v) <= 1 && abs(u - v) <= 0.42,
  checker: (u, v) => inBox(u, v) && isEven(u, 3) === isEven(v, 3),
};

const CLASS_NAMES = Object.keys(SHAPES);
const FORMS = Object.values(SHAPES);

/** 2 GiB. */
const MAX_BYTES = 2 ** 31;

/** Maximum tilt to either side in radians, small enough to keep horizontal and vertical bars apart. */
const TILT = 0.2;
/** Ranges of each color channel, 0 to 255. */
const DARK = [10, 110] as const;
const LIGHT = [140, 245] as const;
const NOISE = 22;

type Color = readonly [number, number, number];

/** The next random number of an image, uniform from `low` to `high`. */
type Draw = (low: number, high: number) => number;

const createDraw = (seed: number, image: number): Draw => {
  let count = 0;
  return (low, high) => low + (high - low) * uniform(seed, image, count++);
};

const drawColor = (draw: Draw, [low, high]: readonly [number, number]): Color => [
  draw(low, high),
  draw(low, high),
  draw(low, high),
];

function drawImage(
  inside: Inside,
  [seed, image]: readonly [number, number],
  side: number,
  pixels: Uint8ClampedArray,
): void {
  const draw = createDraw(seed, image);
  const [near, shade] = [drawColor(draw, DARK), draw(-45, 45)];
  const color = drawColor(draw, LIGHT);
  const radius = side * draw(0.26, 0.42);
  const [cx, cy] = [draw(radius, side - radius), draw(radius, side - radius)];
  const [tilt, slope] = [draw(-TILT, TILT), draw(0, 2 * Math.PI)];
  const [across, along] = [cos(tilt) / radius, sin(tilt) / radius];
  const [gx, gy] = [cos(slope) / side, sin(slope) / side];
  const area = side * side;

  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [dx, dy] = [x + 0.5 - cx, y + 0.5 - cy];
      const isShape = inside(across * dx + along * dy, across * dy - along * dx);
      const lit = shade * ((x - side / 2) * gx + (y - side / 2) * gy) * 2;
      // The 1 in the counter separates these numbers from those of `uniform`.
      const noise = philox4x32([y * side + x, image, 1, 0], [seed, 0]);
      for (let c = 0; c < 3; c++) {
        const value = (isShape ? color[c] : near[c] + lit) + NOISE * (noise[c] / 2 ** 31 - 1);
        pixels[c * area + y * side + x] = value;
      }
    }
  }
}

export interface ShapesOptions {
  /** Height and width in pixels, at least 8. Default 32. */
  readonly size?: number;
  /** An integer in [0, 2^32). */
  readonly seed: number;
  /** Index of the first image; a test set starts after any training set. Default 0. */
  readonly first?: number;
}

/**
 * Draws n images of shapes. Image i depends only on (seed, first + i) and has class (first + i) mod 10, so that the
 * classes have equal size.
 *
 * @param n number of images, at least 1
 * @throws ParamError for a size, seed or number out of range, or more than 2 GiB of pixels
 */
export function drawShapes(n: number, options: ShapesOptions): ImageSet {
  checkKeys(checkObject('drawShapes', options), ['size', 'seed', 'first'], (key) => key);
  const { size = 32, seed, first = 0 } = options;
  checkInteger('drawShapes: n', n, { min: 1, max: 2 ** 32 });
  checkInteger('first', first, { min: 0, max: 2 ** 32 - n });
  checkInteger('size', size, { min: 8, max: 2 ** 15 });
  checkInteger('seed', seed, { min: 0, max: 2 ** 32 - 1 });
  const length = 3 * size * size;
  if (n * length > MAX_BYTES) {
    const got = `${n} of ${size}x${size}`;
    const hint = 'Draw fewer or smaller images.';
    throw new ParamError({ op: 'drawShapes', expected: `at most ${MAX_BYTES} bytes of images`, got, hint });
  }
  // A clamped array rounds values and limits them to 0..255.
  const images = new Uint8ClampedArray(n * length);
  const labels = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    labels[i] = (first + i) % FORMS.length;
    drawImage(FORMS[labels[i]], [seed, first + i], size, images.subarray(i * length, (i + 1) * length));
  }
  return {
    images: new Uint8Array(images.buffer),
    labels,
    n,
    channels: 3,
    height: size,
    width: size,
    classNames: CLASS_NAMES,
  };
}
