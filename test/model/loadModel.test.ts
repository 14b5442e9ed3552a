import { beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { ModelConfigInput, ModelConfig } from '../../src/core/config.js';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import type { FloatArray } from '../../src/core/tensor.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { loadModel } from '../../src/model/loadModel.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnImages, drawnState } from './drawnNetwork.js';

const deploy = drawnConfig('deploy', { class_names: ['a', 'b', 'c', 'd', 'e'] });
const train = drawnConfig('train');

/** A file with its configuration in the metadata, and one without, as PyTorch users write it. */
const withMetadata = (config: ModelConfig): Uint8Array =>
  encodeSafetensors(drawnState(config), { metadata: writeConfig(config), dtype: 'float32' });
const withoutMetadata = (config: ModelConfig): Uint8Array =>
  encodeSafetensors(drawnState(config), { dtype: 'float32' });

/** The configuration that a user of another tool knows: without `form`. */
function userConfig({ dims, strides, num_classes, act_num, input_size }: ModelConfig): ModelConfigInput {
  return { dims, strides, num_classes, act_num, input_size };
}

const { data } = drawnImages(deploy, 1);

test.each([
  ['a page', '<html>', 'weights: expected a safetensors file', 'got an HTML page'],
  ['JSON', '{}', 'weights: expected a safetensors file', 'got JSON that begins with "{}"'],
])('%s instead of weights gives the same error from bytes and from a response', async (_, text, expected, got) => {
  const bytes = new TextEncoder().encode(text);
  const messageOf = async (source: Uint8Array | Response): Promise<string> =>
    loadModel(source).then(
      () => 'loaded',
      (error: unknown) => String(error),
    );
  const message = await messageOf(bytes);
  expect(message).toContain(expected);
  expect(message).toContain(got);
  expect(await messageOf(new Response(bytes))).toBe(message);
});

describe('a model from bytes', () => {
  test('with metadata, in a Uint8Array or an ArrayBuffer', async () => {
    const bytes = withMetadata(deploy);
    const model = await loadModel(bytes);
    expect(model.config).toEqual(deploy);
    expect(model.backend).toBe('wasm');
    const [best] = await model.classify(data);
    expect(deploy.class_names).toContain(best.label);
    const copy = await loadModel(Uint8Array.from(bytes).buffer);
    expect(await copy.forward(data)).toEqual(await model.forward(data));
  });

  test('without metadata, with the configuration of the caller, in both forms', async () => {
    const model = await loadModel(withoutMetadata(deploy), { config: userConfig(deploy) });
    expect(model.config).toMatchObject({ ...userConfig(deploy), form: 'deploy' });
    expect(await model.forward(data)).toEqual(await (await loadModel(withMetadata(deploy))).forward(data));

    const config = { ...userConfig(train), lambda: 0.5 };
    const trained = await loadModel(withoutMetadata(train), { config, backend: referenceBackend });
    expect(trained.config.form).toBe('train');
    expect(await trained.forward(data)).toHaveLength(5);
  });

  test('with metadata that the configuration of the caller completes', async () => {
    const incomplete = withMetadata(drawnConfig('train', { lambda: null }));
    const model = await loadModel(incomplete, {
      config: { ...userConfig(train), lambda: 0.5 },
      backend: referenceBackend,
    });
    expect(model.config).toEqual({ ...train, lambda: 0.5 });
  });
});

describe('a model from other sources', () => {
  const path = temporaryFolder();
  const bytes = withMetadata(deploy);
  let expected: FloatArray;
  beforeAll(async () => {
    expected = await (await loadModel(bytes)).forward(data);
    await writeFile(path('net.safetensors'), bytes);
  });

  test('equals the model from bytes', async () => {
    const halves = async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(bytes.subarray(0, 1001));
      yield bytes.subarray(1001);
    };
    const sources = [
      path('net.safetensors'),
      pathToFileURL(path('net.safetensors')),
      new Response(bytes.slice()),
      new Blob([bytes.slice()]),
      new Blob([bytes.slice()]).stream(),
      halves(),
    ];
    for (const source of sources) expect(await (await loadModel(source)).forward(data)).toEqual(expected);
  });

  test('is refused with the name of its file', async () => {
    const file = path('net.safetensors');
    const absent = path('absent.safetensors');
    await expect(loadModel(absent)).rejects.toThrow(refusal(WeightsError, absent, 'a readable file', 'no such file'));
    await expect(loadModel(file, { config: { ...userConfig(deploy), num_classes: 6 } })).rejects.toThrow(
      refusal(WeightsError, file, 'num_classes 6', 'num_classes 5'),
    );
    const wrong = new Map([...drawnState(deploy)].filter(([name]) => name !== 'cls.2.bias'));
    await writeFile(path('wrong.safetensors'), encodeSafetensors(wrong, { metadata: writeConfig(deploy) }));
    await expect(loadModel(path('wrong.safetensors'))).rejects.toThrow(
      refusal(WeightsError, `${path('wrong.safetensors')}: cls.2.bias`, 'a tensor [5]', 'none of that name'),
    );
    const { shape } = drawnState(deploy).get('stem.0.bias') ?? { shape: [] };
    const bad = new Map([...drawnState(deploy), ['stem.0.bias', { shape, data: new Float32Array(4).fill(NaN) }]]);
    await writeFile(path('nan.safetensors'), encodeSafetensors(bad, { metadata: writeConfig(deploy) }));
    await expect(loadModel(path('nan.safetensors'))).rejects.toThrow(
      refusal(WeightsError, `${path('nan.safetensors')}: stem.0.bias`, 'finite weights', 'NaN at element 0'),
    );
  });

  test('closes its source when it is refused', async () => {
    let closed = false;
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield await Promise.resolve(withMetadata(train));
      } finally {
        closed = true;
      }
    };
    await expect(loadModel(chunks())).rejects.toThrow(WeightsError);
    expect(closed).toBe(true);
  });
});

describe('metadata and a configuration', () => {
  test('that differ in how the network is used: the caller overrides single keys', async () => {
    const overrides = { class_names: ['v', 'w', 'x', 'y', 'z'], mean: [0, 0, 0], input_size: [20, 16] };
    const { config } = await loadModel(withMetadata(deploy), { config: overrides });
    expect(config).toEqual({ ...deploy, ...overrides });
    expect((await loadModel(withMetadata(deploy), { config: {} })).config).toEqual(deploy);
  });

  test('that describe different networks are refused', async () => {
    const atOne = withMetadata(drawnConfig('train', { lambda: 1 }));
    await expect(loadModel(atOne, { config: { lambda: 0.5 }, backend: referenceBackend })).rejects.toThrow(
      refusal(WeightsError, 'loadModel', 'lambda 0.5', "lambda 1 in the file's own description"),
    );
    await expect(loadModel(withMetadata(deploy), { config: { variant: 'vanillanet_5' } })).rejects.toThrow(
      refusal(WeightsError, 'loadModel', 'dims [512,1024,2048,4096]', ''),
    );
    await expect(loadModel(withMetadata(deploy), { config: { num_classes: 5n } })).rejects.toThrow(
      refusal(ParamError, 'config.num_classes', 'an integer in [1, 16777216]', '5'),
    );
  });
});

describe('loadModel refuses', () => {
  test.each(['cuda', null, {}, 5])('an invalid backend: %p', async (backend) => {
    const options = { backend } as unknown as { backend: 'wasm' };
    await expect(loadModel(withMetadata(deploy), options)).rejects.toThrow(
      refusal(ParamError, 'backend', "'wasm' or a backend", ''),
    );
  });

  test('float64 weights that float32 cannot hold', async () => {
    const { shape } = drawnState(deploy).get('stem.0.bias') ?? { shape: [] };
    const large = new Map([...drawnState(deploy), ['stem.0.bias', { shape, data: Float64Array.of(0, 1e39, 0, 0) }]]);
    const bytes = encodeSafetensors(large, { metadata: writeConfig(deploy) });
    await expect(loadModel(bytes)).rejects.toThrow(
      refusal(WeightsError, 'stem.0.bias', 'finite weights', 'Infinity at element 1'),
    );
    expect(await (await loadModel(bytes, { backend: referenceBackend })).forward(data)).toHaveLength(5);
  });

  test('bytes without a configuration', async () => {
    await expect(loadModel(withoutMetadata(deploy))).rejects.toThrow(
      refusal(WeightsError, 'loadModel', 'a configuration', 'neither'),
    );
  });

  test('the train form in WebAssembly', async () => {
    for (const bytes of [withMetadata(train), withMetadata(drawnConfig('train', { lambda: null }))]) {
      await expect(loadModel(bytes)).rejects.toThrow(
        refusal(WeightsError, 'wasm', 'the deploy form', 'the train form'),
      );
    }
  });

  test('a configuration that contradicts the metadata', async () => {
    // Only the metadata show the difference: the tensors have the same shapes.
    const config = { ...userConfig(deploy), ada_pool: [3, 0] };
    await expect(loadModel(withMetadata(deploy), { config })).rejects.toThrow(
      refusal(WeightsError, 'loadModel', 'ada_pool [3,0]', "ada_pool null in the file's own description"),
    );
  });

  test('a configuration of another network, and an empty one', async () => {
    await expect(
      loadModel(withoutMetadata(deploy), { config: { ...userConfig(deploy), dims: [4, 6, 9] } }),
    ).rejects.toThrow(refusal(WeightsError, 'stages.1.conv.weight', '[9,6,1,1]', '[8,6,1,1]'));
    await expect(loadModel(withoutMetadata(deploy), { config: {} })).rejects.toThrow(
      refusal(ParamError, 'config.strides', 'a list of at most 1001 integers', 'undefined'),
    );
  });

  test.each([
    ['cut short', withMetadata(deploy).subarray(0, -1)],
    ['text', new TextEncoder().encode('{"dims": [4, 6, 8]}')],
    ['empty', new Uint8Array(0)],
  ])('bytes that are not weights: %s', async (_, bytes) => {
    await expect(loadModel(bytes)).rejects.toThrow(WeightsError);
  });
});
