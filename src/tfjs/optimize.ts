import { layerId, layerRate, type OptimizerStep } from '../core/optimizer.js';
import { adam } from './adam.js';
import { lamb, lambDivisor } from './lamb.js';
import { sgd } from './sgd.js';
import type { Tf, TfTensor } from './tf.js';
import type { TfState } from './weights.js';

type Tensors = ReadonlyMap<string, TfTensor>;

/** What a step needs, by the names of the parameters. A moment that is missing is 0. */
export interface OptimizerInput {
  readonly state: Tensors;
  readonly grads: Tensors;
  readonly moments: Tensors;
  /** How many stages the network has. */
  readonly stages: number;
}

/**
 * The parameters and moments after one step. Must be called in a scope.
 *
 * @param t the step, counted from 1
 */
export function applyOptimizer(
  tf: Tf,
  { state, grads, moments, stages }: OptimizerInput,
  { kind, layerDecay, headLr, decayVectors, ...options }: Required<OptimizerStep>,
  t: number,
): { readonly params: TfState; readonly moments: TfState } {
  const divisor = kind === 'lamb' ? lambDivisor(tf, grads.values()) : null;
  const params: TfState = new Map();
  const after: TfState = new Map();
  for (const [name, before] of state) {
    const grad = grads.get(name);
    if (grad === undefined) continue;
    const step = {
      ...options,
      lr: layerRate({ lr: options.lr, headLr, layerDecay }, layerId(name, stages), stages),
      weightDecay: grad.rank > 1 || decayVectors ? options.weightDecay : 0,
    };
    const old = (moment: string): TfTensor => moments.get(`${moment}.${name}`) ?? tf.zeros(grad.shape);
    if (kind === 'sgd') {
      const { param, buffer } = sgd(tf, before, grad, old('momentum_buffer'), step);
      params.set(name, param);
      after.set(`momentum_buffer.${name}`, buffer);
      continue;
    }
    const both = { m: old('exp_avg'), v: old('exp_avg_sq') };
    const { param, m, v } =
      divisor !== null
        ? lamb(tf, before, grad, both, t, divisor, step)
        : adam(tf, before, grad, both, t, { ...step, decoupled: kind === 'adamw' });
    params.set(name, param);
    after.set(`exp_avg.${name}`, m).set(`exp_avg_sq.${name}`, v);
  }
  return { params, moments: after };
}
