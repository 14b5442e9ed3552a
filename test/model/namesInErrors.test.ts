/** What errors of loading and of a model name: the option, the configuration, the call. */
import { describe, expect, test } from '@jest/globals';
import type { Backend } from '../../src/core/backend.js';
import { BackendUnavailableError, ParamError } from '../../src/core/errors.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { openShards } from '../../src/io/openShards.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { loadModel, type LoadModelOptions } from '../../src/model/loadModel.js';
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
    const loading = loadModel(bytes, { [key]: 2 } as LoadModelOptions);
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

describe('weights in shards, one of which is damaged', () => {
  const { index, shards } = cutShards(bytes, { name: 'net', limit: Math.ceil(bytes.length / 2) });
  const last = [...shards.keys()][1];
  const damaged = openShards(index, (name) => {
    const shard = Uint8Array.from(shards.get(name) ?? []);
    if (name === last) shard[shard.length - 1] ^= 1;
    return shard;
  });

  test('with an invalid configuration, give the error about the configuration', async () => {
    for (const overrides of [{ class_names: ['a'] }, { crop_pct: 0.5, class_names: ['a'] }]) {
      const loading = loadModel(damaged, { config: overrides });
      await expect(loading).rejects.toThrow(refusal(ParamError, 'config.class_names', '', ''));
    }
  });

  test('with a valid one, give the error about the shard', async () => {
    await expect(loadModel(damaged)).rejects.toMatchObject({ name: 'WeightsError', op: expect.stringContaining(last) });
    await expect(loadModel(damaged, { config: { crop_pct: 0.5 } })).rejects.toMatchObject({ name: 'WeightsError' });
  });
});

test('a backend without features is named, with one that has them', async () => {
  const backend: Backend = {
    name: 'none',
    open: async (weights, resolved) => {
      const { features: _, info: __, ...session } = await referenceBackend.open(weights, resolved);
      return session;
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
