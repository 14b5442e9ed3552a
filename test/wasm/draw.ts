import { sizeOf, type Tensor } from '../../src/core/tensor.js';

/** Looked up once, because access to globals is slow in jest. */
const { imul } = Math;

/** Returns a number in [0, 1) in each call. */
export type Draw = () => number;

/** mulberry32: uniform in [0, 1), the same on every machine. */
export function uniform(seed: number): Draw {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = imul(a ^ (a >>> 15), 1 | a);
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A float32 tensor of numbers in [-1, 1). */
export function draw(shape: readonly number[], random: Draw): Tensor {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = 2 * random() - 1;
  return { shape, data };
}
