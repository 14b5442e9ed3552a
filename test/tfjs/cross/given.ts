/** What a network is given: drawn images, shares of classes, weights, and what dropout multiplies by. */
import { dropoutMask, valuesOf } from '../../../reference/index.js';
import type { ModelConfig } from '../../../src/core/config.js';
import type { Tensor } from '../../../src/core/tensor.js';
import { draw, uniform } from '../../wasm/draw.js';
import type { Network } from './networks.js';

export function imagesFor({ config, n, flat }: Network, seed = 11): Tensor {
  const x = draw([n, config.in_chans, ...config.input_size], uniform(seed));
  if (flat !== true) return x;
  const size = config.input_size[0] * config.input_size[1];
  return { ...x, data: x.data.map((_, i) => x.data[i - (i % size)]) };
}

/** Shares of the classes; every third image is of one class. */
export function sharesFor({ config: { num_classes }, n }: Network, seed = 12): Tensor {
  const q = draw([n, num_classes], uniform(seed));
  const data = q.data.map((v, i) => {
    const [image, c] = [Math.floor(i / num_classes), i % num_classes];
    return image % 3 === 0 ? Number(c === image % num_classes) : Math.abs(v) / num_classes;
  });
  return { data, shape: q.shape };
}

/** Masks are drawn from streams of their own, one a step. */
const STREAM = 2 ** 31;

/** Zeros and 1/(1 − rate), in float64; null where nothing is dropped. */
export function maskFor({ dims, drop_rate }: ModelConfig, n: number, seed: number, step: number): Tensor | null {
  if (drop_rate === 0) return null;
  const shape = [n, dims[dims.length - 1], 1, 1];
  const kept = valuesOf(dropoutMask(shape, drop_rate, seed, STREAM + step));
  return { data: kept.map((v) => v / (1 - drop_rate)), shape };
}
