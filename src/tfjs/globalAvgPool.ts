import type { Maps, Tf } from './tf.js';

/** The mean of each map, [n,1,1,c]. */
export const globalAvgPool = (tf: Tf, x: Maps): Maps => tf.mean(x, [1, 2], true);

/** dx = dy/(h·w) at every position. */
export function globalAvgPoolBackward(tf: Tf, dy: Maps, x: Maps): Maps {
  return tf.mul(tf.ones(x.shape), tf.div(dy, x.shape[1] * x.shape[2]));
}
