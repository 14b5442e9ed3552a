/** A network never answers with NaN: what is not finite in its input, its configuration or its answer is refused. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { DataError, ParamError, WeightsError } from '../../src/core/errors.js';
import { sizeOf } from '../../src/core/tensor.js';
import { normalizationTables } from '../../src/image/normalize.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { loadModel } from '../../src/model/loadModel.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { createWasmBackend } from '../../src/wasm/inference/backend.js';
import { refusal } from '../io/refusal.js';
import { drawnConfig, drawnState } from './drawnNetwork.js';

const config = drawnConfig('deploy', { input_size: [16, 16], class_names: ['a', 'b', 'c', 'd', 'e'] });
const state = drawnState(config);
const SIZE = sizeOf([3, 16, 16]);
const picture = { data: new Uint8Array(SIZE).fill(200), width: 16, height: 16 };

/** Weights that are finite, and overflow in the second layer. */
function hugeState() {
  const [name, weight] = [...state][0];
  return new Map([...state, [name, { ...weight, data: weight.data.map((v) => Math.sign(v) * 3e38) }]]);
}

describe.each([
  ['wasm', createWasmBackend()],
  ['reference', referenceBackend],
] as const)('on %s', (_, backend) => {
  let model: Model;
  beforeAll(async () => {
    model = await Model.open(state, config, backend);
  });

  test.each([
    [NaN, 0],
    [Infinity, 5],
    [-Infinity, SIZE - 1],
    [NaN, 400],
  ])('refuses %d in the input, at element %d', async (bad, at) => {
    for (const Kind of [Float32Array, Float64Array]) {
      const x = new Kind(SIZE).fill(0.5);
      x[at] = bad;
      const got = `${bad} at element ${at}`;
      await expect(model.forward(x)).rejects.toThrow(refusal(DataError, 'forward', 'x of finite numbers', got));
      await expect(model.classify(x)).rejects.toThrow(DataError);
      await expect(model.features(x, ['stem'])).rejects.toThrow(refusal(DataError, 'features', 'x of finite', got));
    }
    // The next call works.
    const best = await model.classify(picture);
    expect(best.every(({ probability }) => probability >= 0 && probability <= 1)).toBe(true);
  });

  test('refuses a float64 that float32 cannot hold', async () => {
    await expect(model.forward(new Float64Array(SIZE).fill(1e39))).rejects.toThrow(DataError);
  });
});

test('refuses the answer of weights that overflow', async () => {
  const model = await Model.open(hugeState(), config, createWasmBackend());
  const x = new Float32Array(SIZE).fill(1);
  const error = refusal(WeightsError, 'forward', 'finite logits', ' for class 0 (a)');
  await expect(model.forward(x)).rejects.toThrow(error);
  await expect(model.classify(x)).rejects.toThrow(refusal(WeightsError, 'classify', 'finite logits', 'class 0 (a)'));
  await expect(model.classify(picture)).rejects.toThrow(
    refusal(WeightsError, 'classify', 'finite logits', 'class 0 (a)'),
  );
  await expect(model.forward(new Float32Array(2 * SIZE).fill(1), 2)).rejects.toThrow(
    refusal(WeightsError, 'forward', 'finite logits', 'of image 0'),
  );
  await expect(model.features(x, ['cls.0'])).rejects.toThrow(
    refusal(WeightsError, 'features', 'finite outputs', 'cls.0'),
  );
  model.dispose();
});

describe('means and deviations that overflow', () => {
  test.each([
    [[0, 0, 0], [1, 1e-320, 1], '1e-320 with mean 0'],
    [[0, 0, 0], [1, 1, 1e-39], '1e-39 with mean 0'],
    [[1e39, 0, 0], [1, 1, 1], '1 with mean 1e+39'],
    // 1 − 1 is 0, and 0 − 1 overflows.
    [[1, 0, 0], [1e-39, 1, 1], '1e-39 with mean 1'],
  ])('mean %j, std %j', async (mean, std, got) => {
    const error = refusal(ParamError, 'config.std', 'finite in float32', got);
    expect(() => resolveConfig({ ...config, mean, std })).toThrow(error);
    const file = encodeSafetensors(state, { metadata: writeConfig(config) });
    await expect(loadModel(file, { config: { mean, std } })).rejects.toThrow(error);
    expect(() => writeConfig({ ...config, mean, std })).toThrow(error);
    expect(() => normalizationTables(3, mean, std)).toThrow(
      refusal(ParamError, 'normalize', 'finite in float32', 'deviation'),
    );
  });

  test('the smallest that does not', () => {
    const std = [1 / 3.4e38, 1, 1];
    expect(resolveConfig({ ...config, mean: [0, 0, 0], std }).std).toEqual(std);
    expect(normalizationTables(3, [0, 0, 0], std)[0][255]).toBeCloseTo(3.4e38, -30);
  });
});
