/** Random images and targets for a network. */
import type { Tensor } from '../../../src/core/tensor.js';
import { draw, uniform } from '../../wasm/draw.js';
import type { Network } from './networks.js';

export function imagesFor({ config, n, flat }: Network, seed = 11): Tensor {
  const x = draw([n, config.in_chans, ...config.input_size], uniform(seed));
  if (flat !== true) return x;
  const size = config.input_size[0] * config.input_size[1];
  return { ...x, data: x.data.map((_, i) => x.data[i - (i % size)]) };
}

/** Random targets; every third image has a one-hot target. */
export function targetsFor({ config: { num_classes }, n }: Network, seed = 12): Tensor {
  const q = draw([n, num_classes], uniform(seed));
  const data = q.data.map((v, i) => {
    const [image, c] = [Math.floor(i / num_classes), i % num_classes];
    return image % 3 === 0 ? Number(c === image % num_classes) : Math.abs(v) / num_classes;
  });
  return { data, shape: q.shape };
}
