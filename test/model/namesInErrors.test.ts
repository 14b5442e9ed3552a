/** What errors of loading and of a model name: the option, the configuration, the call. */
import { describe, expect, test } from '@jest/globals';
import type { Backend } from '../../src/core/backend.js';
import { BackendUnavailableError, ParamError } from '../../src/core/errors.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { openShards } from '../../src/io/openShards.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { loadModel } from '../../src/model/loadModel.js';
import { loadModelWithModule, type LoadModelWithModuleOptions } from '../../src/model/loadModelWithModule.js';
import { Model } from '../../src/model/model.js';
import { topK } from '../../src/model/topK.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { refusal } from '../io/refusal.js';
import { drawnConfig, drawnImages, drawnState } from './drawnNetwork.js';

const config = drawnConfig('deploy');
const state = drawnState(config);
const bytes = encodeSafetensors(state, { metadata: writeConfig(config), dtype: 'float32' });
const { data } = drawnImages(config, 1);

describe('an unknown option is refused, and the error lists those that there are', () => {
  test.each([
    ['thread', 'backend, build, threads, memoryLimit', 'Did you mean threads?'],
    ['memorylimit', 'backend, build, threads, memoryLimit', 'Did you mean memoryLimit?'],
  ])('%s in loadModel', async (key, keys, hint) => {
    const loading = loadModel(bytes, { [key]: 2 });
    await expect(loading).rejects.toThrow(refusal(ParamError, key, keys, 'an unknown key'));
    await expect(loading).rejects.toMatchObject({ hint });
  });

  test('threads in loadModelWithModule', async () => {
    const options = { wasm: new Uint8Array(0), threads: 2 } as unknown as LoadModelWithModuleOptions;
    await expect(loadModelWithModule(bytes, options)).rejects.toThrow(
      refusal(ParamError, 'threads', 'wasm, memoryLimit', 'an unknown key'),
    );
  });
});

test.each([
  [undefined, 'undefined'],
  [null, 'null'],
  ['plain.wasm', 'plain.wasm'],
])('%p instead of a module is refused, with how to import it', async (wasm, got) => {
  const loading = loadModelWithModule(bytes, { wasm } as unknown as LoadModelWithModuleOptions);
  await expect(loading).rejects.toThrow(
    refusal(ParamError, 'wasm', 'a WebAssembly module, its bytes, or a Response', got),
  );
  await expect(loading).rejects.toMatchObject({
    hint: "Import the module from 'vanillanet/plain.wasm' and pass it as { wasm }.",
  });
});

describe('weights in shards, the first of which is damaged', () => {
  const { index, shards } = cutShards(bytes, { name: 'net', limit: Math.ceil(bytes.length / 2) });
  const [first] = shards.keys();
  /** The shards with one byte changed, counted from the end of the first shard if negative. */
  const damagedAt = (position: number) =>
    openShards(index, (name) => {
      const shard = Uint8Array.from(shards.get(name) ?? []);
      if (name === first) shard[position < 0 ? shard.length + position : position] ^= 1;
      return shard;
    });

  test('with an invalid configuration, give the error about the configuration', async () => {
    for (const overrides of [{ class_names: ['a'] }, { crop_pct: 0.5, class_names: ['a'] }]) {
      const loading = loadModel(damagedAt(-1), { config: overrides });
      await expect(loading).rejects.toThrow(refusal(ParamError, 'config.class_names', '', ''));
    }
  });

  test.each([8, -1])('with a valid one, give the error about the shard: byte %i', async (position) => {
    const error = { name: 'WeightsError', op: first, expected: `sha256 ${index.shards[0].sha256}` };
    await expect(loadModel(damagedAt(position))).rejects.toMatchObject(error);
    await expect(loadModel(damagedAt(position), { config: { crop_pct: 0.5 } })).rejects.toMatchObject(error);
  });
});

test('a backend without features is named, with one that has them', async () => {
  const backend: Backend = {
    name: 'none',
    open: async (weights, resolved) => {
      const session = await referenceBackend.open(weights, resolved);
      return {
        forward: (x, n) => session.forward(x, n),
        dispose: () => {
          session.dispose();
        },
      };
    },
  };
  const model = await Model.open(state, config, backend);
  await expect(model.features(data, ['stem'])).rejects.toThrow(
    refusal(BackendUnavailableError, 'features', 'a backend with features', 'none'),
  );
  await expect(model.features(data, ['stem'])).rejects.toMatchObject({ hint: "Use the backend 'wasm'." });
  expect(model.info).toEqual({});
});

test('info is what the backend reports', async () => {
  const model = await loadModel(bytes, { threads: 1, build: 'plain' });
  expect(model.info).toMatchObject({ build: 'plain', threads: 1 });
  model.dispose();
});

test('classes of one probability come in their order, the first ones last as well', () => {
  const best = topK(Float64Array.of(0, 5, 0, 5, 0, 0), 6, null);
  expect(best.map(({ index }) => index)).toEqual([1, 3, 0, 2, 4, 5]);
});

describe('an argument of a call is refused', () => {
  const open = () => Model.open(state, config, referenceBackend);

  test.each([0, -1, 1.5, NaN])('%d images', async (n) => {
    const model = await open();
    const error = refusal(ParamError, 'forward', 'n an integer >= 1', `n = ${n}`);
    await expect(model.forward(data, n)).rejects.toThrow(error);
    await expect(model.forward([data, data], n)).rejects.toThrow(error);
    await expect(model.features(data, ['stem'], n)).rejects.toThrow(
      refusal(ParamError, 'features', 'n an integer >= 1', `n = ${n}`),
    );
  });

  test('another number of images than the list has', async () => {
    const model = await open();
    const expected = 'n = 2, the number of images';
    await expect(model.forward([data, data], 3)).rejects.toThrow(refusal(ParamError, 'forward', expected, 'n = 3'));
    await expect(model.features([data, data], ['stem'], 3)).rejects.toThrow(
      refusal(ParamError, 'features', expected, 'n = 3'),
    );
  });

  test.each([
    [['stem', 'stages.9'], 'stages.9'],
    [[5], '5'],
    ['stem', 'stem'],
    [null, 'null'],
  ])('layers %j', async (layers, got) => {
    const model = await open();
    await expect(model.features(data, layers as string[])).rejects.toThrow(
      expect.objectContaining({ name: 'ParamError', op: 'features', got }),
    );
  });

  test('a backend that cannot open', async () => {
    for (const backend of [{}, null, { open: 5 }]) {
      await expect(Model.open(state, config, backend as unknown as Backend)).rejects.toThrow(
        refusal(ParamError, 'backend.open', 'a function', ''),
      );
    }
  });

  test.each(['ab', [1, 2], ['a', 2], 5])('class names %j', (names) => {
    expect(() => topK(Float64Array.of(1, 2), 1, names as unknown as string[])).toThrow(
      refusal(ParamError, 'topK', 'class names in a list, or null', ''),
    );
  });
});

test('a list of float32 and float64 inputs is computed as float64 ones are', async () => {
  const model = await Model.open(state, config, referenceBackend);
  const exact = Float64Array.from(data, (value) => value / 3);
  const [alone] = [await model.forward(exact)];
  const both = await model.forward([data, exact]);
  expect(both.subarray(alone.length)).toEqual(alone);
});
