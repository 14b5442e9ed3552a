import { describe, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { sizeOf, type StateDict, type Tensor } from '../../src/core/tensor.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import { refusal } from './refusal.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();

const small = { dims: [4, 6, 8], strides: [2, 2], num_classes: 3, act_num: 1, input_size: 16 };
const config = resolveConfig({ ...small, lambda: 0.5, class_names: ['a', 'b', 'c'] });

/** Tensors of the right shapes; every value is another one. */
function stateOf(of: ModelConfig): Map<string, Tensor> {
  let next = 0;
  const tensors = [...parameterShapes(of)].map(([name, shape]): [string, Tensor] => [
    name,
    { data: Float64Array.from({ length: sizeOf(shape) }, () => next++), shape },
  ]);
  return new Map(tensors);
}

describe('weights with their configuration', () => {
  test('come back, in both forms and both precisions', async () => {
    for (const form of ['train', 'deploy'] as const) {
      const given = resolveConfig({ ...config, form });
      const state = stateOf(given);
      await writeWeights(path(form), state, given);
      const read = await readWeights(path(form));
      expect(read.config).toEqual(given);
      expect(read.metadata.get('format')).toBe('pt');
      expect([...read.state.keys()]).toEqual([...state.keys()]);
      expect(read.state).toEqual(state);

      await writeWeights(path('narrow'), state, given, { dtype: 'float32' });
      const narrow = await readWeights(path('narrow'), { config: given });
      expect(narrow.state.get('stages.0.act.weight')?.data).toBeInstanceOf(Float32Array);
    }
  });

  test('take the configuration of the caller where the file has none', async () => {
    await writeFile(path('bare'), encodeSafetensors(stateOf(config)));
    expect((await readWeights(path('bare'), { config })).config).toEqual(config);
    const wanting = readWeights(path('bare'));
    await expect(wanting).rejects.toThrow(refusal(WeightsError, path('bare'), 'a configuration', 'neither'));
  });

  test("keep the file's description, completed by the caller's", async () => {
    const bare = resolveConfig({ ...small, mean: [0, 0, 0] });
    await writeWeights(path('silent'), stateOf(bare), bare);
    const { lambda, class_names } = config;
    const read = await readWeights(path('silent'), { config: { lambda, class_names } });
    expect(read.config).toEqual({ ...bare, lambda: 0.5, class_names: ['a', 'b', 'c'] });
    // Whoever says more means it.
    expect((await readWeights(path('silent'), { config })).config).toEqual(config);
  });
});

describe('a file of another network', () => {
  // One stage of each, as small as can be; ada_pool and article_stem change no shape at all.
  const base = { dims: [2, 2, 2], strides: [2, 1], num_classes: 2, act_num: 1 };
  const cases: [keyof ModelConfig, object, object][] = [
    ['dims', base, { ...base, dims: [2, 4, 2] }],
    ['strides', base, { ...base, strides: [2, 2] }],
    ['ada_pool', base, { ...base, ada_pool: [3, 0] }],
    ['article_stem', { ...base, ada_pool: [3, 0] }, { ...base, ada_pool: [3, 0], article_stem: true }],
    ['in_chans', base, { ...base, in_chans: 1 }],
    ['num_classes', base, { ...base, num_classes: 3 }],
    ['act_num', base, { ...base, act_num: 2 }],
    ['form', base, { ...base, form: 'deploy' }],
  ];
  test.each(cases)('%s', async (key, mine, theirs) => {
    const [given, stored] = [resolveConfig(mine), resolveConfig(theirs)];
    await writeWeights(path('other'), stateOf(stored), stored);
    const [expected, got] = [JSON.stringify(given[key]), JSON.stringify(stored[key])];
    await expect(readWeights(path('other'), { config: given })).rejects.toThrow(
      refusal(WeightsError, path('other'), `${key} ${expected}`, `${key} ${got}`),
    );
  });

  test('is named by its variant where both have one', async () => {
    // No need for the hundred megabytes: the descriptions disagree before the tensors are looked at.
    const metadata = new Map([['vanillanet', '{"variant":"vanillanet_6"}']]);
    await writeFile(path('six'), encodeSafetensors(new Map(), { metadata }));
    await expect(readWeights(path('six'), { config: resolveConfig({ variant: 'vanillanet_5' }) })).rejects.toThrow(
      refusal(WeightsError, path('six'), 'variant "vanillanet_5"', 'variant "vanillanet_6"'),
    );
  });

  test('is named by its first tensor where it does not describe itself', async () => {
    const other = resolveConfig({ ...small, num_classes: 4 });
    await writeFile(path('foreign'), encodeSafetensors(stateOf(other)));
    await expect(readWeights(path('foreign'), { config })).rejects.toThrow(
      refusal(WeightsError, `${path('foreign')}: cls1.2.weight`, '[3,8,1,1]', '[4,8,1,1]'),
    );
  });
});

describe('no file', () => {
  test('a missing file, a folder', async () => {
    const missing = refusal(WeightsError, path('nowhere'), 'a readable file', 'no such file');
    await expect(readWeights(path('nowhere'))).rejects.toThrow(missing);
    await mkdir(path('folder'));
    const folder = refusal(WeightsError, path('folder'), 'a readable file', 'a folder');
    await expect(readWeights(path('folder'))).rejects.toThrow(folder);
  });

  test('a file that is none', async () => {
    await writeFile(path('text'), 'these are no weights at all, far from it');
    await expect(readWeights(path('text'))).rejects.toThrow(refusal(WeightsError, path('text'), 'header', ''));
  });
});

describe('what does not fit is not written', () => {
  test('and what was there stays', async () => {
    const state = stateOf(config);
    await mkdir(path('out'));
    await writeWeights(path('out', 'w'), state, config);
    const before = await readFile(path('out', 'w'));

    const wrong: StateDict = new Map([...state].slice(0, -1));
    await expect(writeWeights(path('out', 'w'), wrong, config)).rejects.toThrow(
      refusal(WeightsError, 'cls2.0.bias', 'a tensor [3]', 'none of that name'),
    );
    const huge = new Map(state).set('stem1.0.bias', { data: new Float64Array(4).fill(1e300), shape: [4] });
    await expect(writeWeights(path('out', 'w'), huge, config, { dtype: 'float32' })).rejects.toThrow(
      refusal(WeightsError, 'stem1.0.bias', 'float32', '1e+300'),
    );
    await expect(writeWeights(path('out', 'no', 'w'), state, config)).rejects.toThrow(
      refusal(ParamError, path('out', 'no', 'w'), 'a file to write', 'no such file or folder'),
    );
    expect(await readdir(path('out'))).toEqual(['w']);
    expect((await readFile(path('out', 'w'))).equals(before)).toBe(true);
  });
});
