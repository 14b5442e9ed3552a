import type { AdaptiveMaxPoolParams } from '../core/ops.js';
import type { Maps, Matrix, Tf } from './tf.js';

interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Window i of `out` over `size`: from ⌊i·size/out⌋ to ⌈(i + 1)·size/out⌉. Neighbors may overlap. */
function span(i: number, out: number, size: number): [start: number, length: number] {
  const start = Math.floor((i * size) / out);
  return [start, Math.ceil(((i + 1) * size) / out) - start];
}

function windows([, h, w]: readonly number[], [oh, ow]: AdaptiveMaxPoolParams['output_size']): Window[] {
  return Array.from({ length: oh * ow }, (_, i) => {
    const [top, height] = span(Math.floor(i / ow), oh, h);
    const [left, width] = span(i % ow, ow, w);
    return { top, left, height, width };
  });
}

const cut = (tf: Tf, x: Maps, { top, left, height, width }: Window): Maps =>
  tf.slice(x, [0, top, left, 0], [x.shape[0], height, width, x.shape[3]]);

/** The largest of each window: TensorFlow.js has no such pool, so that every window is cut out. */
export function adaptiveMaxPool2d(tf: Tf, x: Maps, { output_size }: AdaptiveMaxPoolParams): Maps {
  const [n, , , c] = x.shape;
  const maxima = windows(x.shape, output_size).map((window) =>
    tf.reshape(tf.max(cut(tf, x, window), [1, 2]), [n, 1, c]),
  );
  return tf.reshape(tf.concat(maxima, 1), [n, output_size[0], output_size[1], c]);
}

/** dy goes where the largest came from, the first of equals; where windows overlap, their shares are added. */
export function adaptiveMaxPool2dBackward(tf: Tf, dy: Maps, x: Maps, { output_size }: AdaptiveMaxPoolParams): Maps {
  const [n, h, w, c] = x.shape;
  let dx: Maps = tf.zeros(x.shape);
  windows(x.shape, output_size).forEach((window, i) => {
    const { top, left, height, width } = window;
    const [row, column] = [Math.floor(i / output_size[1]), i % output_size[1]];
    const values = tf.reshape(cut(tf, x, window), [n, height * width, c]);
    const first = tf.argMax<Matrix>(values, 1);
    // [n,c,places], of which one is 1; no integers, which webgpu cannot transpose.
    const hot = tf.oneHot(tf.reshape(first, [n * c]), height * width, 1, 0, 'float32');
    const chosen = tf.transpose(tf.reshape(hot, [n, c, height * width]), [0, 2, 1]);
    const share = tf.mul(chosen, tf.reshape(tf.slice(dy, [0, row, column, 0], [n, 1, 1, c]), [n, 1, c]));
    const around: [number, number][] = [
      [0, 0],
      [top, h - top - height],
      [left, w - left - width],
      [0, 0],
    ];
    dx = tf.add(dx, tf.pad(tf.reshape(share, [n, height, width, c]), around));
  });
  return dx;
}
