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

/** A file that describes itself, and one as PyTorch's users write it. */
const described = (config: ModelConfig): Uint8Array =>
  encodeSafetensors(drawnState(config), { metadata: writeConfig(config), dtype: 'float32' });
const bare = (config: ModelConfig): Uint8Array => encodeSafetensors(drawnState(config), { dtype: 'float32' });

/** What somebody knows who trained the network elsewhere: not what we call its form. */
function known({ dims, strides, num_classes, act_num, input_size }: ModelConfig): ModelConfigInput {
  return { dims, strides, num_classes, act_num, input_size };
}

const { data } = drawnImages(deploy, 1);

test.each([
  ['a page', '<html>', 'weights: expected a header', 'got 6 bytes'],
  ['JSON', '{}', 'expected a weight file', 'got JSON'],
])('%s in the place of weights is told alike, however it comes', async (_, text, expected, got) => {
  const bytes = new TextEncoder().encode(text);
  const told = async (source: Uint8Array | Response): Promise<string> =>
    loadModel(source).then(
      () => 'loaded',
      (error: unknown) => String(error),
    );
  const message = await told(bytes);
  expect(message).toContain(expected);
  expect(message).toContain(got);
  expect(await told(new Response(bytes))).toBe(message);
});

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

describe('a model from elsewhere', () => {
  const path = temporaryFolder();
  const bytes = described(deploy);
  let expected: FloatArray;
  beforeAll(async () => {
    expected = await (await loadModel(bytes)).forward(data);
    await writeFile(path('net.safetensors'), bytes);
  });

  test('is the model from its bytes', async () => {
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

  test('is refused by the name of its file', async () => {
    const file = path('net.safetensors');
    const absent = path('absent.safetensors');
    await expect(loadModel(absent)).rejects.toThrow(refusal(WeightsError, absent, 'a readable file', 'no such file'));
    await expect(loadModel(file, { config: { ...known(deploy), num_classes: 6 } })).rejects.toThrow(
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

  test('lets its source go when it is refused', async () => {
    let closed = false;
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield await Promise.resolve(described(train));
      } finally {
        closed = true;
      }
    };
    await expect(loadModel(chunks())).rejects.toThrow(WeightsError);
    expect(closed).toBe(true);
  });
});

describe('a description and a configuration', () => {
  test('of how the network is used: the caller’s word counts, key by key', async () => {
    const more = { class_names: ['v', 'w', 'x', 'y', 'z'], mean: [0, 0, 0], input_size: [20, 16] };
    const { config } = await loadModel(described(deploy), { config: more });
    expect(config).toEqual({ ...deploy, ...more });
    expect((await loadModel(described(deploy), { config: {} })).config).toEqual(deploy);
  });

  test('that contradict each other on what it is are refused', async () => {
    const atOne = described(drawnConfig('train', { lambda: 1 }));
    await expect(loadModel(atOne, { config: { lambda: 0.5 }, backend: referenceBackend })).rejects.toThrow(
      refusal(WeightsError, 'loadModel', 'lambda 0.5', "lambda 1 in the file's own description"),
    );
    await expect(loadModel(described(deploy), { config: { variant: 'vanillanet_5' } })).rejects.toThrow(
      refusal(WeightsError, 'loadModel', 'dims [512,1024,2048,4096]', ''),
    );
    await expect(loadModel(described(deploy), { config: { num_classes: 5n } })).rejects.toThrow(
      refusal(ParamError, 'config.num_classes', 'an integer >= 1', '5'),
    );
  });
});

describe('refused', () => {
  test.each(['cuda', null, {}, 5])('a backend that is none: %p', async (backend) => {
    const given = { backend } as unknown as { backend: 'wasm' };
    await expect(loadModel(described(deploy), given)).rejects.toThrow(
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
    await expect(loadModel(bare(deploy))).rejects.toThrow(
      refusal(WeightsError, 'loadModel', 'a configuration', 'neither'),
    );
  });

  test('the train form in WebAssembly', async () => {
    for (const bytes of [described(train), described(drawnConfig('train', { lambda: null }))]) {
      await expect(loadModel(bytes)).rejects.toThrow(
        refusal(WeightsError, 'wasm', 'the deploy form', 'the train form'),
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
      refusal(ParamError, 'config.strides', 'a list of integers', 'undefined'),
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
