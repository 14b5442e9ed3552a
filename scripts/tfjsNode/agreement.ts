import type * as core from '@tensorflow/tfjs-core';

type Tf = Pick<typeof core, 'conv2d' | 'grads' | 'setBackend' | 'tensor' | 'tidy'>;

const X = [2, 7, 6, 3] as const;
const KERNEL = [3, 3, 3, 4] as const;
const Y = [2, 7, 6, 4] as const;

/**
 * Integers from -3 to 3. The sums of their products stay far below 2^11, so float32 and TF32 represent them exactly in
 * any order of summation: correct engines agree to the bit.
 */
const integers = (length: number, step: number): number[] =>
  Array.from({ length }, (_, i) => ((((i + 1) * step) % 101) % 7) - 3);

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

const RESULTS = ['convolution', 'gradient to its input', 'gradient to its kernel'] as const;

/** Computes a convolution and its two gradients with one engine. */
async function compute(tf: Tf, engine: string): Promise<ArrayLike<number>[]> {
  if (!(await tf.setBackend(engine))) throw new Error(`no engine ${engine}`);
  const x = tf.tensor(integers(sizeOf(X), 17), [...X]);
  const kernel = tf.tensor(integers(sizeOf(KERNEL), 29), [...KERNEL]);
  const dy = tf.tensor(integers(sizeOf(Y), 43), [...Y]);
  const convolve = (a: core.Tensor, b: core.Tensor): core.Tensor =>
    tf.conv2d(a as core.Tensor4D, b as core.Tensor4D, 1, 'same');
  const results = [convolve(x, kernel), ...tf.grads(convolve)([x, kernel], dy)];
  const values = await Promise.all(results.map((result) => result.data()));
  for (const tensor of [x, kernel, dy, ...results]) tensor.dispose();
  return values;
}

/** Compares a convolution and its gradients with those of another engine. @returns a line for each result that differs */
export async function disagreements(tf: Tf, engine: string, referenceEngine: string): Promise<string[]> {
  const [actual, expected] = [await compute(tf, engine), await compute(tf, referenceEngine)];
  return RESULTS.flatMap((name, result) => {
    const [a, e] = [actual[result], expected[result]];
    const index = Array.from(e).findIndex((value, i) => a[i] !== value);
    return a.length === e.length && index === -1 ? [] : [`${name}: ${a[index]} instead of ${e[index]} at ${index}`];
  });
}
