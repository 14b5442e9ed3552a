/** Distributions of random numbers: means within 4 standard errors. */
import { expect, jest, test } from '@jest/globals';
import { exp, log } from '../../../src/core/elementary.js';
import { beta } from '../../../src/data/augment/beta.js';
import { Draws } from '../../../src/data/augment/draws.js';
import { applyMix, cutmixBox, drawMix } from '../../../src/data/augment/mix.js';
import { randomCrop, shift } from '../../../src/data/augment/randomCrop.js';
import { drawBlock, randomErasing } from '../../../src/data/augment/randomErasing.js';
import { randomResizedCrop, resizedCropWindow } from '../../../src/data/augment/randomResizedCrop.js';
import { scaleWindow } from '../../../src/data/augment/scale.js';
import { deviations, sample } from './moments.js';

const N = 4000;

test('uniform and normal numbers', () => {
  const uniform = sample(N, (draws) => (draws.uniform(), draws.uniform()));
  expect(deviations(uniform, 1 / 2, 1 / 12)).toBeLessThan(4);
  const normal = sample(N, (draws) => draws.normal());
  expect(deviations(normal, 0, 1)).toBeLessThan(4);
  expect(
    deviations(
      normal.map((v) => v * v),
      1,
      2,
    ),
  ).toBeLessThan(4);
  expect(
    deviations(
      normal.map((v) => v ** 4),
      3,
      96,
    ),
  ).toBeLessThan(4);
});

test('items, epochs, seeds and batches have different numbers', () => {
  const firsts = [
    Draws.forImage(1, 0, 0),
    Draws.forImage(1, 0, 1),
    Draws.forImage(1, 1, 0),
    Draws.forImage(2, 0, 0),
    Draws.forBatch(1, 0, 0),
  ].flatMap((draws) => [draws.uniform(), draws.uniform(), draws.uniform()]);
  expect(new Set(firsts).size).toBe(15);
});

// Beta(α, α): mean 1/2, variance v = 1/(4(2α + 1)), fourth central moment 3v²(2α + 1)/(2α + 3).
test.each([0.01, 0.1, 0.4, 1, 1.0001, 2.5])('Beta(%d, %d)', (alpha) => {
  const draws = Draws.forBatch(3, 0, 7);
  const samples = Array.from({ length: N }, () => beta(alpha, draws));
  const variance = 1 / (4 * (2 * alpha + 1));
  const fourth = (3 * variance ** 2 * (2 * alpha + 1)) / (2 * alpha + 3);
  expect(samples.every((v) => v >= 0 && v <= 1)).toBe(true);
  expect(deviations(samples, 1 / 2, variance)).toBeLessThan(4);
  const squares = samples.map((v) => (v - 0.5) ** 2);
  // Nearly every squared deviation of Beta(0.01, 0.01) is 1/4.
  expect(deviations(squares, variance, fourth - variance ** 2)).toBeLessThan(4);
});

/** Beta(α, α) as the articles of Jöhnk, and of Marsaglia and Tsang, write it down. */
function betaAsWritten(alpha: number, draws: Draws): number {
  const gamma = (): number => {
    const d = alpha - 1 / 3;
    for (;;) {
      const x = draws.normal();
      const v = (1 + x / Math.sqrt(9 * d)) ** 3;
      // Rejected without a further number.
      if (v > 0 && log(1 - draws.uniform()) < (x * x) / 2 + d * (1 - v + log(v))) return d * v;
    }
  };
  if (alpha > 1) {
    const [x, y] = [gamma(), gamma()];
    return x / (x + y);
  }
  for (;;) {
    // U^(1/α) and V^(1/α), whose sum must be at most 1.
    const [x, y] = [log(1 - draws.uniform()) / alpha, log(1 - draws.uniform()) / alpha];
    if (Math.max(x, y) + log(1 + exp(-Math.abs(x - y))) <= 0) return 1 / (1 + exp(y - x));
  }
}

test.each([0.001, 0.1, 1, 1.0001, 3])('Beta(%d, %d) is computed as in the articles', (alpha) => {
  const [draws, same] = [Draws.forBatch(5, 0, 1), Draws.forBatch(5, 0, 1)];
  const samples = Array.from({ length: 600 }, () => [beta(alpha, draws), betaAsWritten(alpha, same)]);
  expect(Math.max(...samples.map(([a, b]) => Math.abs(a - b)))).toBeLessThan(1e-9);
});

test('a crop and a block are given up after ten tries', () => {
  /** Numbers of which the 21st, that of an eleventh try, is an error. */
  const twenty = (): Draws => {
    const draws = Draws.forImage(0, 0, 0);
    let count = 0;
    jest.spyOn(draws, 'uniform').mockImplementation(() => {
      if (++count > 20) throw new Error('an eleventh try');
      return 0.5;
    });
    return draws;
  };
  // A block is smaller than the image.
  const large = { prob: 1, area: [1, 1], aspect: [1, 1] } as const;
  expect(drawBlock([2, 2], 1, large, twenty())).toBeNull();
  const wide = { scale: [1, 1], ratio: [2, 2] } as const;
  expect(resizedCropWindow([2, 2], wide, twenty())).toEqual({ top: 0, left: 0, height: 1, width: 2 });
});

test('a block as high or as wide as the image does not fit', () => {
  const square = { prob: 1, area: [0.1, 0.1], aspect: [1, 1] } as const;
  const draws = Draws.forImage(0, 0, 0);
  for (const size of [
    [10, 100],
    [100, 10],
    [2, 500],
  ] as const)
    expect(drawBlock(size, 1, square, draws)).toBeNull();
  expect(drawBlock([11, 100], 1, { ...square, area: [0.09, 0.09] }, draws)).toMatchObject({ height: 10, width: 10 });
});

test('a window is scaled bilinearly by default', () => {
  const data = Uint8Array.from({ length: 3 * 8 * 8 }, (_, i) => (i * 89) % 256);
  const window = { top: 1, left: 2, height: 5, width: 6 };
  const scaled = (kernel?: 'bilinear') =>
    scaleWindow({ data, channels: 3, height: 8, width: 8 }, window, [4, 3], kernel);
  expect(scaled()).toEqual(scaled('bilinear'));
});

test('an image without room for a block is not erased', () => {
  const x = new Float32Array(12).fill(5);
  randomErasing(x, [2, 2], { prob: 1, area: [1, 1], aspect: [1, 1], count: 3 }, Draws.forImage(0, 0, 0));
  expect(x).toEqual(new Float32Array(12).fill(5));
});

test('RandomErasing: blocks share the area, and a color has one number for each channel', () => {
  const draws = Draws.forImage(0, 0, 0);
  const block = drawBlock([100, 100], 4, { prob: 1, area: [0.16, 0.16], aspect: [1, 1] }, draws);
  expect(block).toMatchObject({ height: 20, width: 20 });
  const colors = jest.spyOn(draws, 'normal');
  randomErasing(new Float32Array(3 * 1024), [32, 32], { prob: 1, mode: 'rand', area: [0.1, 0.1] }, draws);
  expect(colors).toHaveBeenCalledTimes(3);
});

test('RandomResizedCrop: a window has at least one pixel', () => {
  const pixel = sample(50, (draws) => resizedCropWindow([1, 1], {}, draws));
  for (const window of pixel) expect(window).toEqual({ top: 0, left: 0, height: 1, width: 1 });
  // Of one pixel of area: 3 x 0 or 0 x 3 after rounding, in each try.
  const draws = Draws.forImage(0, 0, 0);
  const high = resizedCropWindow([10, 10], { scale: [0.01, 0.01], ratio: [0.1, 0.1] }, draws);
  expect(high).toEqual({ top: 0, left: 4, height: 10, width: 1 });
  const wide = resizedCropWindow([10, 10], { scale: [0.01, 0.01], ratio: [10, 10] }, draws);
  expect(wide).toEqual({ top: 4, left: 0, height: 1, width: 10 });
  // The ratio that is left has less than half a pixel.
  expect(resizedCropWindow([2, 2], { ratio: [9, 9] }, draws)).toEqual({ top: 0, left: 0, height: 1, width: 2 });
  expect(resizedCropWindow([2, 2], { ratio: [0.1, 0.1] }, draws)).toEqual({ top: 0, left: 0, height: 2, width: 1 });
});

test('RandomResizedCrop: area, aspect and position', () => {
  const windows = sample(N, (draws) => resizedCropWindow([2000, 2000], { scale: [0.1, 0.5], ratio: [0.5, 2] }, draws));
  const areas = windows.map(({ height, width }) => (height * width) / 4e6);
  expect(deviations(areas, 0.3, 0.4 ** 2 / 12)).toBeLessThan(4);
  const aspects = windows.map(({ height, width }) => Math.log(width / height));
  expect(deviations(aspects, 0, (2 * Math.log(2)) ** 2 / 12)).toBeLessThan(4);
  const across = windows.map(({ left, width }) => left / (2000 - width));
  expect(deviations(across, 0.5, 1 / 12)).toBeLessThan(4);
});

test('RandomResizedCrop falls back to the center', () => {
  const draws = Draws.forImage(0, 0, 0);
  const wide = resizedCropWindow([10, 100], { scale: [1, 1], ratio: [0.5, 2] }, draws);
  expect(wide).toEqual({ top: 0, left: 40, height: 10, width: 20 });
  const high = resizedCropWindow([100, 10], { scale: [1, 1], ratio: [0.5, 2] }, draws);
  expect(high).toEqual({ top: 40, left: 0, height: 20, width: 10 });
});

test("RandomResizedCrop's interpolation: bilinear by default, each with probability 1/2 for 'random'", () => {
  const data = Uint8Array.from({ length: 3 * 8 * 8 }, (_, i) => (i * 89) % 256);
  const image = { data, channels: 3, height: 8, width: 8 };
  const whole = { scale: [1, 1], ratio: [1, 1] } as const;
  const cropWith = (interpolation: 'bilinear' | 'bicubic' | 'random' | undefined, draws: Draws) =>
    randomResizedCrop(image, [5, 5], interpolation === undefined ? whole : { ...whole, interpolation }, draws).data;
  const own = (interpolation?: 'bilinear' | 'bicubic') => cropWith(interpolation, Draws.forImage(0, 0, 0));
  const [linear, cubic] = [own('bilinear'), own('bicubic')];
  expect(cubic).not.toEqual(linear);
  expect(own()).toEqual(linear);
  const cubics = sample(400, (draws) => {
    const got = cropWith('random', draws);
    const isCubic = got.every((v, i) => v === cubic[i]);
    expect(isCubic || got.every((v, i) => v === linear[i])).toBe(true);
    return isCubic ? 1 : 0;
  });
  expect(deviations(cubics, 1 / 2, 1 / 4)).toBeLessThan(4);
});

test('RandomCrop: positions within the padding have equal probability', () => {
  const image = { data: Uint8Array.of(9), channels: 1, height: 1, width: 1 };
  const hits = sample(N, (draws) => (randomCrop(image, { padding: 1 }, draws).data[0] === 9 ? 1 : 0));
  expect(deviations(hits, 1 / 9, 8 / 81)).toBeLessThan(4);
});

test('RandomCrop: first the offset from the top, then from the left, both from −padding to padding', () => {
  const data = Uint8Array.from({ length: 3 * 9 * 8 }, (_, i) => (i * 89) % 256);
  const image = { data, channels: 3, height: 9, width: 8 };
  const pairs = Array.from({ length: 30 }, (_, i) => [Draws.forImage(4, 0, i), Draws.forImage(4, 0, i)]);
  for (const [draws, same] of pairs) {
    const [top, left] = [Math.floor(7 * same.uniform()) - 3, Math.floor(7 * same.uniform()) - 3];
    expect(randomCrop(image, { padding: 3 }, draws)).toEqual(shift(image, top, left, 0));
  }
});

test('RandomErasing: probability, area and values', () => {
  const size = [32, 32] as const;
  const blocks = sample(N, (draws) =>
    drawBlock([2000, 2000], 1, { prob: 1, area: [0.1, 0.3], aspect: [0.5, 2] }, draws),
  );
  const areas = blocks.map((block) => ((block?.height ?? 0) * (block?.width ?? 0)) / 4e6);
  expect(deviations(areas, 0.2, 0.2 ** 2 / 12)).toBeLessThan(4);
  const erased = sample(1000, (draws) => {
    const x = new Float32Array(3 * 1024).fill(5);
    randomErasing(x, size, { prob: 0.25, mode: 'pixel' }, draws);
    return x.filter((v) => v !== 5);
  });
  expect(
    deviations(
      erased.map((values) => (values.length > 0 ? 1 : 0)),
      0.25,
      0.1875,
    ),
  ).toBeLessThan(4);
  const values = erased.flatMap((some) => [...some]);
  expect(deviations(values, 0, 1)).toBeLessThan(4);
  expect(
    deviations(
      values.map((v) => v * v),
      1,
      2,
    ),
  ).toBeLessThan(4);
  const x = new Float32Array(3 * 1024).fill(5);
  randomErasing(x, size, { prob: 1 }, Draws.forImage(0, 0, 0));
  const zeros = x.reduce((n, v) => n + (v === 0 ? 1 : 0), 0);
  expect(zeros % 3).toBe(0);
  expect(zeros).toBeGreaterThan(0);
});

test('CutMix: λ is the share outside of the box', () => {
  for (const { lambda, box } of sample(200, (draws) => cutmixBox([20, 30], draws.uniform(), draws))) {
    if (box === null) throw new Error('no box');
    expect(lambda).toBe(1 - (box.height * box.width) / 600);
    expect(box.top >= 0 && box.left >= 0 && box.top + box.height <= 20 && box.left + box.width <= 30).toBe(true);
  }
});

test('mixup and CutMix have the given probabilities', () => {
  const options = { mixup: 0.8, cutmix: 1, prob: 0.6, switchProb: 0.3 };
  const mixes = sample(N, (draws) => drawMix(options, [32, 32], draws));
  const cut = mixes.map(({ box }) => (box === null ? 0 : 1));
  expect(deviations(cut, 0.18, 0.18 * 0.82)).toBeLessThan(4);
  const mixed = mixes.map(({ lambda, box }) => (box === null && lambda < 1 ? 1 : 0));
  expect(deviations(mixed, 0.42, 0.42 * 0.58)).toBeLessThan(4);
});

test('images are mixed with the reversed batch; the middle one does not change', () => {
  const x = Float32Array.of(1, 2, 3, 4, 5, 6);
  const targets = Float32Array.of(1, 0, 0, 1, 1, 0);
  applyMix({ lambda: 0.75, box: null }, 3, x, targets, [1, 2]);
  expect([...x]).toEqual([2, 3, 3, 4, 4, 5]);
  expect([...targets]).toEqual([1, 0, 0, 1, 1, 0]);
  const y = Float32Array.of(1, 2, 3, 4);
  const shares = Float32Array.of(1, 0, 0, 1);
  applyMix({ lambda: 0.5, box: { top: 0, left: 1, height: 1, width: 1 } }, 2, y, shares, [1, 2]);
  expect([...y]).toEqual([1, 4, 3, 2]);
  expect([...shares]).toEqual([0.5, 0.5, 0.5, 0.5]);
});
