/**
 * The reference's chain with perturbed layers: each element is off by `off()` times its bound. With `off` = 0 it is
 * exact; with ±1 it is at the limit of what an engine of this arithmetic may compute.
 */
import { planNetwork, type Layer } from '../../../src/core/network.js';
import type { ModelConfig } from '../../../src/core/config.js';
import type { StateDict, Tensor } from '../../../src/core/tensor.js';
import type { Arithmetic } from '../arithmetic.js';
import type { Verdict } from '../../wasm/judge.js';
import { judgeLayer, type LayerVerdict, type Mode } from './layerJudge.js';

/** Returns the error of the next element relative to its bound, in [−1, 1]. */
export type Perturbation = () => number;

export const EXACT: Perturbation = () => 0;

export function perturb({ exact, bound, shape }: Verdict, off: Perturbation): Tensor {
  return { data: exact.map((value, i) => value + off() * bound[i]), shape };
}

export interface ChainRun {
  readonly logits: Tensor;
  readonly buffers: ReadonlyMap<string, Tensor>;
  readonly layers: readonly { readonly layer: Layer; readonly verdict: LayerVerdict }[];
  /** Computes the gradients of the parameters, by name. */
  backward(dlogits: Tensor): Map<string, Tensor>;
}

export function runChain(
  config: ModelConfig,
  state: StateDict,
  images: Tensor,
  mode: Mode,
  by: Arithmetic,
  off: Perturbation = EXACT,
): ChainRun {
  const buffers = new Map<string, Tensor>();
  let x = images;
  const layers = planNetwork(config, config.input_size).map((layer) => {
    const verdict = judgeLayer(layer, state, x, mode, by);
    for (const [name, buffer] of verdict.buffers) buffers.set(name, perturb(buffer, off));
    x = perturb(verdict.y, off);
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
          const value = perturb(grad, off);
          if (name === 'dx') dy = value;
          else grads.set(name, value);
        }
      }
      return grads;
    },
  };
}
