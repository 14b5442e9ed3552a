/** Networks small enough for the reference, with many shapes: odd maps, few and many channels, every pool. */
import { tensor, type Tensor as Oracle } from '../../reference/index.js';
import type { ModelConfig } from '../../src/core/config.js';
import { parameterShapes } from '../../src/core/parameters.js';
import type { StateDict } from '../../src/core/tensor.js';
import { draw, uniform } from './draw.js';

export const NARROW = [
  {
    label: 'plain, act_num 3',
    sizes: { dims: [4, 6, 8], strides: [2, 1], num_classes: 5, act_num: 3, input_size: [32, 32] },
  },
  {
    label: 'gray, not square, act_num 1',
    sizes: { dims: [5, 3, 17], strides: [2, 2], num_classes: 1, in_chans: 1, act_num: 1, input_size: [37, 53] },
  },
  {
    label: 'five channels, stride 3, act_num 2',
    sizes: { dims: [1, 8, 4, 9], strides: [1, 3, 2], num_classes: 7, in_chans: 5, act_num: 2, input_size: [45, 61] },
  },
  {
    label: 'wide kernels, act_num 4',
    sizes: { dims: [3, 5, 4], strides: [4, 1], num_classes: 10, act_num: 4, input_size: [71, 41] },
  },
  {
    label: 'no series, act_num 0',
    sizes: { dims: [8, 4], strides: [2], num_classes: 3, act_num: 0, input_size: [19, 8] },
  },
  {
    label: 'adaptive pools',
    sizes: {
      dims: [4, 5, 6, 8],
      strides: [2, 2, 2],
      ada_pool: [0, 5, 3],
      num_classes: 6,
      act_num: 3,
      input_size: [64, 47],
    },
  },
  {
    label: "adaptive pools on the article's stem, larger than their input",
    sizes: {
      dims: [3, 4, 5],
      strides: [1, 2],
      ada_pool: [7, 9],
      article_stem: true,
      num_classes: 4,
      act_num: 1,
      input_size: [29, 34],
    },
  },
  {
    label: 'deeper than a block of weights',
    sizes: { dims: [3, 1030, 9], strides: [2, 1], num_classes: 2, act_num: 1, input_size: [13, 22] },
  },
  {
    label: 'a thousand classes',
    sizes: { dims: [2, 5], strides: [2], num_classes: 1000, act_num: 1, input_size: [9, 8] },
  },
] as const;

/** Float32 weights of about 1/√fan-in, which keeps the magnitude of the signal; positive variances. */
export function drawState(config: ModelConfig): StateDict {
  const random = uniform(7);
  return new Map(
    [...parameterShapes(config)].map(([name, shape]) => {
      const { data } = draw(shape, random);
      const root = Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
      const scaled = name.endsWith('running_var') ? data.map((v) => 1 + v / 2) : data.map((v) => v / root);
      return [name, { shape, data: scaled }];
    }),
  );
}

/** A random tensor for the reference, whose values are float32 numbers. */
export const tensorOf = (seed: number, shape: readonly number[]): Oracle =>
  tensor(draw(shape, uniform(seed)).data, shape);

export const oracleState = (config: ModelConfig): Map<string, Oracle> =>
  new Map([...drawState(config)].map(([name, { data, shape }]) => [name, tensor(data, shape)]));
