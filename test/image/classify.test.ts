/** From an image to the input of the network: the configuration of preprocessing, and `Model.classify`. */
import { describe, expect, test } from '@jest/globals';
import type { Backend } from '../../src/core/backend.js';
import { resolveConfig, type ModelConfigInput } from '../../src/core/config.js';
import { DataError, ParamError, ShapeError } from '../../src/core/errors.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { sizeOf, type FloatArray } from '../../src/core/tensor.js';
import { preprocess } from '../../src/image/preprocess.js';
import { readConfig, writeConfig } from '../../src/io/configMetadata.js';
import { Model } from '../../src/model/model.js';
import { refusal } from '../io/refusal.js';
import { imageOf, withAlpha } from './goldens.js';

const tiny = { dims: [2, 2], strides: [2], num_classes: 3, act_num: 1, form: 'deploy' };
const large = imageOf('large');

/** A model that records its inputs and always predicts class 1. */
async function createRecorder(configInput: ModelConfigInput): Promise<{ model: Model; inputs: FloatArray[] }> {
  const inputs: FloatArray[] = [];
  const backend: Backend = {
    name: 'recorder',
    open: () =>
      Promise.resolve({
        forward(x) {
          inputs.push(x);
          return Promise.resolve(Float32Array.of(0, 2, 1));
        },
        dispose: () => undefined,
      }),
  };
  const config = resolveConfig(configInput);
  const state = [...parameterShapes(config)].map(
    ([name, shape]) => [name, { data: new Float32Array(sizeOf(shape)), shape }] as const,
  );
  return { model: await Model.open(new Map(state), config, backend), inputs };
}

describe('crop_pct and interpolation in a configuration', () => {
  const cropOf = (input_size: unknown): number => resolveConfig({ ...tiny, input_size }).crop_pct;

  test('default to 0.875 and bicubic, or to 1 for a small input', () => {
    expect(resolveConfig({ variant: 'vanillanet_5' })).toMatchObject({ crop_pct: 0.875, interpolation: 'bicubic' });
    expect([224, [64, 64], [64, 96]].map(cropOf)).toEqual([0.875, 0.875, 0.875]);
    expect([32, 63, [63, 224], [224, 32]].map(cropOf)).toEqual([1, 1, 1, 1]);
  });

  test('are preserved in metadata', () => {
    const config = resolveConfig({ ...tiny, input_size: 32, crop_pct: 0.95, interpolation: 'bilinear' });
    expect(config).toMatchObject({ crop_pct: 0.95, interpolation: 'bilinear' });
    expect(readConfig(writeConfig(config))).toEqual(config);
  });

  test.each([
    [0, '0'],
    [-1, '-1'],
    [1.1, '1.1'],
    [NaN, 'NaN'],
    ['0.875', '"0.875"'],
    [null, 'null'],
  ])('refuse crop_pct %p', (crop_pct, got) => {
    expect(() => resolveConfig({ ...tiny, crop_pct })).toThrow(
      refusal(ParamError, 'config.crop_pct', 'a number in (0, 1]', got),
    );
  });

  test.each(['lanczos', 'BICUBIC', '', 3, null])('refuse interpolation %p', (interpolation) => {
    expect(() => resolveConfig({ ...tiny, interpolation })).toThrow(
      refusal(ParamError, 'config.interpolation', 'bicubic, bilinear, box', JSON.stringify(interpolation)),
    );
  });
});

describe('classify', () => {
  test('resizes, crops and normalizes an image by the configuration', async () => {
    const configInput = { ...tiny, input_size: [20, 16], crop_pct: 0.9, interpolation: 'bilinear' } as const;
    const { model, inputs } = await createRecorder(configInput);
    const { mean, std } = model.config;
    const [best] = await model.classify(large, { topK: 1 });
    await model.classify(withAlpha(large));
    expect(best.index).toBe(1);
    const expected = preprocess(large, { size: [20, 16], crop_pct: 0.9, interpolation: 'bilinear', mean, std });
    expect(inputs).toEqual([expected, expected]);
  });

  test('converts an image to grayscale for a network with one input channel', async () => {
    const gray = { in_chans: 1, mean: [0.4], std: [0.2] };
    const { model, inputs } = await createRecorder({ ...tiny, ...gray, input_size: 32, interpolation: 'bilinear' });
    const { data } = imageOf('even');
    await model.classify(imageOf('even'));
    const luma = Array.from({ length: 1024 }, (_, i) => {
      const [r, g, b] = data.slice(3 * i, 3 * i + 3);
      return Math.floor((19595 * r + 38470 * g + 7471 * b + 32768) / 65536);
    });
    expect(inputs).toEqual([Float32Array.from(luma, (l) => (l / 255 - 0.4) / 0.2)]);
  });

  test('does not resize a 32x32 image for a 32x32 network', async () => {
    const { model, inputs } = await createRecorder({ ...tiny, input_size: 32, mean: [0, 0, 0], std: [1, 1, 1] });
    const { data } = imageOf('even');
    await model.classify(imageOf('even'));
    const planes = [0, 1, 2].flatMap((c) => Array.from({ length: 1024 }, (_, i) => data[3 * i + c] / 255));
    expect(inputs).toEqual([Float32Array.from(planes)]);
  });

  test('accepts a normalized input', async () => {
    const { model, inputs } = await createRecorder({ ...tiny, input_size: 8 });
    const x = Float32Array.from({ length: 192 }, (_, i) => i);
    expect((await model.classify(x)).map(({ index }) => index)).toEqual([1, 2, 0]);
    expect(inputs[0]).toBe(x);
  });

  test('refuses an invalid image, and any image if the network does not take RGB', async () => {
    const { model } = await createRecorder({ ...tiny, input_size: 8 });
    const short = { data: new Uint8Array(11), width: 2, height: 2 };
    await expect(model.classify(short)).rejects.toThrow(refusal(ShapeError, '', '12 bytes', '11 bytes'));
    const floats = { data: new Float32Array(12), width: 2, height: 2 } as object;
    await expect(model.classify(floats as typeof short)).rejects.toThrow(refusal(DataError, '', 'pixels', 'Float32'));

    const four = await createRecorder({ ...tiny, input_size: 8, in_chans: 4 });
    await expect(four.model.classify(large)).rejects.toThrow(
      refusal(ParamError, 'classify', 'a network for RGB or grayscale images', 'in_chans 4'),
    );
    expect(four.inputs).toEqual([]);
  });
});
