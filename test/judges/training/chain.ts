/**
 * The oracle's chain in which every layer answers from within its bounds: exact where `off`
 * is 0, and at the edge of the box that an engine of this arithmetic may be anywhere in where
 * `off` is ±1.
 */
import { planNetwork, type Layer } from '../../../src/core/network.js';
import type { ModelConfig } from '../../../src/core/config.js';
import type { StateDict, Tensor } from '../../../src/core/tensor.js';
import type { Arithmetic } from '../arithmetic.js';
import type { Verdict } from '../../wasm/judge.js';
import { judgeLayer, type LayerVerdict, type Mode } from './layerJudge.js';

/** Where in its box an answer is, one number in [−1, 1] a call. */
export type Off = () => number;

export const EXACT: Off = () => 0;

export function within({ exact, bound, shape }: Verdict, off: Off): Tensor {
  return { data: exact.map((value, i) => value + off() * bound[i]), shape };
}

export interface ChainRun {
  readonly logits: Tensor;
  readonly buffers: ReadonlyMap<string, Tensor>;
  readonly layers: readonly { readonly layer: Layer; readonly verdict: LayerVerdict }[];
  /** Gradients by the parameters' names. */
  backward(dlogits: Tensor): Map<string, Tensor>;
}

export function runChain(
  config: ModelConfig,
  state: StateDict,
  images: Tensor,
  mode: Mode,
  by: Arithmetic,
  off: Off = EXACT,
): ChainRun {
  const buffers = new Map<string, Tensor>();
  let x = images;
  const layers = planNetwork(config, config.input_size).map((layer) => {
    const verdict = judgeLayer(layer, state, x, mode, by);
    for (const [name, buffer] of verdict.buffers) buffers.set(name, within(buffer, off));
    x = within(verdict.y, off);
    return { layer, verdict };
  });
  const [n, classes] = x.shape;
  return {
    logits: { data: x.data, shape: [n, classes] },
    buffers,
    layers,
    backward(dlogits) {
      const grads = new Map<string, Tensor>();
      let dy: Tensor = { data: dlogits.data, shape: [n, classes, 1, 1] };
      for (const { verdict } of [...layers].reverse()) {
        const all = verdict.backward(dy);
        for (const [name, grad] of all) {
          const value = within(grad, off);
          if (name === 'dx') dy = value;
          else grads.set(name, value);
        }
      }
      return grads;
    },
  };
}
