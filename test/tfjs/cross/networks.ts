import { resolveConfig, type ModelConfigInput, type ModelConfig } from '../../../src/core/config.js';

export interface Network {
  readonly label: string;
  readonly config: ModelConfig;
  /** The number of images. */
  readonly n: number;
  /** Whether each image has one value, so that all values of a window are equal. */
  readonly flat?: true;
}

const train = (sizes: ModelConfigInput): ModelConfig => resolveConfig({ ...sizes, form: 'train' });
const deploy = (sizes: ModelConfigInput): ModelConfig => resolveConfig({ ...sizes, form: 'deploy' });

/** Narrow networks, because the reference is slow, with every kind of pool, kernel and stem. */
export const NETWORKS: readonly Network[] = [
  {
    label: 'plain, act_num 3',
    config: train({ dims: [4, 6, 8], strides: [2, 1], num_classes: 5, act_num: 3, input_size: 24 }),
    n: 3,
  },
  {
    label: 'gray, not square, act_num 1, dropout, pool by three',
    config: train({
      dims: [5, 3, 9],
      strides: [2, 3],
      num_classes: 3,
      in_chans: 1,
      act_num: 1,
      input_size: [29, 42],
      drop_rate: 0.3,
    }),
    n: 3,
  },
  {
    label: 'adaptive pools that overlap, act_num 2',
    config: train({
      dims: [4, 5, 6],
      strides: [2, 2],
      ada_pool: [5, 3],
      num_classes: 6,
      act_num: 2,
      input_size: [25, 22],
    }),
    n: 2,
  },
  {
    label: 'the deploy form, adaptive pool, dropout',
    config: deploy({
      dims: [4, 5, 3],
      strides: [2, 2],
      ada_pool: [0, 3],
      num_classes: 6,
      act_num: 2,
      input_size: [37, 31],
      drop_rate: 0.3,
    }),
    n: 3,
  },
];

/** Every window has ties: the gradient goes to the first. */
export const FLAT: Network = {
  label: 'constant images, whose windows have ties',
  config: train({ dims: [3, 4, 5], strides: [2, 2], ada_pool: [0, 2], num_classes: 3, act_num: 1, input_size: 40 }),
  n: 2,
  flat: true,
};

/** For checks of many steps. Dropout of a half: see test/wasm/training/trajectories.ts. */
export const SMALL: Readonly<Record<'train' | 'deploy', Network>> = {
  train: {
    label: 'small, the train form, dropout',
    config: train({ dims: [3, 5, 4], strides: [2, 1], num_classes: 3, act_num: 1, input_size: 16, drop_rate: 0.5 }),
    n: 3,
  },
  deploy: {
    label: 'small, the deploy form',
    config: deploy({ dims: [3, 5, 4], strides: [2, 1], num_classes: 3, act_num: 1, input_size: 16 }),
    n: 3,
  },
};
