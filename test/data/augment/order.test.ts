/**
 * The order of the transforms, stated here as one writes it down from torchvision, timm and the article, and not by
 * recorded digests. Each transform draws from one sequence of random numbers, so that another order gives other pixels.
 */
import { describe, expect, test } from '@jest/globals';
import { beta } from '../../../src/data/augment/beta.js';
import { colorJitter } from '../../../src/data/augment/colorJitter.js';
import { Draws } from '../../../src/data/augment/draws.js';
import { brightness, contrast, saturation } from '../../../src/data/augment/enhance.js';
import { horizontalFlip } from '../../../src/data/augment/horizontalFlip.js';
import { hue } from '../../../src/data/augment/hue.js';
import { applyMix, cutmixBox, drawMix } from '../../../src/data/augment/mix.js';
import type { AugmentOptions } from '../../../src/data/augment/options.js';
import { createTransform } from '../../../src/data/augment/pipeline.js';
import type { Planes } from '../../../src/data/augment/planes.js';
import { OPS, randAugment } from '../../../src/data/augment/randAugment.js';
import { randomCrop } from '../../../src/data/augment/randomCrop.js';
import { randomErasing } from '../../../src/data/augment/randomErasing.js';
import { randomResizedCrop } from '../../../src/data/augment/randomResizedCrop.js';
import { rotation } from '../../../src/data/augment/rotation.js';
import { fitPlanes } from '../../../src/data/augment/scale.js';
import { batchRecipe } from '../../../src/data/loader/loaderOptions.js';
import { openLoader } from '../../../src/data/loader/loader.js';
import type { ImageSet } from '../../../src/data/sets/dataset.js';
import { PRESETS } from '../../../src/train/presets.js';
import { deviations, sample } from './moments.js';

const FILL = [124, 116, 104];
const SIZE = [12, 10] as const;
const FIT = { size: SIZE, resize: 'exact', crop_pct: 1, interpolation: 'bilinear' } as const;

function noise(height: number, width: number, seed = 0): Planes {
  const data = Uint8Array.from({ length: 3 * height * width }, (_, i) => (i * i * 13 + (71 + seed) * i + 9) % 256);
  return { data, channels: 3, height, width };
}

/** Both the transform of the options and the one that is written down, for many images. */
function expectSteps(options: AugmentOptions, written: (image: Planes, draws: Draws) => Planes): void {
  const transform = createTransform(options, FIT, FILL);
  for (let i = 0; i < 30; i++) {
    const image = noise(20, 16, i);
    const [got, expected] = [transform, written].map((each) => each(image, Draws.forImage(5, 1, i)));
    expect([got.height, got.width]).toEqual(SIZE);
    expect(got.data).toEqual(expected.data);
  }
}

describe('the transforms of an image', () => {
  test('article: crop, color jitter, flip, rotation, as in its Compose', () => {
    const { augment } = PRESETS.article.recipe;
    expectSteps(augment, (image, draws) => {
      let result = randomResizedCrop(image, SIZE, { scale: [0.6, 1], ratio: [3 / 4, 4 / 3] }, draws);
      result = colorJitter(result, { brightness: 0.2, contrast: 0.2, saturation: 0.2 }, draws);
      if (draws.uniform() < 0.5) result = horizontalFlip(result);
      return rotation(result, 20, draws);
    });
  });

  test("official: crop, flip, RandAugment, as in timm's transforms_imagenet_train", () => {
    const { augment } = PRESETS.official.recipe;
    expectSteps(augment, (image, draws) => {
      const crop = { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], interpolation: 'bicubic' } as const;
      let result = randomResizedCrop(image, SIZE, crop, draws);
      if (draws.uniform() < 0.5) result = horizontalFlip(result);
      return randAugment(result, { magnitude: 7, layers: 2, std: 0.5 }, FILL, draws);
    });
  });

  test('all at once: RandAugment after jitter, flip and rotation', () => {
    const options: AugmentOptions = {
      // The order of the keys does not matter.
      randAugment: { prob: 1 },
      rotation: 35,
      horizontalFlip: 0.4,
      colorJitter: { brightness: 0.4, hue: 0.2 },
      randomCrop: { padding: 3, fill: 'reflect' },
    };
    expectSteps(options, (image, draws) => {
      // torchvision pads and crops before it resizes.
      let result = fitPlanes(randomCrop(image, { padding: 3, fill: 'reflect' }, draws), FIT);
      result = colorJitter(result, { brightness: 0.4, hue: 0.2 }, draws);
      if (draws.uniform() < 0.4) result = horizontalFlip(result);
      result = rotation(result, 35, draws);
      return randAugment(result, { prob: 1 }, FILL, draws);
    });
  });
});

test('a transform that is absent takes no random numbers', () => {
  expectSteps({ rotation: 35 }, (image, draws) => rotation(fitPlanes(image, FIT), 35, draws));
});

test("RandAugment: op, probability, magnitude, sign and sampling are drawn in this order, as by timm's", () => {
  const ops = Object.values(OPS);
  for (const std of [0, 0.7]) {
    const options = { magnitude: 4, layers: 3, std, prob: 0.6, interpolation: 'random' } as const;
    expectSteps({ randAugment: options }, (image, draws) => {
      let result = fitPlanes(image, FIT);
      for (let layer = 0; layer < 3; layer++) {
        const op = ops[Math.floor(15 * draws.uniform())];
        if (draws.uniform() >= 0.6) continue;
        // Without a deviation there is no number for it.
        const m = std === 0 ? 4 : Math.min(10, Math.max(0, 4 + std * draws.normal()));
        const sign = draws.uniform() < 0.5 ? -1 : 1;
        const sampling = draws.uniform() < 0.5 ? 'bilinear' : 'bicubic';
        result = op(result, { m, sign, sampling, fill: FILL });
      }
      return result;
    });
  }
});

describe("torchvision's ColorJitter", () => {
  const STRENGTHS = { brightness: 0.5, contrast: 0.6, saturation: 0.7, hue: 0.3 };
  const NAMES = ['brightness', 'contrast', 'saturation', 'hue'] as const;
  const ORDERS = NAMES.flatMap((a) =>
    NAMES.flatMap((b) => NAMES.flatMap((c) => NAMES.map((d) => [a, b, c, d]))),
  ).filter((order) => new Set(order).size === 4);

  /** In which orders the four changes, by the factors that the image drew, give the pixels of `colorJitter`. */
  function ordersOf(image: Planes, index: number): string[] {
    const draws = Draws.forImage(11, 2, index);
    // A random order of four takes three numbers. The factors follow, as in torchvision's get_params.
    for (let i = 0; i < 3; i++) draws.uniform();
    const factor = (strength: number): number => draws.uniformBetween(1 - strength, 1 + strength);
    const factors = [factor(0.5), factor(0.6), factor(0.7), draws.uniformBetween(-0.3, 0.3)];
    const changes = { brightness, contrast, saturation, hue };
    const jittered = colorJitter(image, STRENGTHS, Draws.forImage(11, 2, index));
    return ORDERS.filter((order) => {
      const { data } = order.reduce((from, name) => changes[name](from, factors[NAMES.indexOf(name)]), image);
      return data.every((value, i) => value === jittered.data[i]);
    }).map((order) => order.join(' '));
  }

  // Hue and saturation, for example, rarely give the same pixels in both orders, for noise of this size.
  const N = 600;
  const found = Array.from({ length: N }, (_, i) => ordersOf(noise(5, 6, i), i)).filter(({ length }) => length === 1);
  const orders = found.map(([order]) => order);

  test('every image has one of the 24 orders', () => {
    // The others have factors near 1, with which two orders give the same pixels.
    expect(orders.length).toBeGreaterThan(0.9 * N);
  });

  test('the 24 orders have the same probability', () => {
    const expected = orders.length / 24;
    const counts = ORDERS.map((order) => orders.filter((name) => name === order.join(' ')).length);
    const chi2 = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // The 1 − 1e-6 quantile of χ² with 23 degrees of freedom is 70.
    expect(chi2).toBeLessThan(70);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  test.each(NAMES.flatMap((a, i) => NAMES.slice(i + 1).map((b) => [a, b] as const)))(
    '%s comes before %s in half of the images',
    (a, b) => {
      const before = orders.map((order) => (order.indexOf(a) < order.indexOf(b) ? 1 : 0));
      expect(deviations(before, 1 / 2, 1 / 4)).toBeLessThan(5);
    },
  );
});

describe('mixup and CutMix', () => {
  const BIG = [64, 64] as const;

  test('each has its own α', () => {
    // Beta(0.05, 0.05) is nearly always 0 or 1, Beta(60, 60) always near 1/2.
    const mixes = (mixup: number, cutmix: number) =>
      sample(600, (draws) => drawMix({ mixup, cutmix, prob: 1, switchProb: 0.5 }, BIG, draws));
    const lambdas = (of: ReturnType<typeof mixes>) =>
      of.filter(({ box, lambda }) => box === null && lambda < 1).map(({ lambda }) => lambda);
    const heights = (of: ReturnType<typeof mixes>) => of.flatMap(({ box }) => (box === null ? [] : [box.height]));

    const near = mixes(60, 0.05);
    expect(lambdas(near).every((v) => v > 0.2 && v < 0.8)).toBe(true);
    // Boxes of nearly the whole image, and of nearly nothing.
    expect(heights(near).filter((v) => v > 60 || v < 4).length).toBeGreaterThan(30);

    const far = mixes(0.05, 60);
    expect(lambdas(far).filter((v) => v < 0.05 || v > 0.95).length).toBeGreaterThan(0.6 * lambdas(far).length);
    expect(Math.max(...heights(far))).toBeLessThan(58);
  });

  test('λ of mixup is Beta(α, α), and a batch has one λ', () => {
    const lambdas = sample(
      2000,
      (draws) => drawMix({ mixup: 0.4, cutmix: 0, prob: 1, switchProb: 0.5 }, BIG, draws).lambda,
    );
    // Variance of Beta(0.4, 0.4): 1/(4(2·0.4 + 1)).
    expect(deviations(lambdas, 1 / 2, 1 / 7.2)).toBeLessThan(4.5);
    const variance = lambdas.reduce((sum, v) => sum + (v - 0.5) ** 2, 0) / lambdas.length;
    expect(variance).toBeCloseTo(1 / 7.2, 1);
  });

  test.each([
    [{ mixup: 0, cutmix: 0 }, 0, 0],
    [{ mixup: 0.8, cutmix: 0 }, 1, 0],
    [{ mixup: 0, cutmix: 0.8 }, 0, 1],
  ])('%j alone does not depend on switchProb', (alphas, mixed, cut) => {
    for (const switchProb of [0, 1]) {
      const all = sample(50, (draws) => drawMix({ ...alphas, prob: 1, switchProb }, BIG, draws));
      expect(all.every(({ box }) => (box === null ? 0 : 1) === cut)).toBe(true);
      expect(all.every(({ lambda }) => (lambda < 1 ? 1 : 0) === mixed || cut === 1)).toBe(true);
    }
  });

  test('switchProb is the probability of CutMix, prob that of mixing', () => {
    const of = (prob: number, switchProb: number) =>
      sample(20, (draws) => drawMix({ mixup: 1, cutmix: 1, prob, switchProb }, BIG, draws));
    expect(of(1, 1).every(({ box }) => box !== null)).toBe(true);
    expect(of(1, 0).every(({ box, lambda }) => box === null && lambda < 1)).toBe(true);
    expect(of(0, 0.5).every(({ box, lambda }) => box === null && lambda === 1)).toBe(true);
  });

  test('the box has sides √(1 − λ), is clipped, and corrects λ by what remains', () => {
    const corners = sample(400, (draws) => cutmixBox([40, 80], 0.75, draws));
    for (const { lambda, box } of corners) {
      if (box === null) throw new Error('no box');
      // √0.25 of each side, as far as it is inside.
      expect(box.height <= 20 && box.width <= 40).toBe(true);
      const isInside = box.top > 0 && box.left > 0 && box.top + box.height < 40 && box.left + box.width < 80;
      if (isInside) expect([box.height, box.width, lambda]).toEqual([20, 40, 0.75]);
      expect(lambda).toBeCloseTo(1 - (box.height * box.width) / 3200, 12);
    }
    // The center is uniform, so that boxes are clipped at every side.
    expect(corners.some(({ lambda }) => lambda > 0.9)).toBe(true);
    for (const key of ['top', 'left'] as const) expect(corners.some(({ box }) => box?.[key] === 0)).toBe(true);
  });

  test('the loader passes each option on as what it is', () => {
    const set = { channels: 3, height: 8, width: 8 } as ImageSet;
    const options = { batchSize: 2, seed: 9, mean: [0, 0, 0], std: [1, 1, 1], smoothing: 0.2 };
    const mixing = { mixup: 0.1, cutmix: 0.7, mixupProb: 0.6, switchProb: 0.3 };
    expect(batchRecipe(set, { ...options, ...mixing })).toMatchObject({
      ...{ seed: 9, smoothing: 0.2, augment: {} },
      mix: { mixup: 0.1, cutmix: 0.7, prob: 0.6, switchProb: 0.3 },
    });
    // timm's defaults of its class, except that mixing is off.
    expect(batchRecipe(set, options).mix).toEqual({ mixup: 0, cutmix: 0, prob: 1, switchProb: 0.5 });
  });
});

test('a batch: transforms, normalization, erasing, then mixing, as timm orders them', async () => {
  const [n, side] = [4, 8];
  const [mean, std] = [
    [0.5, 0.4, 0.3],
    [0.2, 0.3, 0.4],
  ];
  const images = noise(n * side, side).data;
  const set: ImageSet = {
    ...{ images, labels: Uint8Array.of(0, 1, 2, 0), n, channels: 3, height: side, width: side },
    classNames: ['a', 'b', 'c'],
  };
  const erasing = { prob: 0.7, mode: 'rand', count: 2 } as const;
  const augment = { horizontalFlip: 0.5, randomErasing: erasing };
  const mix = { mixup: 0.8, cutmix: 1, prob: 1, switchProb: 0.4 };
  const loader = await openLoader(set, {
    ...{ batchSize: n, seed: 3, mean, std, augment, smoothing: 0.1, shuffle: false, workers: 0 },
    ...{ mixup: 0.8, cutmix: 1, switchProb: 0.4 },
  });
  let cuts = 0;
  for (let epoch = 0; epoch < 12; epoch++) {
    const x = new Float32Array(images.length);
    // 1 − s + s/C and s/C with smoothing s = 0.1 and C = 3 classes.
    const targets = Float32Array.from(
      [...set.labels].flatMap((label) => [0, 1, 2].map((c) => (c === label ? 0.9 : 0) + 0.1 / 3)),
    );
    const size = images.length / n;
    for (let i = 0; i < n; i++) {
      const draws = Draws.forImage(3, epoch, i);
      const data = images.subarray(i * size, (i + 1) * size);
      const image = { data, channels: 3, height: side, width: side };
      const flipped = draws.uniform() < 0.5 ? horizontalFlip(image) : image;
      flipped.data.forEach((value, k) => {
        const c = Math.floor(k / (side * side));
        x[i * size + k] = (value / 255 - mean[c]) / std[c];
      });
      randomErasing(x.subarray(i * size, (i + 1) * size), [side, side], erasing, draws);
    }
    const drawn = drawMix(mix, [side, side], Draws.forBatch(3, epoch, 0));
    applyMix(drawn, n, x, targets, [side, side]);
    if (drawn.box !== null) cuts++;
    for await (const batch of loader.epoch(epoch)) {
      expect(batch.x).toEqual(x);
      expect([...batch.targets]).toEqual([...targets]);
    }
  }
  expect(cuts > 0 && cuts < 12).toBe(true);
  await loader.dispose();
});

test('erasing replaces values after normalization: zeros, a color, or noise', () => {
  const options = { prob: 1, area: [0.2, 0.3] as const };
  const erased = (mode: 'const' | 'rand' | 'pixel'): number[][] => {
    const x = new Float32Array(3 * 400).fill(5);
    randomErasing(x, [20, 20], { ...options, mode }, Draws.forImage(1, 0, 4));
    return [0, 1, 2].map((c) => [...x.subarray(400 * c, 400 * (c + 1))].filter((v) => v !== 5));
  };
  // 20 to 30% of 400 pixels, up to the rounding of the sides.
  for (const plane of erased('const')) {
    expect(plane.length > 60 && plane.length < 140).toBe(true);
    expect(plane.every((v) => v === 0)).toBe(true);
  }
  const colors = erased('rand').map((plane) => new Set(plane));
  expect(colors.map((values) => values.size)).toEqual([1, 1, 1]);
  expect(new Set(colors.flatMap((values) => [...values])).size).toBe(3);
  for (const plane of erased('pixel')) expect(new Set(plane).size).toBe(plane.length);
});

test('erasing divides the area among the blocks, of which there are 1 to count', () => {
  const counts = sample(300, (draws) => {
    const x = new Float32Array(10_000).fill(5);
    randomErasing(x, [100, 100], { prob: 1, area: [0.3, 0.3], aspect: [1, 1], count: 3, mode: 'rand' }, draws);
    return new Set(x.filter((v) => v !== 5)).size;
  });
  // Of two blocks of 39 pixels a side, or three of 32, a later one rarely hides an earlier one.
  expect(new Set(counts)).toEqual(new Set([1, 2, 3]));
  expect(
    deviations(
      counts.map((count) => (count === 1 ? 1 : 0)),
      1 / 3,
      2 / 9,
    ),
  ).toBeLessThan(4.5);
});

test('a flip mirrors with its probability', () => {
  const image = noise(1, 2);
  const transform = createTransform({ horizontalFlip: 0.2 }, { ...FIT, size: [1, 2] }, FILL);
  const flips = sample(1000, (draws) => (transform(image, draws).data[0] === image.data[1] ? 1 : 0));
  expect(deviations(flips, 0.2, 0.16)).toBeLessThan(4.5);
});

test('Beta(α, α) is symmetric, and its extremes are those of a small and a large α', () => {
  const of = (alpha: number) => sample(500, (draws) => beta(alpha, draws));
  expect(of(0.1).filter((v) => v < 0.01 || v > 0.99).length).toBeGreaterThan(250);
  expect(of(100).every((v) => v > 0.3 && v < 0.7)).toBe(true);
});
