import type { AdaptiveMaxPoolParams } from '../core/ops.js';
import type { Maps, Matrix, Tf } from './tf.js';

interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Window i of `out` over `size` elements: [⌊i·size/out⌋, ⌈(i + 1)·size/out⌉). Windows may overlap. */
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

const crop = (tf: Tf, x: Maps, { top, left, height, width }: Window): Maps =>
  tf.slice(x, [0, top, left, 0], [x.shape[0], height, width, x.shape[3]]);

/** The maximum of each window, [n,oh,ow,c]. TensorFlow.js has no such op, so each window is sliced. */
export function adaptiveMaxPool2d(tf: Tf, x: Maps, { output_size }: AdaptiveMaxPoolParams): Maps {
  const [n, , , c] = x.shape;
  const maxima = windows(x.shape, output_size).map((window) =>
    tf.reshape(tf.max(crop(tf, x, window), [1, 2]), [n, 1, c]),
  );
  return tf.reshape(tf.concat(maxima, 1), [n, output_size[0], output_size[1], c]);
}

/** dx: each dy goes to its window's maximum, of ties to the first. Where windows overlap, the gradients are added. */
export function adaptiveMaxPool2dBackward(tf: Tf, dy: Maps, x: Maps, { output_size }: AdaptiveMaxPoolParams): Maps {
  const [n, h, w, c] = x.shape;
  let dx: Maps = tf.zeros(x.shape);
  windows(x.shape, output_size).forEach((window, i) => {
    const { top, left, height, width } = window;
    const [row, column] = [Math.floor(i / output_size[1]), i % output_size[1]];
    const values = tf.reshape(crop(tf, x, window), [n, height * width, c]);
    const first = tf.argMax<Matrix>(values, 1);
    // [n,c,h·w]. As float32, because webgpu cannot transpose integers.
    const hot = tf.oneHot(tf.reshape(first, [n * c]), height * width, 1, 0, 'float32');
    const mask = tf.transpose(tf.reshape(hot, [n, c, height * width]), [0, 2, 1]);
    const gradient = tf.mul(mask, tf.reshape(tf.slice(dy, [0, row, column, 0], [n, 1, 1, c]), [n, 1, c]));
    const padding: [number, number][] = [
      [0, 0],
      [top, h - top - height],
      [left, w - left - width],
      [0, 0],
    ];
    dx = tf.add(dx, tf.pad(tf.reshape(gradient, [n, height, width, c]), padding));
  });
  return dx;
}
