import type { Maps, Tf } from './tf.js';

/** y = x where x > 0, else λ·x. λ = 0 is a ReLU, λ = 1 the identity. */
export function leakyRelu(tf: Tf, x: Maps, lambda: number): Maps {
  if (lambda === 1) return x;
  return lambda === 0 ? tf.relu(x) : tf.where(tf.greater(x, 0), x, tf.mul(x, lambda));
}

/** dx = dy where x > 0, else λ·dy. @param x the input, or for λ > 0 the output, which has the same signs */
export function leakyReluBackward(tf: Tf, dy: Maps, x: Maps, lambda: number): Maps {
  return lambda === 1 ? dy : tf.where(tf.greater(x, 0), dy, tf.mul(dy, lambda));
}
