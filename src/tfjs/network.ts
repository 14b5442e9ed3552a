/** The whole network on an engine, forward and backward. */
import type { Layer } from '../core/network.js';
import type { FloatArray } from '../core/tensor.js';
import { runLayer, type Mode, type Parameters, type Trace } from './layers.js';
import type { Maps, Matrix, Tf, TfTensor } from './tf.js';

/** Uploads images [n,c,h,w] as [n,h,w,c]. */
export function imagesOf(tf: Tf, x: FloatArray, shape: readonly [number, number, number, number]): Maps {
  // A copy, because an engine may keep the array while the caller changes it.
  return tf.transpose(tf.tensor(new Float32Array(x), [...shape], 'float32'), [0, 2, 3, 1]);
}

export interface Forward {
  /** [n,classes] */
  readonly logits: Matrix;
  readonly traces: readonly (Trace & { readonly name: string })[];
  /** The running statistics after this batch; empty in eval mode. */
  readonly buffers: ReadonlyMap<string, TfTensor>;
  /** Maps dlogits to the gradients of all parameters by name. */
  readonly backward: (dlogits: Matrix) => Map<string, TfTensor>;
}

/** Runs the layers one after the other. Must be called in a scope. */
export function forward(tf: Tf, layers: readonly Layer[], parameters: Parameters, images: Maps, mode: Mode): Forward {
  const traces: (Trace & { name: string })[] = [];
  const buffers = new Map<string, TfTensor>();
  let x = images;
  for (const layer of layers) {
    const trace = runLayer(tf, layer, parameters, x, mode);
    traces.push({ name: layer.name, ...trace });
    for (const [name, value] of Object.entries(trace.buffers ?? {})) buffers.set(name, value);
    x = trace.y;
  }
  const [n, , , classes] = x.shape;
  return {
    logits: tf.reshape(x, [n, classes]),
    traces,
    buffers,
    backward(dlogits) {
      const gradients = new Map<string, TfTensor>();
      let dy: Maps = tf.reshape(dlogits, [n, 1, 1, classes]);
      for (const { backward } of [...traces].reverse()) {
        const { dx, grads = {} } = backward(dy);
        for (const [name, grad] of Object.entries(grads)) gradients.set(name, grad);
        dy = dx;
      }
      return gradients;
    },
  };
}
