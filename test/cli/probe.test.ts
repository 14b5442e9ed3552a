/** The images on which `pack` compares two networks, and how far their logits differ. */
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { driftOf, openProbe, type Probe } from '../../src/cli/probe.js';
import type { ModelConfig } from '../../src/core/config.js';
import { WeightsError } from '../../src/core/errors.js';
import { isStreamed } from '../../src/data/sets/dataset.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { refusal } from '../io/refusal.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

afterEach(() => {
  jest.restoreAllMocks();
});

const configOf = (height: number, width: number, in_chans = 3): ModelConfig => {
  const channels = { mean: Array<number>(in_chans).fill(0.5), std: Array<number>(in_chans).fill(0.5) };
  return drawnConfig('deploy', { input_size: [height, width], in_chans, num_classes: 10, ...channels });
};

describe('the images', () => {
  test.each([
    [configOf(8, 8), '64 drawn shapes'],
    [configOf(8, 16), '64 images of noise'],
    [configOf(8, 8, 1), '64 images of noise'],
    [configOf(7, 7), '64 images of noise'],
  ])('are shapes for square color images of 8 pixels or more, else noise: %#', async (config, what) => {
    const probe = await openProbe(config, { seed: 3 });
    expect(probe).toMatchObject({ what, isLabeled: false, set: { n: 64, channels: config.in_chans } });
    expect([probe.set.height, probe.set.width]).toEqual(config.input_size);
  });

  test('are as many as requested', async () => {
    expect(await openProbe(configOf(8, 8), { seed: 3, probe: 5 })).toMatchObject({
      ...{ what: '5 drawn shapes', set: drawShapes(5, { size: 8, seed: 3 }) },
    });
    expect((await openProbe(configOf(8, 12), { seed: 3, probe: 5 })).what).toBe('5 images of noise');
  });

  test('of noise have all values, and are those of the seed', async () => {
    const pixels = async (seed: number): Promise<number[]> => {
      const { set } = await openProbe(configOf(8, 16), { seed });
      expect(set.classNames).toEqual(['noise']);
      return isStreamed(set) ? [] : [...set.images];
    };
    const values = await pixels(1);
    expect(values).toHaveLength(64 * 3 * 8 * 16);
    expect(new Set(values).size).toBe(256);
    expect(values.reduce((sum, v) => sum + v, 0) / values.length).toBeCloseTo(127.5, -1);
    expect(await pixels(1)).toEqual(values);
    expect(await pixels(2)).not.toEqual(values);
  });

  test('of a data set are its test images, with their labels', async () => {
    const config = configOf(8, 8);
    const probe = await openProbe(config, { data: 'shapes', probe: 7, seed: 0 });
    expect(probe).toMatchObject({ what: '7 images of shapes', isLabeled: true, set: { n: 7 } });
    expect((await openProbe(config, { data: 'shapes', seed: 0 })).set.n).toBeGreaterThan(64);
  });

  test('of a data set keep their size: preparing them scales and crops', async () => {
    const { set } = await openProbe({ ...configOf(8, 8), crop_pct: 0.5 }, { data: 'shapes', probe: 7, seed: 0 });
    expect(isStreamed(set) ? null : set.images).toEqual(drawShapes(7, { size: 8, seed: 0, first: 2 ** 31 }).images);
  });
});

describe('the drift', () => {
  const config = drawnConfig('deploy', { input_size: [8, 8], num_classes: 3 });
  let models: readonly [Model, Model];
  beforeAll(async () => {
    const open = () => Model.open(drawnState(config), config, referenceBackend);
    models = [await open(), await open()];
  });

  /** Nine images, one more than a batch, of which the networks see the given logits again and again. */
  async function drift(logits: readonly (readonly number[])[], isLabeled = true) {
    const labels = Uint8Array.from({ length: 9 }, (_, i) => i % 3);
    const drawn = drawShapes(9, { size: 8, seed: 1 });
    const probe: Probe = { what: '', isLabeled, set: { ...drawn, labels } };
    models.forEach((model, k) => {
      jest.spyOn(model, 'forward').mockImplementation((x) => {
        const n = (x as Float32Array).length / 192;
        return Promise.resolve(Float32Array.from({ length: 3 * n }, (_, i) => logits[k][i % logits[k].length]));
      });
    });
    const seen: [number, number][] = [];
    const result = await driftOf(models, probe, (done, total) => seen.push([done, total]));
    return { result, seen };
  }

  test('is that of the largest logit, and of the classes', async () => {
    // The first network is right for class 0, the second for class 1.
    const { result, seen } = await drift([
      [4, -8, 1],
      [4, 6, 1],
    ]);
    expect(result).toEqual({
      ...{ images: 9, maxDifference: 14, meanDifference: 14 / 3, maxLogit: 8, relativeDifference: 1.75 },
      ...{ top1Agreement: 0, accuracy: { before: 1 / 3, after: 1 / 3 } },
    });
    expect(seen).toEqual([
      [8, 9],
      [9, 9],
    ]);
  });

  test('is 0 of equal logits, also of zeros', async () => {
    const same = { maxDifference: 0, meanDifference: 0, relativeDifference: 0, top1Agreement: 1 };
    expect((await drift([[0], [0]])).result).toMatchObject({ ...same, maxLogit: 0 });
    expect(
      (
        await drift([
          [1, 2, 3],
          [1, 2, 3],
        ])
      ).result,
    ).toMatchObject({ ...same, maxLogit: 3 });
  });

  test('says nothing about accuracy without labels', async () => {
    expect(
      (
        await drift(
          [
            [1, 2, 3],
            [1, 2, 3],
          ],
          false,
        )
      ).result.accuracy,
    ).toBeNull();
  });

  test.each([0, 1])('of logits that are not finite names the command and the image: network %d', async (network) => {
    const cause = new WeightsError({ op: 'forward', expected: 'finite logits', got: 'NaN' });
    jest.spyOn(models[network], 'forward').mockRejectedValue(cause);
    const probe: Probe = { what: '', isLabeled: false, set: drawShapes(2, { size: 8, seed: 1 }) };
    await expect(driftOf(models, probe, () => undefined)).rejects.toThrow(
      refusal(WeightsError, 'pack', 'finite logits', 'NaN of image 0'),
    );
  });
});
