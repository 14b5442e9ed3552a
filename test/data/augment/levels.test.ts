/**
 * Magnitudes and probabilities, compared with numbers copied from timm's `auto_augment.py` and from torchvision. Pixels
 * are compared with Pillow's in goldens.test.ts.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import { affine, type Affine } from '../../../src/data/augment/affine.js';
import { colorJitter, type ColorJitterOptions } from '../../../src/data/augment/colorJitter.js';
import { brightness, contrast, saturation, sharpness } from '../../../src/data/augment/enhance.js';
import type { Planes } from '../../../src/data/augment/planes.js';
import { OPS, randAugment, type RandAugmentOptions } from '../../../src/data/augment/randAugment.js';
import { rotate, rotation } from '../../../src/data/augment/rotation.js';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from '../../../src/data/augment/tones.js';
import { deviations, sample } from './moments.js';

const FILL = [124, 116, 104];

function noise(height: number, width: number): Planes {
  const data = Uint8Array.from({ length: 3 * height * width }, (_, i) => (i * i * 13 + 71 * i + 9) % 256);
  return { data, channels: 3, height, width };
}

const flat = (red: number, green: number, blue: number): Planes => ({
  ...{ data: Uint8Array.of(red, green, blue), channels: 3 },
  ...{ height: 1, width: 1 },
});

describe("RandAugment's levels", () => {
  /** _RAND_INCREASING_TRANSFORMS, the set of `inc1`; Cutout is commented out there. */
  const NAMES = [
    ...['AutoContrast', 'Equalize', 'Invert', 'Rotate', 'PosterizeIncreasing', 'SolarizeIncreasing', 'SolarizeAdd'],
    ...['ColorIncreasing', 'ContrastIncreasing', 'BrightnessIncreasing', 'SharpnessIncreasing'],
    ...['ShearX', 'ShearY', 'TranslateXRel', 'TranslateYRel'],
  ];
  /** For magnitudes 0 to 10: degrees, bits, thresholds, additions, factors, and shares of pixels and sides. */
  const DEGREES = [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30];
  const BITS = [4, 4, 4, 3, 3, 2, 2, 2, 1, 1, 0];
  const THRESHOLDS = [256, 231, 205, 180, 154, 128, 103, 77, 52, 26, 0];
  const ADDED = [0, 11, 22, 33, 44, 55, 66, 77, 88, 99, 110];
  const MORE = [1, 1.09, 1.18, 1.27, 1.36, 1.45, 1.54, 1.63, 1.72, 1.81, 1.9];
  const LESS = [1, 0.91, 0.82, 0.73, 0.64, 0.55, 0.46, 0.37, 0.28, 0.19, 0.1];
  const SHEARS = [0, 0.03, 0.06, 0.09, 0.12, 0.15, 0.18, 0.21, 0.24, 0.27, 0.3];
  const SHARES = [0, 0.045, 0.09, 0.135, 0.18, 0.225, 0.27, 0.315, 0.36, 0.405, 0.45];

  const image = noise(20, 24);
  const by = (matrix: Affine) => affine(image, matrix, 'bicubic', FILL);
  const factor = (m: number, sign: number): number => (sign > 0 ? MORE : LESS)[m];
  const EXPECTED: Readonly<Record<string, (m: number, sign: 1 | -1) => Planes>> = {
    AutoContrast: () => autoContrast(image),
    Equalize: () => equalize(image),
    Invert: () => invert(image),
    Rotate: (m, sign) => rotate(image, sign * DEGREES[m], 'bicubic', FILL),
    PosterizeIncreasing: (m) => posterize(image, BITS[m]),
    SolarizeIncreasing: (m) => solarize(image, THRESHOLDS[m]),
    SolarizeAdd: (m) => solarizeAdd(image, ADDED[m]),
    ColorIncreasing: (m, sign) => saturation(image, factor(m, sign)),
    ContrastIncreasing: (m, sign) => contrast(image, factor(m, sign)),
    BrightnessIncreasing: (m, sign) => brightness(image, factor(m, sign)),
    SharpnessIncreasing: (m, sign) => sharpness(image, factor(m, sign)),
    ShearX: (m, sign) => by([1, sign * SHEARS[m], 0, 0, 1, 0]),
    ShearY: (m, sign) => by([1, 0, 0, sign * SHEARS[m], 1, 0]),
    TranslateXRel: (m, sign) => by([1, 0, sign * SHARES[m] * 24, 0, 1, 0]),
    TranslateYRel: (m, sign) => by([1, 0, 0, 0, 1, sign * SHARES[m] * 20]),
  };

  /** Factors multiplied in another order may round a pixel differently. */
  const off = (a: Planes, b: Planes): number => Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i])));

  test('are for these ops, in this order', () => {
    expect(Object.keys(OPS)).toEqual(NAMES);
  });

  test.each(NAMES)('%s', (name) => {
    for (let m = 0; m <= 10; m++) {
      for (const sign of [1, -1] as const) {
        const got = OPS[name](image, { m, sign, sampling: 'bicubic', fill: FILL });
        expect(off(got, EXPECTED[name](m, sign))).toBeLessThanOrEqual(1);
      }
    }
    // Also between two magnitudes: integers are truncated, not rounded.
    const between = OPS[name](image, { m: 7.2, sign: 1, sampling: 'bicubic', fill: FILL });
    if (name === 'PosterizeIncreasing') expect(between).toEqual(posterize(image, 2));
    if (name === 'SolarizeIncreasing') expect(between).toEqual(solarize(image, 256 - 184));
    if (name === 'SolarizeAdd') expect(between).toEqual(solarizeAdd(image, 79));
  });
});

describe('random numbers of RandAugment', () => {
  type Level = Parameters<(typeof OPS)[string]>[1];
  const ops = OPS as Record<string, (typeof OPS)[string]>;
  const own = { ...OPS };
  afterEach(() => {
    Object.assign(ops, own);
  });

  /** Records the ops of n images; the ops themselves return their input. */
  function appliedOps(n: number, options: RandAugmentOptions): (Level & { readonly name: string })[][] {
    const image = flat(1, 2, 3);
    let seen: (Level & { readonly name: string })[] = [];
    for (const name of Object.keys(ops)) {
      ops[name] = (input, level) => {
        seen.push({ ...level, name });
        return input;
      };
    }
    return sample(n, (draws) => {
      seen = [];
      randAugment(image, options, FILL, draws);
      return seen;
    });
  }

  // rand-m7-mstd0.5-inc1: two layers, each applied with probability 0.5.
  test('ops have equal probability, layers and signs 1/2, magnitudes a normal distribution', () => {
    const images = appliedOps(4000, { magnitude: 7, std: 0.5 });
    const all = images.flat();
    expect(
      deviations(
        images.map(({ length }) => length),
        1,
        1 / 2,
      ),
    ).toBeLessThan(4);
    for (const op of Object.keys(own)) {
      const hits = all.map(({ name }) => (name === op ? 1 : 0));
      expect(deviations(hits, 1 / 15, (1 / 15) * (14 / 15))).toBeLessThan(4);
    }
    // With replacement: the same op twice with probability 1/15.
    const pairs = images.filter(({ length }) => length === 2).map(([a, b]) => (a.name === b.name ? 1 : 0));
    expect(deviations(pairs, 1 / 15, (1 / 15) * (14 / 15))).toBeLessThan(4);
    expect(
      deviations(
        all.map(({ sign }) => sign),
        0,
        1,
      ),
    ).toBeLessThan(4);
    expect(
      deviations(
        all.map(({ m }) => m),
        7,
        1 / 4,
      ),
    ).toBeLessThan(4);
    expect(
      deviations(
        all.map(({ m }) => (m - 7) ** 2),
        1 / 4,
        1 / 8,
      ),
    ).toBeLessThan(4);
    expect(new Set(all.map(({ sampling }) => sampling))).toEqual(new Set(['bicubic']));
    expect(all.every(({ fill }) => fill === FILL)).toBe(true);
  });

  test('the defaults are rand-m9-mstd0.5-inc1, clamped to 10', () => {
    const all = appliedOps(4000, {}).flat();
    const { m } = { m: all.map((level) => level.m) };
    // Of a normal distribution with mean 9 and standard deviation 1/2, the share Φ(−2) is above 10, and clamped.
    expect(Math.max(...m)).toBe(10);
    expect(
      deviations(
        m.map((value) => (value === 10 ? 1 : 0)),
        0.02275,
        0.02275 * 0.97725,
      ),
    ).toBeLessThan(4);
    expect(
      deviations(
        m.map((value) => (value < 9 ? 1 : 0)),
        1 / 2,
        1 / 4,
      ),
    ).toBeLessThan(4);
  });

  test('layers, prob and std 0 are respected', () => {
    const images = appliedOps(2000, { magnitude: 4, std: 0, layers: 3, prob: 0.8, interpolation: 'random' });
    expect(
      deviations(
        images.map(({ length }) => length),
        2.4,
        3 * 0.8 * 0.2,
      ),
    ).toBeLessThan(4);
    const all = images.flat();
    expect(all.every(({ m }) => m === 4)).toBe(true);
    expect(new Set(all.map(({ sampling }) => sampling))).toEqual(new Set(['bilinear', 'bicubic']));
    const cubics = all.map(({ sampling }) => (sampling === 'bicubic' ? 1 : 0));
    expect(deviations(cubics, 1 / 2, 1 / 4)).toBeLessThan(4);
  });

  test('the second op is applied to the result of the first', () => {
    for (const name of Object.keys(ops)) {
      ops[name] = ({ data, ...rest }) => ({ ...rest, data: data.map((v) => 2 * v + 1) });
    }
    const [made] = sample(1, (draws) => randAugment(flat(1, 2, 3), { prob: 1, layers: 3 }, FILL, draws));
    expect([...made.data]).toEqual([15, 23, 31]);
  });
});

describe("torchvision's ColorJitter", () => {
  const N = 1000;
  /** Checks a uniform distribution: mean, variance and range, up to the resolution `step` of a byte. */
  function expectUniform(factors: readonly number[], low: number, high: number, step: number): void {
    const [mean, variance] = [(low + high) / 2, (high - low) ** 2 / 12];
    const slack = step / Math.sqrt(variance / factors.length);
    expect(deviations(factors, mean, variance)).toBeLessThan(4 + slack);
    expect(Math.min(...factors)).toBeGreaterThanOrEqual(low - step);
    expect(Math.min(...factors)).toBeLessThan(low + 0.01 * (high - low) + step);
    expect(Math.max(...factors)).toBeLessThanOrEqual(high + step);
    expect(Math.max(...factors)).toBeGreaterThan(high - 0.01 * (high - low) - step);
  }
  const jittered = (image: Planes, options: ColorJitterOptions, of: (data: Uint8Array) => number): number[] =>
    sample(N, (draws) => of(colorJitter(image, options, draws).data));
  /** A dark and a light pixel with mean luma 100. */
  const pair: Planes = { data: Uint8Array.of(60, 140, 60, 140, 60, 140), channels: 3, height: 1, width: 2 };

  test.each([
    [0.4, 0.6, 1.4],
    // Never below 0.
    [1.4, 0, 2.4],
  ])('brightness, contrast and saturation of strength %d: factors from %d to %d', (strength, low, high) => {
    const bright = jittered(flat(100, 100, 100), { brightness: strength }, ([red]) => red / 100);
    expectUniform(bright, low, high, 0.01);
    const contrasted = jittered(pair, { contrast: strength }, ([, light]) => (light - 100) / 40);
    expectUniform(contrasted, low, high, 1 / 40);
    // Exactly luma 100; blue is 60 above it.
    const colored = jittered(flat(92, 92, 162), { saturation: strength }, ([, , blue]) => (blue - 100) / 62);
    expectUniform(colored, low, high, 1 / 62);
  });

  test('hue: shifts from −h to h turns', () => {
    const turns = jittered(flat(255, 0, 0), { hue: 0.1 }, ([, green, blue]) => (green - blue) / 255 / 6);
    expectUniform(turns, -0.1, 0.1, 1 / 250);
  });

  test('random order: brightness before contrast in half of the cases', () => {
    // This contrast yields 0 and 255: the light pixel is below 255 only if it is darkened afterwards.
    const whites = jittered(pair, { brightness: 0.5, contrast: 2000 }, ([, light]) => (light === 255 ? 1 : 0));
    expect(deviations(whites, 3 / 4, 3 / 16)).toBeLessThan(4);
  });

  test('absent options change nothing', () => {
    const image = noise(4, 5);
    for (const options of [{}, { brightness: 0, contrast: 0, saturation: 0, hue: 0 }]) {
      const [made] = sample(1, (draws) => colorJitter(image, options, draws));
      expect(made.data).toEqual(image.data);
    }
  });
});

test('equalize: the last of the values that occur does not count for the step, as in Pillow', () => {
  // Of 256 pixels 254 count, which are too few for a step of 1.
  const data = new Uint8Array(256).fill(10).fill(200, 254);
  const image = { data, channels: 1, height: 16, width: 16 };
  expect(equalize(image).data).toEqual(data);
  const more = { ...image, data: data.with(255, 10) };
  expect(equalize(more).data).toEqual(new Uint8Array(256).fill(255, 254, 255));
});

test.each(['bilinear', 'bicubic'] as const)(
  '%s sampling includes the left and top border, not the others',
  (kernel) => {
    const image = { data: Uint8Array.from({ length: 12 }, (_, i) => 10 * i + 7), channels: 1, height: 3, width: 4 };
    const shifted = (x: number, y: number) => affine(image, [1, 0, x, 0, 1, y], kernel, [255]).data;
    // Half a pixel to the right or down: the first pixel is taken at the border itself.
    expect(shifted(-0.5, 0)).not.toContain(255);
    expect(shifted(0, -0.5)).not.toContain(255);
    // To the left or up: the last one lies on the far border, which is outside.
    const outside = (data: Uint8Array): number[] => [...data.keys()].filter((i) => data[i] === 255);
    expect(outside(shifted(0.5, 0))).toEqual([3, 7, 11]);
    expect(outside(shifted(0, 0.5))).toEqual([8, 9, 10, 11]);
  },
);

test("torchvision's RandomRotation: from −d to d degrees, counterclockwise, black outside", () => {
  const [side, radius, far] = [81, 6, 30];
  const middle = (side - 1) / 2;
  const data = new Uint8Array(side * side).fill(1);
  // A disc to the right of the center.
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if ((x - middle - far) ** 2 + (y - middle) ** 2 <= radius ** 2) data[y * side + x] = 255;
    }
  }
  const image = { data, channels: 1, height: side, width: side };
  const angle = (turned: Uint8Array): number => {
    let [across, down] = [0, 0];
    turned.forEach((value, i) => {
      if (value < 255) return;
      across += (i % side) - middle;
      down += Math.floor(i / side) - middle;
    });
    return (Math.atan2(-down, across) * 180) / Math.PI;
  };
  expect(angle(rotate(image, 15, 'nearest', [0]).data)).toBeCloseTo(15, 0);
  const degrees = sample(600, (draws) => {
    const turned = rotation(image, 20, draws).data;
    expect(turned.includes(0)).toBe(turned.some((value, i) => value !== data[i]));
    return angle(turned);
  });
  expect(deviations(degrees, 0, 40 ** 2 / 12)).toBeLessThan(4);
  expect(
    deviations(
      degrees.map((v) => v ** 2),
      400 / 3,
      (4 / 45) * 400 ** 2,
    ),
  ).toBeLessThan(4);
  expect(Math.max(...degrees.map(Math.abs))).toBeLessThan(20.5);
  expect(Math.max(...degrees)).toBeGreaterThan(19.5);
  expect(Math.min(...degrees)).toBeLessThan(-19.5);
});
