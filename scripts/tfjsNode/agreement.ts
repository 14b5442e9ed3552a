import type * as core from '@tensorflow/tfjs-core';

type Tf = Pick<typeof core, 'conv2d' | 'grads' | 'setBackend' | 'tensor' | 'tidy'>;

const X = [2, 7, 6, 3] as const;
const KERNEL = [3, 3, 3, 4] as const;
const Y = [2, 7, 6, 4] as const;

/**
 * Whole numbers from -3 to 3. Sums of their products stay far below 2^11, so float32 and
 * TF32 both have them exactly, in whatever order: engines that are right agree to the bit.
 */
const whole = (length: number, step: number): number[] =>
  Array.from({ length }, (_, i) => ((((i + 1) * step) % 101) % 7) - 3);

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

const RESULTS = ['convolution', 'gradient to its input', 'gradient to its kernel'] as const;

/** The values of a convolution and of its two gradients by one engine. */
async function valuesBy(tf: Tf, engine: string): Promise<ArrayLike<number>[]> {
  if (!(await tf.setBackend(engine))) throw new Error(`there is no engine ${engine}`);
  const x = tf.tensor(whole(sizeOf(X), 17), [...X]);
  const kernel = tf.tensor(whole(sizeOf(KERNEL), 29), [...KERNEL]);
  const dy = tf.tensor(whole(sizeOf(Y), 43), [...Y]);
  const convolve = (a: core.Tensor, b: core.Tensor): core.Tensor =>
    tf.conv2d(a as core.Tensor4D, b as core.Tensor4D, 1, 'same');
  const results = [convolve(x, kernel), ...tf.grads(convolve)([x, kernel], dy)];
  const values = await Promise.all(results.map((result) => result.data()));
  for (const tensor of [x, kernel, dy, ...results]) tensor.dispose();
  return values;
}

/** What of a convolution two engines do not compute alike: nothing, if both are right. */
export async function disagreements(tf: Tf, engine: string, judge: string): Promise<string[]> {
  const [got, wanted] = [await valuesBy(tf, engine), await valuesBy(tf, judge)];
  return RESULTS.flatMap((name, result) => {
    const [own, other] = [got[result], wanted[result]];
    const off = Array.from(other).findIndex((value, i) => own[i] !== value);
    return own.length === other.length && off === -1 ? [] : [`${name}: ${own[off]} for ${other[off]} at ${off}`];
  });
}
