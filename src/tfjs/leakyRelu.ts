import type { Maps, Tf } from './tf.js';

/** y = x where x > 0, λ·x elsewhere; with λ = 0 a ReLU, with λ = 1 nothing. */
export function leakyRelu(tf: Tf, x: Maps, lambda: number): Maps {
  if (lambda === 1) return x;
  return lambda === 0 ? tf.relu(x) : tf.where(tf.greater(x, 0), x, tf.mul(x, lambda));
}

/** dx = dy where x > 0, λ·dy elsewhere. @param x what went in, or what came out: their signs are the same for λ > 0 */
export function leakyReluBackward(tf: Tf, dy: Maps, x: Maps, lambda: number): Maps {
  return lambda === 1 ? dy : tf.where(tf.greater(x, 0), dy, tf.mul(dy, lambda));
}
