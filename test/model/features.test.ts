/** `Model.features` returns the right maps on every backend and for every selection of layers. */
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
import { findMismatch } from '../wasm/judge.js';
import { drawState, NARROW } from '../wasm/networks.js';
import { chain, findStageMismatch } from '../wasm/inference/stages.js';
import { drawnConfig, drawnImages, drawnState } from './drawnNetwork.js';

const IMAGES = 3;

const layersOf = ({ strides }: ModelConfig): string[] => ['stem', ...strides.map((_, i) => `stages.${i}`), 'cls.0'];

/** None of the layers, each alone, all but each, and all: a map that overwrites another or depends on one shows in these. */
const selections = (layers: readonly string[]): string[][] => [
  [],
  ...layers.map((name) => [name]),
  ...layers.map((name) => layers.filter((other) => other !== name)),
  [...layers],
];

/** The part of the i-th image in the maps of a batch. */
const partOf = (maps: ReadonlyMap<string, Tensor>, i: number): [string, Tensor][] =>
  [...maps].map(([name, { data, shape }]) => {
    const size = data.length / IMAGES;
    return [name, { data: data.slice(i * size, (i + 1) * size), shape: [1, ...shape.slice(1)] }];
  });

interface Subject {
  readonly backend: Backend;
  readonly label: string;
}

const WASM: readonly Subject[] = BUILDS.flatMap((build) =>
  [1, 2].map((threads) => ({ backend: createWasmBackend({ build, threads }), label: `${build}, threads ${threads}` })),
);
const SUBJECTS: readonly Subject[] = [...WASM, { backend: referenceBackend, label: 'the reference' }];

describe.each(NARROW)('$label', ({ sizes }) => {
  const config = resolveConfig({ ...sizes, form: 'deploy' });
  const state = drawState(config);
  const layers = layersOf(config);
  const x = drawnImages(config, IMAGES);
  const size = x.data.length / IMAGES;
  const verdicts = chain(config, state, x);

  describe.each(SUBJECTS)('on $label', ({ backend }) => {
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

    test('maps are those of the reference, within the float32 bound', () => {
      for (const name of layers) {
        const [verdict, map] = [verdicts.get(name), all.get(name)];
        if (verdict === undefined || map === undefined) throw new Error(`no ${name}`);
        expect(map.shape).toEqual(verdict.shape);
        if (backend === referenceBackend) expect(map.data).toEqual(verdict.exact);
        else expect(findMismatch(map.data, verdict)).toBeNull();
      }
    });

    test('every map is what the reference computes from the previous one', () => {
      const head = { data: logits, shape: [IMAGES, config.num_classes, 1, 1] };
      expect(findStageMismatch(config, state, x, new Map([...all, ['cls.2', head]]))).toBeNull();
    });

    test('a map does not depend on the other layers requested, and does not change later calls', async () => {
      expect([...all.keys()]).toEqual(layers);
      for (const names of selections(layers)) {
        const maps = await model.features(x.data, names, IMAGES);
        expect([...maps]).toEqual([...all].filter(([name]) => names.includes(name)));
      }
      expect(await model.forward(x.data, IMAGES)).toEqual(logits);
    });

    test('maps are returned in the order of the network, each once, for any order of the names', async () => {
      const duplicates = [...layers, ...layers].reverse();
      expect([...(await model.features(x.data, duplicates, IMAGES))]).toEqual([...all]);
    });

    test('the maps of an image are the same in a batch and alone', async () => {
      for (let i = 0; i < IMAGES; i++) {
        const alone = await model.features(x.data.subarray(i * size, (i + 1) * size), layers);
        expect([...alone]).toEqual(partOf(all, i));
      }
      // Otherwise this test could not detect exchanged images.
      expect(partOf(all, 0)).not.toEqual(partOf(all, 1));
    });

    test('maps belong to the caller: calls do not change them, and they do not change calls', async () => {
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

test.each(SUBJECTS)('$label distinguishes stages.1 from stages.10', async ({ backend }) => {
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

  test.each([{ lambda: 0.25 }, { lambda: 1, ada_pool: [3, 0] }])(
    'returns the maps of the reference: %j',
    async (more) => {
      const config = drawnConfig('train', more);
      const state = drawnState(config);
      const x = drawnImages(config, IMAGES);
      const { steps } = forward(toOracleConfig(config), stateToOracle(state), toOracle(x), {
        training: false,
        lambda: more.lambda,
      });
      const model = await Model.open(state, config, referenceBackend);
      for (const names of selections(layersOf(config))) {
        const maps = await model.features(x.data, names, IMAGES);
        const expected = names.map((module) => {
          const step = steps.find(({ layer }) => layer.name === endOf(module));
          if (step === undefined) throw new Error(`no ${endOf(module)}`);
          return [module, { data: valuesOf(step.trace.y), shape: step.trace.y.shape }];
        });
        expect([...maps]).toEqual(expected);
      }
    },
  );

  test('returns the maps of the fused network, up to the rounding of float64', async () => {
    const config = drawnConfig('train');
    const state = drawnState(config);
    const fused = fuseState(state, config);
    const { data } = drawnImages(config, IMAGES);
    const featuresOf = async (weights: typeof state, network: ModelConfig): Promise<Map<string, Tensor>> =>
      (await Model.open(weights, network, referenceBackend)).features(data, layersOf(config), IMAGES);
    const [before, after] = [await featuresOf(state, config), await featuresOf(fused.state, fused.config)];
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

describe.each(SUBJECTS)('on $label', ({ backend }) => {
  let model: Model;
  beforeAll(async () => {
    model = await Model.open(state, config, backend);
  });

  test.each(['stages.2', 'stages.-1', 'cls.2', 'stem.1', 'stages.0.act', 'image'])(
    'refuses the layer %s and remains usable',
    async (name) => {
      const features = model.features(x, ['stem', name]);
      await expect(features).rejects.toThrow(
        refusal(ParamError, 'features', 'layers of stem, stages.0, stages.1, cls.0', name),
      );
      expect([...(await model.features(x, ['stem'])).keys()]).toEqual(['stem']);
    },
  );

  test.each([
    ['stages.0', "Pass a list: ['stages.0']."],
    ['image', "Pass a list: ['stem']."],
  ])('says that %s must be in a list', async (name, hint) => {
    await expect(model.features(x, name as never)).rejects.toMatchObject({ op: 'features', got: name, hint });
    await expect(model.features(x, ['no'])).rejects.not.toHaveProperty('hint');
  });

  test('refuses an input of the wrong length and an empty batch', async () => {
    const tooShort = model.features(x.subarray(1), ['stem']);
    await expect(tooShort).rejects.toThrow(
      refusal(ShapeError, 'features', 'x of 960 values, [1,3,16,20]', '959 values'),
    );
    const tooLong = model.features(x, ['stem'], 2);
    await expect(tooLong).rejects.toThrow(refusal(ShapeError, 'features', 'x of 1920 values', '960 values'));
    const empty = model.features(new Float32Array(0), ['stem'], 0);
    await expect(empty).rejects.toThrow(refusal(ParamError, 'features', 'n an integer >= 1', 'n = 0'));
  });

  test('concurrent calls return their own results', async () => {
    const images = [x, x.map((v) => -v), x.map((v) => v / 2)];
    const layers = layersOf(config);
    const alone = [];
    for (const image of images) alone.push(await model.forward(image), await model.features(image, layers));
    expect(new Set(alone.map((result) => JSON.stringify([...result]))).size).toBe(6);
    const concurrent = images.flatMap((image) => [model.forward(image), model.features(image, layers)]);
    expect(await Promise.all(concurrent)).toEqual(alone);
  });

  test('after dispose, earlier calls finish and later calls are refused', async () => {
    const temporary = await Model.open(state, config, backend);
    const earlier = temporary.features(x, ['stages.1']);
    temporary.dispose();
    expect(await earlier).toEqual(await model.features(x, ['stages.1']));
    const late = temporary.features(x, ['stem']);
    await expect(late).rejects.toThrow(refusal(ParamError, 'features', 'a model in use', 'a disposed model'));
  });

  afterAll(() => {
    model.dispose();
  });
});

test('a backend without features is refused', async () => {
  const inputs: FloatArray[] = [];
  const forwardAny = (values: FloatArray): Promise<Float32Array> => {
    inputs.push(values);
    return Promise.resolve(new Float32Array(5));
  };
  const blind: Backend = {
    name: 'blind',
    open: () => Promise.resolve({ forward: forwardAny, dispose: () => undefined }),
  };
  const model = await Model.open(state, config, blind);
  const features = model.features(x, ['stem']);
  await expect(features).rejects.toThrow(
    refusal(BackendUnavailableError, 'features', 'a backend with features', 'blind'),
  );
  // An unknown layer is a ParamError on every backend.
  await expect(model.features(x, ['neck'])).rejects.toThrow(ParamError);
  expect(await model.forward(x)).toHaveLength(5);
  // No other call is pending, so the input is not copied.
  expect(inputs[0]).toBe(x);
});
