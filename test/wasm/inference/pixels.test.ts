/** Byte images, which the engine normalizes itself: the same bits as for normalized input, for any image size. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../../src/core/config.js';
import { ParamError, ShapeError } from '../../../src/core/errors.js';
import { streamOf } from '../../../src/core/weights.js';
import { normalize } from '../../../src/image/normalize.js';
import type { PixelImage } from '../../../src/image/pixelImage.js';
import { preprocess } from '../../../src/image/preprocess.js';
import { Model } from '../../../src/model/model.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import { imageOf, withAlpha } from '../../image/goldens.js';
import { refusal } from '../../io/refusal.js';
import { BUILDS } from '../builds.js';
import { uniform } from '../draw.js';
import { drawState } from '../networks.js';

const SIZES = { dims: [4, 6, 8], strides: [2, 1], num_classes: 5, act_num: 1 };

/** Input sizes, including some that 4x4 windows do not cover, on both stems. */
const NETWORKS = [
  { label: '32x32', sizes: { ...SIZES, input_size: [32, 32] } },
  { label: '37x53', sizes: { ...SIZES, input_size: [37, 53] } },
  { label: '8x9, the second smallest', sizes: { ...SIZES, input_size: [8, 9] } },
  { label: '31x46 on the padded stem', sizes: { ...SIZES, ada_pool: [5, 0], input_size: [31, 46] } },
  {
    label: 'with its own mean and std',
    sizes: { ...SIZES, input_size: [33, 35], mean: [0.1, 0.5, 0.9], std: [1, 0.01, 3] },
  },
];

/** Random bytes with every value. */
function drawPixels(height: number, width: number, seed: number): PixelImage {
  const random = uniform(seed);
  const data = new Uint8Array(3 * height * width);
  for (let i = 0; i < data.length; i++) data[i] = Math.floor(256 * random());
  return { data, width, height };
}

const CASES = BUILDS.flatMap((build) =>
  [1, 2].flatMap((threads) => NETWORKS.map((network) => ({ build, threads, ...network }))),
);

describe.each(CASES)('$build, threads $threads, $label', ({ build, threads, sizes }) => {
  const config = resolveConfig({ ...sizes, form: 'deploy' });
  const { mean, std, crop_pct, interpolation } = config;
  const [h, w] = config.input_size;
  const state = drawState(config);
  const backend = createWasmBackend({ build, threads });

  test('RGB and RGBA give the same bits as normalize and forward', async () => {
    const session = await backend.open(streamOf(state), config);
    if (session.forwardPixels === undefined) throw new Error('no forwardPixels');
    const seen = new Set<string>();
    for (const seed of [1, 2, 3]) {
      const rgb = drawPixels(h, w, seed);
      const normalized = await session.forward(normalize(rgb, mean, std), 1);
      expect(await session.forwardPixels(rgb.data, 3)).toEqual(normalized);
      expect(await session.forwardPixels(withAlpha(rgb).data, 4)).toEqual(normalized);
      // Floats after bytes, which share a block.
      expect(await session.forward(normalize(rgb, mean, std), 1)).toEqual(normalized);
      seen.add(normalized.join());
    }
    expect(seen.size).toBe(3);
    session.dispose();
  });

  test('classify accepts images of any size, with the same result as preprocess and forward', async () => {
    const model = await Model.open(state, config, backend);
    const options = { size: config.input_size, crop_pct, interpolation, mean, std };
    for (const image of [imageOf('large'), drawPixels(61, 7, 4), drawPixels(1, 1, 5), drawPixels(h, w, 6)]) {
      const expected = await model.classify(preprocess(image, options));
      expect(await model.classify(image)).toEqual(expected);
      expect(await model.classify(withAlpha(image))).toEqual(expected);
    }
    model.dispose();
  });

  test('features and forward are correct after forwardPixels', async () => {
    const model = await Model.open(state, config, backend);
    const x = preprocess(imageOf('large'), { size: config.input_size, crop_pct, interpolation, mean, std });
    const [maps, logits] = [await model.features(x, ['stem', 'cls.0']), await model.forward(x)];
    await model.classify(drawPixels(h, w, 7));
    expect(await model.features(x, ['stem', 'cls.0'])).toEqual(maps);
    await model.classify(withAlpha(drawPixels(h, w, 7)));
    expect(await model.forward(x)).toEqual(logits);
    model.dispose();
  });
});

test('an invalid RGB image is an error, and the next call works', async () => {
  const config = resolveConfig({ ...SIZES, input_size: [9, 11], form: 'deploy' });
  const model = await Model.open(drawState(config), config, createWasmBackend());
  const image = drawPixels(9, 11, 8);
  const expected = await model.classify(image);
  const short = { ...image, data: image.data.subarray(1) };
  await expect(model.classify(short)).rejects.toThrow(refusal(ShapeError, '', '297 bytes', '296 bytes'));
  await expect(model.classify({ ...image, width: 12 })).rejects.toThrow(ShapeError);
  expect(await model.classify(image)).toEqual(expected);

  const four = resolveConfig({ ...SIZES, in_chans: 4, input_size: [9, 11], form: 'deploy' });
  const other = await Model.open(drawState(four), four, createWasmBackend());
  await expect(other.classify(image)).rejects.toThrow(
    refusal(ParamError, 'classify', 'a network for RGB or grayscale images', 'in_chans 4'),
  );
});
