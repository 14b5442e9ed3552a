/** A training of a few steps on synthetic images, with the same result in every runtime. */
import type { ModelConfig } from '../../src/core/config.js';
import type { DataSet, StreamedSet } from '../../src/data/sets/dataset.js';
import type * as entry from '../../src/entries/train.js';

const [N, SIDE, CLASSES] = [20, 16, 5];
const labels = {
  labels: Int32Array.from({ length: N }, (_, i) => i % CLASSES),
  ...{ n: N, channels: 3, height: SIDE, width: SIDE },
  classNames: ['a', 'b', 'c', 'd', 'e'],
};

export const inMemory: DataSet = {
  ...labels,
  images: Uint8Array.from({ length: N * 3 * SIDE * SIDE }, (_, i) => (i * i * 31 + (i >> 8) * 17) % 256),
};

export const onDisk: StreamedSet = {
  ...labels,
  files: {
    root: '/pictures',
    names: Array.from({ length: N }, (_, i) => `${i}.png`),
    fit: { size: [SIDE, SIDE], crop_pct: 1, interpolation: 'bilinear', resize: 'exact' },
  },
};

const network = { dims: [4, 6], strides: [2], act_num: 1, num_classes: CLASSES, input_size: SIDE, drop_rate: 0.1 };

export interface Package extends Pick<typeof entry, 'train' | 'wasmTrainer' | 'oracleTrainer'> {
  readonly resolveConfig: (config: typeof network) => ModelConfig;
}

export interface Choice {
  readonly trainer: 'oracle' | 'wasm';
  readonly set?: 'inMemory' | 'onDisk';
  readonly workers?: number;
}

/** The weights as hexadecimal bytes, after two epochs of two steps, each with an evaluation. */
export async function weightsOf(
  { train, oracleTrainer, wasmTrainer, resolveConfig }: Package,
  { trainer, set = 'inMemory', workers = 0 }: Choice,
): Promise<string> {
  const run = train(
    { train: { inMemory, onDisk }[set], validation: inMemory },
    resolveConfig(network),
    { epochs: 2, decayEpochs: 1, batchSize: 10, seed: 1, mixup: 0.2, augment: { horizontalFlip: 0.5 } },
    {
      workers,
      // With a listener, evaluation yields to the event loop, too.
      onResumePoint: () => undefined,
      openTrainer: (config, options) =>
        trainer === 'oracle'
          ? oracleTrainer(config, options)
          : wasmTrainer(config, { ...options, build: 'plain', threads: 1 }),
    },
  );
  let next = await run.next();
  while (next.done !== true) next = await run.next();
  const hex = (b: number): string => b.toString(16).padStart(2, '0');
  return [...next.value.state.values()]
    .map(({ data }) => Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), hex).join(''))
    .join('\n');
}
