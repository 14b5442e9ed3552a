import { describe, expect, test } from '@jest/globals';
import type { GivenConfig, ModelConfig } from '../../src/core/config.js';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { loadModel } from '../../src/model/loadModel.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { refusal } from '../io/refusal.js';
import { drawnConfig, drawnImages, drawnState } from './drawnNetwork.js';

const deploy = drawnConfig('deploy', { class_names: ['a', 'b', 'c', 'd', 'e'] });
const train = drawnConfig('train');

/** A file that describes itself, and one as PyTorch's users write it. */
const described = (config: ModelConfig): Uint8Array =>
  encodeSafetensors(drawnState(config), { metadata: writeConfig(config), dtype: 'float32' });
const bare = (config: ModelConfig): Uint8Array => encodeSafetensors(drawnState(config), { dtype: 'float32' });

/** What somebody knows who trained the network elsewhere: not what we call its form. */
function known({ dims, strides, num_classes, act_num, input_size }: ModelConfig): GivenConfig {
  return { dims, strides, num_classes, act_num, input_size };
}

const { data } = drawnImages(deploy, 1);

describe('a model from bytes', () => {
  test('that describe it, in an array or a buffer of its own', async () => {
    const bytes = described(deploy);
    const model = await loadModel(bytes);
    expect(model.config).toEqual(deploy);
    expect(model.backend).toBe('wasm');
    const [best] = await model.classify(data);
    expect(deploy.class_names).toContain(best.label);
    const copy = await loadModel(Uint8Array.from(bytes).buffer);
    expect(await copy.forward(data)).toEqual(await model.forward(data));
  });

  test('and a configuration, of either form', async () => {
    const model = await loadModel(bare(deploy), { config: known(deploy) });
    expect(model.config).toMatchObject({ ...known(deploy), form: 'deploy' });
    expect(await model.forward(data)).toEqual(await (await loadModel(described(deploy))).forward(data));

    const config = { ...known(train), lambda: 0.5 };
    const trained = await loadModel(bare(train), { config, backend: referenceBackend });
    expect(trained.config.form).toBe('train');
    expect(await trained.forward(data)).toHaveLength(5);
  });

  test('of which the configuration says what the bytes do not', async () => {
    const silent = described(drawnConfig('train', { lambda: null }));
    const model = await loadModel(silent, { config: { ...known(train), lambda: 0.5 }, backend: referenceBackend });
    expect(model.config).toEqual({ ...train, lambda: 0.5 });
  });
});

describe('refused', () => {
  test('bytes without a configuration', async () => {
    await expect(loadModel(bare(deploy))).rejects.toThrow(
      refusal(WeightsError, 'loadModel', 'a configuration', 'neither'),
    );
  });

  test('the train form in WebAssembly', async () => {
    for (const bytes of [described(train), described(drawnConfig('train', { lambda: null }))]) {
      await expect(loadModel(bytes)).rejects.toThrow(
        refusal(WeightsError, 'wasm', 'the deploy form', 'the train form: fuse it first'),
      );
    }
  });

  test('a configuration that contradicts the bytes', async () => {
    // The tensors are those of a plain network: nothing but the description tells.
    const config = { ...known(deploy), ada_pool: [3, 0] };
    await expect(loadModel(described(deploy), { config })).rejects.toThrow(
      refusal(WeightsError, 'loadModel', 'ada_pool [3,0]', "ada_pool null in the file's own description"),
    );
  });

  test('a configuration of another network, and none at all', async () => {
    await expect(loadModel(bare(deploy), { config: { ...known(deploy), dims: [4, 6, 9] } })).rejects.toThrow(
      refusal(WeightsError, 'stages.1.conv.weight', '[9,6,1,1]', '[8,6,1,1]'),
    );
    await expect(loadModel(bare(deploy), { config: {} })).rejects.toThrow(
      refusal(ParamError, 'config.strides', 'a list of integers', 'nothing'),
    );
  });

  test.each([
    ['cut short', described(deploy).subarray(0, -1)],
    ['text', new TextEncoder().encode('{"dims": [4, 6, 8]}')],
    ['nothing', new Uint8Array(0)],
  ])('bytes that are no weights: %s', async (_, bytes) => {
    await expect(loadModel(bytes)).rejects.toThrow(WeightsError);
  });
});
