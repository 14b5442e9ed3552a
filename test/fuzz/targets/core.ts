/** The functions of the main entry and of vanillanet/core. */
import * as core from '../../../src/entries/core.js';
import * as index from '../../../src/entries/index.js';
import { readFileSync } from 'node:fs';
import { entryTargets } from '../entry.js';
import { floats, inputOf, pixelsOf, stateOf, TINY, WEIGHT_FILES } from '../fixtures.js';
import { lazy } from '../lazy.js';
import { corruptArguments } from '../hostile.js';
import type { Random } from '../random.js';
import { compile } from '../../../src/wasm/module.js';
import { callable, showArguments, sizeOfArguments, type Target } from '../target.js';

const wasmFile = lazy(() => readFileSync(new URL('../wasm/plain.wasm', import.meta.url)));

/** A copy, because a call may be given damaged or transferred bytes. */
const wasm = (): Uint8Array => Uint8Array.from(wasmFile());

/** Damaged code may do anything when it runs: networks run only on the whole module. */
const compiled = lazy(() => compile(wasm()));

/** A picture of one pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const config = (): core.ModelConfig => ({ ...TINY });

const input = (random: Random): core.ModelConfigInput =>
  random.pick([
    { variant: 'vanillanet_5', num_classes: 10 },
    { dims: [4, 8], strides: [2], ada_pool: [3], input_size: [32, 48], lambda: 0.5, crop_pct: 0.9 },
    { dims: [4, 8], strides: [2], in_chans: 1, mean: [0.5], std: [0.2], class_names: ['a', 'b'], num_classes: 2 },
  ]);

const imageOptions = (random: Random): core.PreprocessOptions => ({
  size: [random.integer(1, 20), random.integer(1, 20)],
  crop_pct: random.number(0.5, 1),
  resize: random.pick(['short-side', 'exact']),
  interpolation: random.pick(['bicubic', 'bilinear', 'box']),
  mean: [0.5, 0.4, 0.3],
  std: [0.2, 0.3, 0.4],
});

/** A load compiles and instantiates a module. */
const LOAD = { allowance: 2 ** 24 };

const loadOptions = () => ({
  timeout: 1000,
  retries: 0,
  config: { lambda: 1 },
  sha256: undefined,
  memoryLimit: 2 ** 30,
});

/** Images of 4096 x 4096 pixels. */
const IMAGES = { longest: 4096, allowance: 2 ** 28 };

const coreTargets = entryTargets<typeof core>('core', core, {
  resolveConfig: (random) => [input(random)],
  checkState: () => [stateOf(TINY), config(), 'file'],
  parameterShapes: () => [config()],
  streamOf: () => [stateOf(TINY)],
  centerCrop: { traits: IMAGES, draw: (random) => [pixelsOf(random), [random.integer(1, 20), random.integer(1, 20)]] },
  imageFormat: (random) => [random.bytes(16)],
  imageInfo: (random) => [random.chance(0.5) ? Uint8Array.from(PNG) : random.bytes(40), 'image'],
  normalize: { traits: IMAGES, draw: (random) => [pixelsOf(random), [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]] },
  orient: { traits: IMAGES, draw: (random) => [pixelsOf(random), random.integer(1, 8) as core.Orientation] },
  fit: { traits: IMAGES, draw: (random) => [pixelsOf(random), imageOptions(random)] },
  fitOptions: () => [config()],
  preprocessOptions: () => [config()],
  preprocess: { traits: IMAGES, draw: (random) => [pixelsOf(random), imageOptions(random)] },
  resize: {
    traits: IMAGES,
    draw: (random) => [pixelsOf(random), [random.integer(1, 20), random.integer(1, 20)], 'bilinear'],
  },
  readConfig: () => [new Map(core.writeConfig(TINY)), 'file'],
  writeConfig: () => [config()],
  decodeSafetensors: (random) => [random.pick(WEIGHT_FILES).slice(), 'file'],
  encodeSafetensors: (random) => [
    stateOf(TINY),
    { dtype: random.pick(['float16', 'float32', 'float64', 'int8']), metadata: new Map([['a', 'b']]) },
  ],
  cutShards: (random) => [random.bytes(100), { name: 'net', limit: random.integer(10, 200) }],
  openShards: (random) => {
    const { index: shardIndex, shards } = core.cutShards(random.bytes(50), { name: 'net', limit: 20 });
    return [JSON.parse(JSON.stringify(shardIndex)) as unknown, (file) => shards.get(file)];
  },
  loadModel: {
    traits: LOAD,
    draw: async (random) => [random.pick(WEIGHT_FILES).slice(), { ...loadOptions(), wasm: await compiled() }],
  },
  planNetwork: () => [config(), [32, 32]],
  topK: (random) => [floats(random, 3), random.integer(1, 3), random.chance(0.5) ? ['a', 'b', 'c'] : null],
  memoryPlan: (random) => [
    input(random),
    { batch: random.integer(1, 4), threads: random.integer(1, 4), size: 64, dtype: random.pick(['float32', 'int8']) },
  ],
  wasmBackendFrom: () => [wasm(), { memoryLimit: 2 ** 30, timeout: 1000 }],
});

/** Those that are not also in core. */
const indexTargets = entryTargets<typeof index>('index', index, {
  createWasmBackend: (random) => [{ build: 'plain', threads: random.integer(1, 2), memoryLimit: 2 ** 30 }],
});

/** The configuration of a model, which is disposed. */
async function disposed(opened: Promise<index.Model>): Promise<core.ModelConfig> {
  const loaded = await opened;
  loaded.dispose();
  return loaded.config;
}

const loadTargets: readonly Target[] = [
  callable(
    'index.loadModel',
    (...values: Parameters<typeof index.loadModel>) => disposed(index.loadModel(...values)),
    (random): Parameters<typeof index.loadModel> => [
      random.pick(WEIGHT_FILES).slice(),
      { ...loadOptions(), backend: 'wasm', build: 'plain', threads: 1 },
    ],
    LOAD,
  ),
];

const model = lazy(() => index.loadModel(WEIGHT_FILES[1], { build: 'plain', timeout: 1000 }));

const PROBE = Float32Array.from({ length: 3 * 16 * 16 }, (_, i) => ((i * 13) % 29) / 29);

type Method = 'forward' | 'features' | 'classify';

/** A method of a model; afterwards, the model must still answer as before, to the bit. */
const method = <Name extends Method>(name: Name, draw: (random: Random) => Parameters<index.Model[Name]>): Target => ({
  ...{ name: `index.Model.${name}`, allowance: 2 ** 22, isDeterministic: true },
  async draw(random) {
    const opened = await model();
    const expected = [...(await opened.forward(PROBE))].join();
    const values = corruptArguments(random, draw(random));
    const call = (): Promise<unknown> =>
      (opened[name] as (...parameters: readonly unknown[]) => Promise<unknown>)(...values);
    return {
      size: sizeOfArguments(values),
      async run() {
        const [result] = await Promise.allSettled([call()]);
        const got = [...(await opened.forward(PROBE))].join();
        if (got !== expected) throw new Error('the next call answered differently');
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      },
      show: () => showArguments(values),
    };
  },
});

/** The maps of a large input take memory. */
const OPEN = { ...LOAD, longest: 512 };

const modelTargets: readonly Target[] = [
  method('forward', (random) => {
    const n = random.integer(1, 3);
    return [inputOf(random, n), n];
  }),
  method('features', (random) => [inputOf(random), random.pick([['stem'], ['stages.0', 'cls.0']]), 1]),
  method('classify', (random) => [
    random.chance(0.5) ? pixelsOf(random) : inputOf(random),
    { topK: random.integer(1, 3) },
  ]),
  callable(
    'index.Model.open',
    (...values: Parameters<typeof index.Model.open>) => disposed(index.Model.open(...values)),
    (): Parameters<typeof index.Model.open> => [stateOf(TINY), config(), index.wasmBackend],
    OPEN,
  ),
  callable(
    'index.Model.load',
    (...values: Parameters<typeof index.Model.load>) => disposed(index.Model.load(...values)),
    (): Parameters<typeof index.Model.load> => [{ ...core.streamOf(stateOf(TINY)) }, config(), index.wasmBackend],
    OPEN,
  ),
];

export const targets: readonly Target[] = [...coreTargets, ...indexTargets, ...loadTargets, ...modelTargets];
