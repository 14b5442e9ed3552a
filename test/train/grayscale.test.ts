/** A network with one input channel sees color images as Pillow's `convert('L')`, in training and everywhere else. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { openLoader } from '../../src/data/loader/loader.js';
import { batchOf } from '../../src/data/sets/batchOf.js';
import type { ImageSet } from '../../src/data/sets/dataset.js';
import { prepareInputs } from '../../src/data/sets/prepareInputs.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import { lumaPlane } from '../../src/image/luma.js';
import { normalize } from '../../src/image/normalize.js';
import { train } from '../../src/train/train.js';
import { wasmTrainer } from '../../src/train/wasmTrainer.js';
import { refusal } from '../io/refusal.js';
import { collect } from './collect.js';

const set = drawShapes(12, { seed: 3, size: 8 });
const [mean, std] = [[0.4], [0.2]];
const AREA = 64;

/** The set with its colors taken out by hand. */
const gray: ImageSet = {
  ...set,
  channels: 1,
  images: Uint8Array.from({ length: set.n * AREA }, (_, i) => {
    const [image, at] = [Math.floor(i / AREA), i % AREA];
    const [r, g, b] = [0, 1, 2].map((c) => set.images[(3 * image + c) * AREA + at]);
    return Math.floor((19595 * r + 38470 * g + 7471 * b + 32768) / 65536);
  }),
};

test('luma is that of Pillow', () => {
  // Image.new('RGB', (1, 1), color).convert('L')
  const colors = [
    [255, 0, 0, 76],
    [0, 255, 0, 150],
    [0, 0, 255, 29],
    [255, 255, 255, 255],
    [0, 0, 0, 0],
    [12, 34, 56, 30],
    [200, 100, 50, 124],
  ];
  for (const [r, g, b, l] of colors) expect([...lumaPlane(Uint8Array.of(r, g, b), 1)]).toEqual([l]);
  // Planes: all reds, then all greens, then all blues.
  expect([...lumaPlane(Uint8Array.of(255, 0, 0, 255, 0, 0), 2)]).toEqual([76, 150]);
});

describe('color images for one channel are as grayscale images', () => {
  const all = [...Array(set.n).keys()];
  test('in batches for evaluation', async () => {
    const expected = batchOf(gray, all, { mean, std });
    expect(batchOf(set, all, { mean, std })).toEqual(expected);
    expect(
      await prepareInputs(set, all, { input_size: [8, 8], crop_pct: 1, interpolation: 'bicubic', mean, std }),
    ).toEqual(expected);
  });

  test('in the input of one image, with alpha or without', () => {
    const [rgb, rgba] = [3, 4].map((channels) => ({
      ...{ width: 8, height: 8 },
      data: Uint8Array.from({ length: channels * AREA }, (_, i) => {
        const [at, c] = [Math.floor(i / channels), i % channels];
        return c === 3 ? 7 : set.images[c * AREA + at];
      }),
    }));
    const expected = batchOf(gray, [0], { mean, std });
    expect(normalize(rgb, mean, std)).toEqual(expected);
    expect(normalize(rgba, mean, std)).toEqual(expected);
  });

  test.each([0, 1])('in batches of the loader, with %d threads', async (workers) => {
    const options = { batchSize: 4, seed: 1, mean, std, augment: { horizontalFlip: 0.5 }, workers };
    const batches = async (of: ImageSet): Promise<Float32Array[]> => {
      const loader = await openLoader(of, options);
      const xs: Float32Array[] = [];
      for await (const { x } of loader.epoch(0)) xs.push(x.slice());
      await loader.dispose();
      return xs;
    };
    const fromColors = await batches(set);
    expect(fromColors.map(({ length }) => length)).toEqual([4 * AREA, 4 * AREA, 4 * AREA]);
    expect(fromColors).toEqual(await batches(gray));
  });

  test('but augmentation sees the colors', async () => {
    const options = { batchSize: 12, seed: 1, mean, std, augment: { colorJitter: { saturation: 1 } }, workers: 0 };
    const loader = await openLoader(set, options);
    for await (const { x } of loader.epoch(0)) expect(x).toHaveLength(12 * AREA);
    await loader.dispose();
    await expect(openLoader(gray, options)).rejects.toThrow(ParamError);
  });

  test('in training', async () => {
    const config = resolveConfig({
      ...{
        dims: [4, 6],
        strides: [2],
        num_classes: 10,
        input_size: 8,
        act_num: 1,
        in_chans: 1,
        mean,
        std,
        crop_pct: 1,
      },
    });
    const run = (of: ImageSet) =>
      collect(
        train(
          { train: of, validation: of },
          config,
          { epochs: 2, decayEpochs: 1, batchSize: 6 },
          {
            openTrainer: (network, options) => wasmTrainer(network, { ...options, build: 'plain' }),
          },
        ),
      );
    const [fromColors, expected] = [await run(set), await run(gray)];
    expect(fromColors.state).toEqual(expected.state);
    expect(fromColors.epochs.map(({ validation }) => validation)).toEqual(
      expected.epochs.map(({ validation }) => validation),
    );
    expect(fromColors.state.get('stem1.0.weight')?.shape).toEqual([4, 1, 4, 4]);
  });

  test('other channels are refused', () => {
    const config = resolveConfig({
      ...{ dims: [4, 6], strides: [2], num_classes: 10, input_size: 8, act_num: 1, in_chans: 4 },
    });
    const start = (of: ImageSet) => () => train({ train: of, validation: null }, config, {});
    expect(start(set)).toThrow(refusal(ParamError, 'train', 'images of 4 channels, like the input', '3'));
    expect(start(gray)).toThrow(refusal(ParamError, 'train', 'images of 4 channels', '1'));
  });
});
