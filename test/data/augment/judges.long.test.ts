/**
 * What augmentation draws, and torchvision's and timm's draws: two samples of the same distribution. The
 * Kolmogorov-Smirnov and χ² tests are at a significance of 1e-6 each, with fixed seeds on both sides.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { colorJitter } from '../../../src/data/augment/colorJitter.js';
import { Draws } from '../../../src/data/augment/draws.js';
import { applyMix, cutmixBox, drawMix } from '../../../src/data/augment/mix.js';
import type { Planes } from '../../../src/data/augment/planes.js';
import { OPS, randAugment } from '../../../src/data/augment/randAugment.js';
import { randomCrop } from '../../../src/data/augment/randomCrop.js';
import { drawBlock, randomErasing } from '../../../src/data/augment/randomErasing.js';
import { resizedCropWindow } from '../../../src/data/augment/randomResizedCrop.js';
import { PRESETS } from '../../../src/train/presets.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { sample } from './moments.js';

const python = process.env.VANILLANET_PYTHON;
const DRAWS = fileURLToPath(new URL('draws.py', import.meta.url));
const path = temporaryFolder();

const N = 4000;
const [HEIGHT, WIDTH] = [20, 24];
const FILL = [124, 116, 104];
const PLANES: Planes = {
  data: Uint8Array.from({ length: 3 * HEIGHT * WIDTH }, (_, i) => (i * i * 13 + 71 * i + 9) % 256),
  ...{ channels: 3, height: HEIGHT, width: WIDTH },
};

type Row = readonly number[];

/** See draws.py. */
interface Judged {
  readonly resizedCrop: readonly Row[];
  readonly jitter: readonly (readonly [order: string, ...factors: number[]])[];
  readonly rotation: Row;
  readonly randomCrop: readonly Row[];
  readonly erasing: readonly (Row | null)[];
  readonly mixes: readonly (readonly [lambda: number, isCut: boolean])[];
  readonly boxes: readonly Row[];
  readonly ops: readonly string[];
  readonly opSettings: readonly Row[];
  readonly randAugment: readonly (readonly [name: string, m: number] | null)[];
  readonly steps: readonly (readonly [
    name: string,
    m: number,
    sign: 1 | -1,
    sampling: 'bilinear' | 'bicubic',
    data: Row,
  ])[];
  readonly mixed: { readonly x: Row; readonly mixed: Row; readonly targets: Row };
  readonly pipeline: readonly string[];
  readonly cropDefaults: readonly Row[];
  readonly erasingDefaults: readonly [number, number, Row];
}

/** The largest difference of the two distribution functions, times √(n·m/(n + m)). */
function kolmogorov(a: Row, b: Row): number {
  const all = [...new Set([...a, ...b])].sort((x, y) => x - y);
  const [sortedA, sortedB] = [a, b].map((values) => [...values].sort((x, y) => x - y));
  let [i, j, largest] = [0, 0, 0];
  for (const value of all) {
    while (sortedA[i] <= value) i++;
    while (sortedB[j] <= value) j++;
    largest = Math.max(largest, Math.abs(i / a.length - j / b.length));
  }
  return largest * Math.sqrt((a.length * b.length) / (a.length + b.length));
}

/** √(−ln(1e-6/2)/2): a larger statistic has a probability below 1e-6. */
const CRITICAL = 2.7;

const expectSame = (a: Row, b: Row): void => {
  expect(kolmogorov(a, b)).toBeLessThan(CRITICAL);
};

/** χ² of two samples of names, against their common shares, in standard deviations above its mean. */
function expectSameCounts(a: readonly string[], b: readonly string[]): void {
  const names = [...new Set([...a, ...b])];
  const chi2 = names.reduce((sum, name) => {
    const [x, y] = [a, b].map((list) => list.filter((each) => each === name).length);
    const share = (x + y) / (a.length + b.length);
    return sum + (x - a.length * share) ** 2 / (a.length * share) + (y - b.length * share) ** 2 / (b.length * share);
  }, 0);
  const freedom = names.length - 1;
  // Wilson and Hilferty's approximation; 4.75 is the 1 − 1e-6 quantile of a normal distribution.
  const bound = freedom * (1 - 2 / (9 * freedom) + 4.75 * Math.sqrt(2 / (9 * freedom))) ** 3;
  expect(chi2).toBeLessThan(bound);
}

const column = (rows: readonly Row[], i: number): number[] => rows.map((row) => row[i]);

const title =
  python === undefined ? 'torchvision and timm: VANILLANET_PYTHON names no Python with them' : 'torchvision and timm';
(python === undefined ? describe.skip : describe)(title, () => {
  let judged: Judged;
  beforeAll(async () => {
    const data = Array.from(
      { length: 3 * HEIGHT * WIDTH },
      (_, i) => PLANES.data[(i % 3) * HEIGHT * WIDTH + Math.floor(i / 3)],
    );
    await writeFile(path('job.json'), JSON.stringify({ n: N, picture: { height: HEIGHT, width: WIDTH, data } }));
    await promisify(execFile)(python ?? '', [DRAWS, path('job.json'), path('out.json')]);
    judged = JSON.parse(await readFile(path('out.json'), 'utf8')) as Judged;
  });

  test('the tests find a difference', () => {
    const draws = sample(N, (each) => each.uniform());
    const other = draws.map((v) => v ** 1.3);
    expect(kolmogorov(draws, other)).toBeGreaterThan(CRITICAL);
  });

  test('RandomResizedCrop: windows', () => {
    const windows = sample(N, (draws) => resizedCropWindow([60, 90], { scale: [0.1, 0.9], ratio: [0.6, 1.8] }, draws));
    const rows = windows.map(({ top, left, height, width }) => [top, left, height, width]);
    for (let i = 0; i < 4; i++) expectSame(column(rows, i), column(judged.resizedCrop, i));
    const areas = (of: readonly Row[]) => of.map(([, , height, width]) => height * width);
    expectSame(areas(rows), areas(judged.resizedCrop));
    const aspects = (of: readonly Row[]) => of.map(([, , height, width]) => width / height);
    expectSame(aspects(rows), aspects(judged.resizedCrop));
  });

  test('ColorJitter: orders and factors', () => {
    // order.test.ts finds that the 24 orders have the same probability here.
    const orders = judged.jitter.map(([order]) => order);
    const names = [...new Set(orders)];
    expect(names.length).toBe(24);
    expectSameCounts(
      orders,
      Array.from({ length: 240 * 24 }, (_, i) => names[i % 24]),
    );
    // The factors by their effect on one pixel, with one change at a time.
    const gray: Planes = { data: Uint8Array.of(100, 100, 100), channels: 3, height: 1, width: 1 };
    const bright = sample(N, (draws) => colorJitter(gray, { brightness: 0.4 }, draws).data[0]);
    expectSame(
      bright,
      judged.jitter.map(([, brightness]) => Math.floor(100 * brightness)),
    );
    const pair: Planes = { data: Uint8Array.of(60, 140, 60, 140, 60, 140), channels: 3, height: 1, width: 2 };
    const contrasts = sample(N, (draws) => colorJitter(pair, { contrast: 1.3 }, draws).data[1]);
    // Pillow clips, and truncates; float32 rounding can move a value to the next integer.
    expectSame(
      contrasts,
      judged.jitter.map(([, , contrast]) => Math.min(255, Math.floor(100 + 40 * contrast))),
    );
  });

  test('RandomRotation: angles', () => {
    expectSame(
      sample(N, (draws) => draws.uniformBetween(-20, 20)),
      judged.rotation,
    );
  });

  test('RandomCrop: offsets', () => {
    const marks = Uint8Array.from({ length: 64 }, (_, i) => i + 1);
    const image: Planes = { data: marks, channels: 1, height: 8, width: 8 };
    const offsets = sample(N, (draws) => {
      const { data } = randomCrop(image, { padding: 3 }, draws);
      const at = data.findIndex((v) => v > 0);
      const from = data[at] - 1;
      return [3 + Math.floor(from / 8) - Math.floor(at / 8), 3 + (from % 8) - (at % 8)];
    });
    expectSameCounts(
      offsets.map((row) => row.join()),
      judged.randomCrop.map((row) => row.join()),
    );
  });

  test('RandomErasing: how often, and which blocks', () => {
    const options = { prob: 0.6, area: [0.05, 0.4], aspect: [0.5, 2] } as const;
    const erased = sample(N, (draws) => {
      const x = new Float32Array(48 * 40).fill(1);
      randomErasing(x, [48, 40], options, draws);
      return x.includes(0) ? 'erased' : 'not';
    });
    expectSameCounts(
      erased,
      judged.erasing.map((block) => (block === null ? 'not' : 'erased')),
    );
    const blocks = sample(N, (draws) => drawBlock([48, 40], 1, options, draws)).flatMap((block) =>
      block === null ? [] : [[block.top, block.left, block.height, block.width]],
    );
    const expected = judged.erasing.flatMap((block) => (block === null ? [] : [block]));
    for (let i = 0; i < 4; i++) expectSame(column(blocks, i), column(expected, i));
  });

  test('Mixup: λ of mixup and of CutMix, and how often each', () => {
    const options = { mixup: 0.2, cutmix: 1, prob: 0.7, switchProb: 0.4 };
    const mixes = sample(N, (draws) => drawMix(options, [512, 512], draws));
    const kind = (isCut: boolean, lambda: number): string => (isCut ? 'cut' : lambda < 1 ? 'mixed' : 'none');
    expectSameCounts(
      mixes.map(({ box, lambda }) => kind(box !== null, lambda)),
      judged.mixes.map(([lambda, isCut]) => kind(isCut, lambda)),
    );
    const lambdas = mixes.filter(({ box, lambda }) => box === null && lambda < 1).map(({ lambda }) => lambda);
    expectSame(
      lambdas,
      judged.mixes.filter(([lambda, isCut]) => !isCut && lambda < 1).map(([lambda]) => lambda),
    );
    // The larger side is never clipped below half: the share before clipping is not seen, so its box is compared.
    const heights = mixes.flatMap(({ box }) =>
      box === null || box.top === 0 || box.top + box.height === 512 ? [] : [box.height],
    );
    const expected = judged.mixes.flatMap(([lambda, isCut], i) => {
      if (!isCut) return [];
      const half = Math.floor(Math.floor(512 * Math.sqrt(1 - lambda)) / 2);
      const center = Math.floor(Draws.forBatch(77, 0, i).uniform() * 512);
      return center - half <= 0 || center + half >= 512 ? [] : [2 * half];
    });
    expectSame(heights, expected);
  });

  test("CutMix's box is timm's, and without the last row or column where its side is odd", () => {
    for (const [lambda, cy, cx, top, bottom, left, right] of judged.boxes) {
      const centers = [(cy + 0.5) / 48, (cx + 0.5) / 40];
      const draws = { integerBelow: (n: number) => Math.floor(n * (centers.shift() ?? NaN)) };
      const { box } = cutmixBox([48, 40], lambda, draws);
      const ratio = Math.sqrt(1 - lambda);
      // Up to version 1.0.26 or so, timm had the sides 2·⌊side/2⌋, as the authors of CutMix and torchvision have.
      const isOdd = (side: number): number => Math.floor(side * ratio) % 2;
      const inside = (end: number, side: number, center: number) =>
        end === side && center + Math.floor(Math.floor(side * ratio) / 2) >= side ? 0 : isOdd(side);
      expect(box).toEqual({
        ...{ top, left },
        height: bottom - top - inside(bottom, 48, cy),
        width: right - left - inside(right, 40, cx),
      });
    }
    expect(judged.boxes.length).toBe(28);
  });

  test('a mixed batch and its smoothed targets', () => {
    const x = Float32Array.from(judged.mixed.x);
    const labels = [0, 1, 2, 0];
    const targets = Float32Array.from(
      labels.flatMap((label) => [0, 1, 2].map((c) => (c === label ? 0.9 : 0) + 0.1 / 3)),
    );
    applyMix({ lambda: 0.3, box: null }, 4, x, targets, [3, 3]);
    for (const [got, expected] of [
      [x, judged.mixed.mixed],
      [targets, judged.mixed.targets],
    ] as const) {
      expect(got.length).toBe(expected.length);
      expect(Math.max(...got.map((v, i) => Math.abs(v - expected[i])))).toBeLessThan(2e-7);
    }
  });

  test('RandAugment: ops, how many, and magnitudes', () => {
    expect(Object.keys(OPS)).toEqual(judged.ops);
    expect(new Set(judged.opSettings.map((row) => row.join()))).toEqual(new Set(['0.5,7,0.5']));
    const ops = OPS as Record<string, (typeof OPS)[string]>;
    const own = { ...OPS };
    const seen: (readonly [string, number] | null)[] = [];
    try {
      for (const name of Object.keys(own)) {
        ops[name] = (image, { m }) => {
          seen.push([name, m]);
          return image;
        };
      }
      sample(N, (draws) => {
        seen.push(null);
        return randAugment(PLANES, { magnitude: 7, layers: 2, std: 0.5 }, FILL, draws);
      });
    } finally {
      Object.assign(ops, own);
    }
    const named = (rows: typeof seen) => rows.flatMap((row) => (row === null ? [] : [row]));
    const counts = (rows: readonly (typeof seen)[number][]) => {
      const numbers: string[] = [];
      let count = -1;
      for (const row of [...rows, null]) {
        if (row !== null) count++;
        else {
          if (count >= 0) numbers.push(String(count));
          count = 0;
        }
      }
      return numbers;
    };
    expectSameCounts(counts(seen), counts(judged.randAugment));
    expectSameCounts(
      named(seen).map(([name]) => name),
      named([...judged.randAugment]).map(([name]) => name),
    );
    expectSame(
      named(seen).map(([, m]) => m),
      named([...judged.randAugment]).map(([, m]) => m),
    );
  });

  test.each(Object.keys(OPS))("%s has the pixels of timm's op", (name) => {
    const steps = judged.steps.filter(([op]) => op === name);
    expect(steps.length).toBe(20);
    for (const [, m, sign, sampling, data] of steps) {
      const got = OPS[name](PLANES, { m, sign, sampling, fill: FILL });
      expect([...got.data]).toEqual(data);
    }
  });

  test("the official preset is timm's pipeline", () => {
    expect(judged.pipeline).toEqual([
      ...['RandomResizedCropAndInterpolation', 'RandomHorizontalFlip', 'RandAugment', 'MaybeToTensor', 'Normalize'],
      'RandomErasing',
    ]);
    const {
      randomResizedCrop,
      horizontalFlip,
      randAugment: ops,
      randomErasing: erasing,
    } = PRESETS.official.recipe.augment;
    expect([randomResizedCrop?.scale, randomResizedCrop?.ratio]).toEqual(judged.cropDefaults);
    if (erasing === undefined) throw new Error('no erasing');
    expect(horizontalFlip).toBe(0.5);
    expect(ops).toEqual({ magnitude: 7, layers: 2, std: 0.5 });
    // The defaults of drawBlock.
    const [low, high, [narrow, wide]] = judged.erasingDefaults;
    const size = [1000, 1000] as const;
    const explicit = { ...erasing, area: [low, high] as const, aspect: [narrow, wide] as const };
    for (let i = 0; i < 50; i++) {
      const [byDefault, byTimm] = [erasing, explicit].map((options) =>
        drawBlock(size, 1, options, Draws.forImage(1, 0, i)),
      );
      expect(byDefault).toEqual(byTimm);
    }
  });
});
