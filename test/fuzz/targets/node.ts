/** The functions of vanillanet/node, vanillanet/train and vanillanet/ops. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as node from '../../../src/entries/node.js';
import * as ops from '../../../src/entries/ops.js';
import * as train from '../../../src/entries/train.js';
import { wasmBackend } from '../../../src/wasm/inference/backend.js';
import { entryTargets } from '../entry.js';
import { floats, imageSetOf, inputOf, stateOf, TINY, TINY_TRAIN, WEIGHT_FILES } from '../fixtures.js';
import { png } from '../formats.js';
import { lazy } from '../lazy.js';
import type { Random } from '../random.js';
import { callable, type Target } from '../target.js';

const CONTENT = new Uint8Array(10);

/** Files that every reader of a path accepts. */
const FILES: Readonly<Record<string, () => Uint8Array>> = {
  'net.safetensors': () => WEIGHT_FILES[1],
  'cifar-10-batches-bin/test_batch.bin': () => new Uint8Array(3073),
  'cifar-10-batches-bin/batches.meta.txt': () => new TextEncoder().encode('a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n'),
  'cifar-100-binary/test.bin': () => new Uint8Array(3074),
  'cifar-100-binary/fine_label_names.txt': () =>
    new TextEncoder().encode(Array.from({ length: 100 }, (_, i) => `class ${i}\n`).join('')),
  'images/train/cat/1.png': () => png(9, 8),
  'images/train/dog/2.png': () => png(8, 9),
  downloaded: () => CONTENT,
};

/** A folder with these files and an empty folder. */
const folder = lazy(() => {
  const created = mkdtempSync(join(tmpdir(), 'fuzz-'));
  for (const [name, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(created, name)), { recursive: true });
    writeFileSync(join(created, name), content());
  }
  mkdirSync(join(created, 'empty'));
  return created;
});

const path = (name: string): string => join(folder(), name);

const fused = lazy(() => node.fuseState(stateOf(TINY_TRAIN), { ...TINY_TRAIN, lambda: 1 }));

/** Files, threads or passes of a network. */
const LARGE = { allowance: 2 ** 24 };

const positions = (random: Random): number[] => [random.integer(0, 5), random.integer(0, 5)];
const openOptions = (random: Random): node.OpenDatasetOptions => ({ size: [8, 8], n: 5, seed: random.integer(0, 9) });
const decodeOptions = { size: [8, 8], interpolation: 'bilinear', crop_pct: 0.9, n: 3 } as const;

const nodeTargets = entryTargets<typeof node>('node', node, {
  batchOf: (random) => [imageSetOf(random), positions(random), { mean: [0, 0, 0], std: [1, 1, 1], dtype: 'float32' }],
  readCifar10: { traits: LARGE, draw: () => [path('cifar-10-batches-bin'), 'test'] },
  readCifar100: { traits: LARGE, draw: () => [path('cifar-100-binary'), 'test'] },
  checkDataset: (random) => [imageSetOf(random), { in_chans: 3, num_classes: 3 }, 'set'],
  classCounts: (random) => [imageSetOf(random)],
  imbalance: (random) => [imageSetOf(random)],
  isStreamed: (random) => [imageSetOf(random)],
  subset: (random) => [imageSetOf(random), positions(random)],
  evenlySpaced: {
    traits: { longest: 2 ** 20, allowance: 2 ** 24 },
    draw: (random) => [random.integer(0, 100), random.integer(0, 50)],
  },
  download: {
    traits: LARGE,
    draw: (random) =>
      random.chance(0.5)
        ? [
            { url: 'http://127.0.0.1:9/none', md5: createHash('md5').update(CONTENT).digest('hex') },
            path('downloaded'),
            { stallMs: 100, force: false, onProgress: () => undefined },
          ]
        : [{ url: 'http://127.0.0.1:9/none', md5: '0'.repeat(32) }, path('none'), { stallMs: 100 }],
  },
  findCifar10: { traits: LARGE, draw: () => [[path('empty')]] },
  findData: { traits: LARGE, draw: (random) => [random.pick(['shapes', path('empty'), 'cifar10'])] },
  readImage: { traits: LARGE, draw: () => [path('images/train/cat/1.png')] },
  readImageFolder: { traits: LARGE, draw: () => [path('images'), { ...decodeOptions, split: 'train' }] },
  openDataset: {
    traits: { ...LARGE, longest: 64 },
    draw: (random) => ['shapes', random.pick(['train', 'test', 'val']), openOptions(random)],
  },
  loadSubset: { traits: LARGE, draw: (random) => [imageSetOf(random), positions(random)] },
  prepareInputs: {
    traits: { ...LARGE, longest: 512 },
    draw: (random) => [imageSetOf(random), positions(random), { ...TINY }],
  },
  drawShapes: {
    traits: { longest: 128, allowance: 2 ** 26 },
    draw: (random) => [random.integer(1, 3), { size: 8, seed: random.integer(0, 500), first: random.integer(0, 9) }],
  },
  readWeights: { traits: LARGE, draw: () => [path('net.safetensors'), { config: { lambda: 1 } }] },
  writeWeights: {
    traits: LARGE,
    draw: (random) => [
      path('written.safetensors'),
      stateOf(TINY),
      { ...TINY },
      { dtype: random.pick(['float32', 'int8']) },
    ],
  },
  fuseState: {
    // Without input_size, the probe has 224 x 224 pixels.
    traits: { allowance: 2 ** 27, longest: 64 },
    draw: () => [stateOf(TINY_TRAIN), { ...TINY_TRAIN }, { probeSize: [16, 16] }],
  },
  verifyFused: {
    traits: { allowance: 2 ** 25 },
    draw: () => [structuredClone(fused()), wasmBackend],
  },
});

const recipe = { epochs: 1, batchSize: 2, optimizer: 'sgd', lr: 0.01, decayEpochs: 0, seed: 1 } as const;

async function drain(generator: AsyncGenerator<unknown, train.TrainingResult>): Promise<number> {
  for (let events = 0; ; events++) if ((await generator.next()).done === true) return events;
}

const trainerOptions = { seed: 1, batchSize: 2, gradAccumSteps: 1, ema: false };
const optimizer = { kind: 'adam', lr: 0.01, weightDecay: 0.1 } as const;

/** A step of a trainer; the trainer is disposed afterwards. */
async function stepOf(trainer: train.Trainer, step: Parameters<train.Trainer['step']>): Promise<unknown> {
  try {
    return await trainer.step(...step);
  } finally {
    trainer.dispose();
  }
}

const step = (random: Random): Parameters<train.Trainer['step']> => [
  inputOf(random, 2),
  Float32Array.from([1, 0, 0, 0, 0.5, 0.5]),
  { lambda: 0.5, optimizer: { ...optimizer } },
];

const TRAINER = { allowance: 2 ** 25, longest: 64 };

const trained = (): train.TrainedWeights => ({ state: stateOf(TINY_TRAIN), config: { ...TINY_TRAIN } });

const trainTargets: readonly Target[] = [
  ...entryTargets<typeof train>('train', train, {
    resolveRecipe: (random) => [{ ...recipe, augment: { horizontalFlip: 0.5 }, epochs: random.integer(1, 9) }],
    transferWeights: {
      traits: TRAINER,
      draw: (random) => [
        trained(),
        ['a', 'b', 'c', 'd'].slice(random.integer(0, 2)),
        { seed: 1, newHead: random.chance(0.5) },
      ],
    },
    oracleTrainer: { traits: TRAINER, draw: () => [{ ...TINY_TRAIN }, { ...trainerOptions, freeze: ['stem'] }] },
  }),
  callable(
    'train.wasmTrainer',
    async (...values: Parameters<typeof train.wasmTrainer>) => {
      (await train.wasmTrainer(...values)).dispose();
    },
    (): Parameters<typeof train.wasmTrainer> => [{ ...TINY_TRAIN }, { ...trainerOptions, threads: 1, build: 'plain' }],
    TRAINER,
  ),
  callable(
    'train.train',
    (...values: Parameters<typeof train.train>) => drain(train.train(...values)),
    (random): Parameters<typeof train.train> => [
      { train: imageSetOf(random, 4), validation: random.chance(0.5) ? imageSetOf(random, 3) : null },
      { ...TINY_TRAIN },
      { ...recipe },
      { workers: 0 },
    ],
    TRAINER,
  ),
  callable(
    'train.fineTune',
    (...values: Parameters<typeof train.fineTune>) => drain(train.fineTune(...values)),
    (random): Parameters<typeof train.fineTune> => [
      { train: imageSetOf(random, 4), validation: null },
      trained(),
      { ...recipe, freeze: random.chance(0.5) ? ['stem', 'bn'] : [] },
      { workers: 0, newHead: true },
    ],
    TRAINER,
  ),
  callable(
    'train.oracleTrainer.step',
    (...values: Parameters<train.Trainer['step']>) =>
      stepOf(train.oracleTrainer({ ...TINY_TRAIN }, { ...trainerOptions }), values),
    step,
    TRAINER,
  ),
  callable(
    'train.wasmTrainer.step',
    async (...values: Parameters<train.Trainer['step']>) =>
      stepOf(await train.wasmTrainer({ ...TINY_TRAIN }, { ...trainerOptions, threads: 1, build: 'plain' }), values),
    step,
    TRAINER,
  ),
];

const kernels = lazy(() => ops.openOps());

const tensor = (random: Random, shape: readonly number[]): ops.Tensor => ({
  data: floats(
    random,
    shape.reduce((a, b) => a * b, 1),
  ),
  shape,
});

const image = (random: Random): ops.Tensor => tensor(random, [1, 2, 5, 6]);

/** A method of the opened ops. */
const kernel = <Name extends keyof ops.WasmOps>(
  name: Name,
  draw: (random: Random) => Parameters<ops.WasmOps[Name]>,
): Target =>
  callable(
    `ops.${name}`,
    async (...values: Parameters<ops.WasmOps[Name]>) => {
      return ((await kernels())[name] as (...parameters: readonly unknown[]) => unknown)(...values);
    },
    draw,
    { allowance: 2 ** 28, longest: 256 },
  );

const opsTargets: readonly Target[] = [
  ...entryTargets<typeof ops>('ops', ops, {
    openOps: { traits: LARGE, draw: (random) => [{ build: random.pick(['plain', 'auto']) }] },
  }),
  kernel('conv2d', (random) => [image(random), tensor(random, [3, 2, 2, 2]), null, { stride: 1, padding: 1 }]),
  kernel('depthwiseConv2d', (random) => [
    image(random),
    tensor(random, [2, 1, 3, 3]),
    tensor(random, [2]),
    { stride: 1, padding: 1 },
  ]),
  kernel('leakyRelu', (random) => [image(random), random.unit()]),
  kernel('maxPool2d', (random) => [image(random), { kernel_size: 2, stride: 2 }]),
  kernel('adaptiveMaxPool2d', (random) => [image(random), { output_size: [2, 3] }]),
  kernel('globalAvgPool', (random) => [image(random)]),
];

export const targets: readonly Target[] = [...nodeTargets, ...trainTargets, ...opsTargets];
