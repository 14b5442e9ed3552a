/** Maps on the way to the logits: the right ones, whoever computes them and whichever are asked for together. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { forward, valuesOf } from '../../reference/index.js';
import type { Backend } from '../../src/core/backend.js';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { BackendUnavailableError, ParamError, ShapeError } from '../../src/core/errors.js';
import type { FloatArray, Tensor } from '../../src/core/tensor.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend, toOracleConfig } from '../../src/oracle/backend.js';
import { fuseState } from '../../src/oracle/fuse.js';
import { stateToOracle, toOracle } from '../../src/oracle/state.js';
import { createWasmBackend } from '../../src/wasm/inference/backend.js';
import { refusal } from '../io/refusal.js';
import { BUILDS } from '../wasm/builds.js';
import { misfit } from '../wasm/judge.js';
import { drawState, NARROW } from '../wasm/networks.js';
import { chain, stagesMisfit } from '../wasm/inference/stages.js';
import { drawnConfig, drawnImages, drawnState } from './drawnNetwork.js';

const IMAGES = 3;

const layersOf = ({ strides }: ModelConfig): string[] => ['stem', ...strides.map((_, i) => `stages.${i}`), 'cls.0'];

/** Every choice of these, the empty one among them. */
const choices = (layers: readonly string[]): string[][] =>
  Array.from({ length: 2 ** layers.length }, (_, bits) => layers.filter((_layer, i) => bits & (1 << i)));

/** The i-th image's part of maps of all. */
const partOf = (maps: ReadonlyMap<string, Tensor>, i: number): [string, Tensor][] =>
  [...maps].map(([name, { data, shape }]) => {
    const size = data.length / IMAGES;
    return [name, { data: data.slice(i * size, (i + 1) * size), shape: [1, ...shape.slice(1)] }];
  });

interface Subject {
  readonly backend: Backend;
  readonly how: string;
}

const WASM: readonly Subject[] = BUILDS.flatMap((build) =>
  [1, 2].map((threads) => ({ backend: createWasmBackend({ build, threads }), how: `${build}, threads ${threads}` })),
);
const SUBJECTS: readonly Subject[] = [...WASM, { backend: referenceBackend, how: 'the reference' }];

describe.each(NARROW)('$label', ({ sizes }) => {
  const config = resolveConfig({ ...sizes, form: 'deploy' });
  const state = drawState(config);
  const layers = layersOf(config);
  const x = drawnImages(config, IMAGES);
  const size = x.data.length / IMAGES;
  const verdicts = chain(config, state, x);

  describe.each(SUBJECTS)('on $how', ({ backend }) => {
    let model: Model;
    let all: Map<string, Tensor>;
    let logits: FloatArray;
    beforeAll(async () => {
      model = await Model.open(state, config, backend);
      logits = await model.forward(x.data, IMAGES);
      all = await model.features(x.data, layers, IMAGES);
    });
    afterAll(() => {
      model.dispose();
    });

    test('maps are the oracle’s, within what float32 may be off', () => {
      for (const name of layers) {
        const [verdict, map] = [verdicts.get(name), all.get(name)];
        if (verdict === undefined || map === undefined) throw new Error(`no ${name}`);
        expect(map.shape).toEqual(verdict.shape);
        if (backend === referenceBackend) expect(map.data).toEqual(verdict.exact);
        else expect(misfit(map.data, verdict)).toBeNull();
      }
    });

    test('every map is what the oracle makes of the one before', () => {
      const head = { data: logits, shape: [IMAGES, config.num_classes, 1, 1] };
      expect(stagesMisfit(config, state, x, new Map([...all, ['cls.2', head]]))).toBeNull();
    });

    test('a map does not depend on what else is asked for, and leaves no trace in what comes after', async () => {
      expect([...all.keys()]).toEqual(layers);
      for (const chosen of choices(layers)) {
        const some = await model.features(x.data, chosen, IMAGES);
        expect([...some]).toEqual([...all].filter(([name]) => chosen.includes(name)));
        expect(await model.forward(x.data, IMAGES)).toEqual(logits);
      }
    });

    test('maps come in the network’s order, each once, however they are asked for', async () => {
      const twice = [...layers, ...layers].reverse();
      expect([...(await model.features(x.data, twice, IMAGES))]).toEqual([...all]);
    });

    test('an image in a batch is the image alone', async () => {
      for (let i = 0; i < IMAGES; i++) {
        const alone = await model.features(x.data.subarray(i * size, (i + 1) * size), layers);
        expect([...alone]).toEqual(partOf(all, i));
      }
      // Or nothing here could tell them apart.
      expect(partOf(all, 0)).not.toEqual(partOf(all, 1));
    });

    test('maps are the caller’s: the next call leaves them alone, and they it', async () => {
      const first = await model.features(x.data, layers, IMAGES);
      for (const { data } of first.values()) data.fill(NaN);
      const second = await model.features(x.data, layers, IMAGES);
      await model.features(
        x.data.map((v) => -v),
        layers,
        IMAGES,
      );
      expect([...second]).toEqual([...all]);
      expect(await model.forward(x.data, IMAGES)).toEqual(logits);
    });
  });
});

test.each(SUBJECTS)('$how tells the second stage of eleven from the last', async ({ backend }) => {
  const deep = drawnConfig('deploy', { dims: Array<number>(12).fill(3), strides: [2, ...Array<number>(10).fill(1)] });
  const model = await Model.open(drawnState(deep), deep, backend);
  const { data } = drawnImages(deep, 1);
  const all = await model.features(data, layersOf(deep));
  for (const name of ['stages.1', 'stages.10']) {
    expect([...(await model.features(data, [name]))]).toEqual([[name, all.get(name)]]);
  }
  expect(all.get('stages.1')).not.toEqual(all.get('stages.10'));
  model.dispose();
});

describe('the train form, on the reference', () => {
  /** Where each module of the deploy form ends in the train form. */
  const endOf = (module: string): string =>
    module === 'stem' ? 'stem2.2.bn' : module === 'cls.0' ? 'cls1.0' : `${module}.act.bn`;

  test.each([{ lambda: 0.25 }, { lambda: 1, ada_pool: [3, 0] }])('shows the oracle’s maps: %j', async (more) => {
    const config = drawnConfig('train', more);
    const state = drawnState(config);
    const x = drawnImages(config, IMAGES);
    const { steps } = forward(toOracleConfig(config), stateToOracle(state), toOracle(x), {
      training: false,
      lambda: more.lambda,
    });
    const model = await Model.open(state, config, referenceBackend);
    for (const chosen of choices(layersOf(config))) {
      const maps = await model.features(x.data, chosen, IMAGES);
      const expected = chosen.map((module) => {
        const step = steps.find(({ layer }) => layer.name === endOf(module));
        if (step === undefined) throw new Error(`no ${endOf(module)}`);
        return [module, { data: valuesOf(step.trace.y), shape: step.trace.y.shape }];
      });
      expect([...maps]).toEqual(expected);
    }
  });

  test('shows the maps of what it is fused to, but for the rounding of float64', async () => {
    const config = drawnConfig('train');
    const state = drawnState(config);
    const fused = fuseState(state, config);
    const { data } = drawnImages(config, IMAGES);
    const ask = async (weights: typeof state, of: ModelConfig): Promise<Map<string, Tensor>> =>
      (await Model.open(weights, of, referenceBackend)).features(data, layersOf(config), IMAGES);
    const [before, after] = [await ask(state, config), await ask(fused.state, fused.config)];
    for (const [name, { data: values }] of before) {
      const other = after.get(name)?.data ?? [];
      const largest = Math.max(...values.map(Math.abs));
      expect(Math.max(...Array.from(values, (v, i) => Math.abs(v - other[i])))).toBeLessThanOrEqual(1e-13 * largest);
    }
    expect([...after.keys()]).toEqual([...before.keys()]);
  });
});

const config = drawnConfig('deploy');
const state = drawnState(config);
const x = drawnImages(config, 1).data;

describe.each(SUBJECTS)('on $how', ({ backend }) => {
  let model: Model;
  beforeAll(async () => {
    model = await Model.open(state, config, backend);
  });

  test.each(['stages.2', 'stages.-1', 'cls.2', 'stem.1', 'stages.0.act', 'image'])(
    'refuses %s, and goes on',
    async (name) => {
      const asked = model.features(x, ['stem', name]);
      await expect(asked).rejects.toThrow(
        refusal(ParamError, 'features', 'layers of stem, stages.0, stages.1, cls.0', name),
      );
      expect([...(await model.features(x, ['stem'])).keys()]).toEqual(['stem']);
    },
  );

  test('refuses what is no image, and no images', async () => {
    const short = model.features(x.subarray(1), ['stem']);
    await expect(short).rejects.toThrow(refusal(ShapeError, 'features', 'x of 960 values, [1,3,16,20]', '959 values'));
    const long = model.features(x, ['stem'], 2);
    await expect(long).rejects.toThrow(refusal(ShapeError, 'features', 'x of 1920 values', '960 values'));
    const none = model.features(new Float32Array(0), ['stem'], 0);
    await expect(none).rejects.toThrow(refusal(ParamError, 'features', 'n an integer >= 1', 'n = 0'));
  });

  test('calls at once are answered each with its own', async () => {
    const images = [x, x.map((v) => -v), x.map((v) => v / 2)];
    const layers = layersOf(config);
    const alone = [];
    for (const image of images) alone.push(await model.forward(image), await model.features(image, layers));
    expect(new Set(alone.map((answer) => JSON.stringify([...answer]))).size).toBe(6);
    const asked = images.flatMap((image) => [model.forward(image), model.features(image, layers)]);
    expect(await Promise.all(asked)).toEqual(alone);
  });

  test('once disposed of, answers what was asked before and nothing after', async () => {
    const short = await Model.open(state, config, backend);
    const asked = short.features(x, ['stages.1']);
    short.dispose();
    expect(await asked).toEqual(await model.features(x, ['stages.1']));
    const late = short.features(x, ['stem']);
    await expect(late).rejects.toThrow(refusal(ParamError, 'features', 'a model in use', 'a disposed model'));
  });

  afterAll(() => {
    model.dispose();
  });
});

test('a backend that does not show its maps is told apart', async () => {
  const seen: FloatArray[] = [];
  const forwardAny = (given: FloatArray): Promise<Float32Array> => {
    seen.push(given);
    return Promise.resolve(new Float32Array(5));
  };
  const blind: Backend = {
    name: 'blind',
    open: () => Promise.resolve({ forward: forwardAny, dispose: () => undefined }),
  };
  const model = await Model.open(state, config, blind);
  const asked = model.features(x, ['stem']);
  await expect(asked).rejects.toThrow(refusal(BackendUnavailableError, 'features', 'a backend with features', 'blind'));
  // A name that nobody knows is the caller's mistake, whatever the backend.
  await expect(model.features(x, ['neck'])).rejects.toThrow(ParamError);
  expect(await model.forward(x)).toHaveLength(5);
  // Nobody is waited for any more: the image is read where it lies.
  expect(seen[0]).toBe(x);
});
