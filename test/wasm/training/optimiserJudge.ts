/**
 * Holds a step of an optimiser against the float64 oracle, on the float32 numbers that it
 * was given. With u = 2⁻²⁴ and γ_k = k·u/(1 − k·u), where every constant is rounded once
 * before it is used, and magnitudes in |·|:
 *
 *   g    a product and a sum: γ₃·(|grad| + wd·|p|) = e_g; divided by LAMB's divisor, γ₂·|g|
 *   m    b = β₁|m| + (1 − β₁)|g|, three roundings: γ₃·b + (1 − β₁)·e_g
 *   v    likewise, with g² off by 2|g|e_g + e_g²
 *   s    √(v/c₂) + eps: a root is off by min(e/√a, √e) where a is by e; two more roundings
 *   d    m/c₁/s: (e_m/c₁ + γ₃·|m/c₁|)/s′ + |d|·e_s/s′, s′ = max(s − e_s, eps/2) the least that s is
 *   u    LAMB's: d + wd·p, two products and a sum
 *   r    LAMB's: ‖u‖ is off by ‖e_u‖ at most; both norms are sums of float64
 *   p    p − lr·d: lr·e_d + γ₃·lr·|d|, and the sum's rounding; AdamW shrinks p by what is rounded four times
 *
 * Magnitudes of what is computed are taken a little larger (2⁻¹⁰) than the exact ones.
 */
import { adam, lamb, lambDivisor, layerScale, sgd, tensor, valuesOf } from '../../../reference/index.js';
import { resolveStep, type OptimiserStep } from '../../../src/core/optimiser.js';
import type { Tensor } from '../../../src/core/tensor.js';
import { tensorsAt } from '../../../src/wasm/training/tensors.js';
import { draw, uniform } from '../draw.js';
import { misfit } from '../judge.js';
import { Chain, type NETWORKS } from './chain.js';

const U = 2 ** -24;
const gamma = (k: number): number => ((k * U) / (1 - k * U)) * (1 + 2 ** -10);

/** A parameter before a step, with all that the step looks at. */
export interface Before {
  readonly p: Tensor;
  readonly g: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
}

export interface After {
  readonly exact: Float64Array;
  readonly bound: Float64Array;
}

const toOracle = ({ data, shape }: Tensor) => tensor(data, shape);
const norm = (x: Float64Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

/** By the name of what is stored: the parameter, and its moments or its buffer. */
export function judgeStep(
  before: Before,
  step: Required<OptimiserStep>,
  count: number,
  divisor: number,
): Map<string, After> {
  const [p, g, m, v] = [before.p, before.g, before.m, before.v].map(toOracle);
  const { kind, lr, weightDecay: wd, eps, momentum, nesterov } = step;
  const [beta1, beta2] = step.betas;
  const size = before.p.data.length;
  const of = (bound: (i: number) => number): Float64Array => Float64Array.from({ length: size }, (_, i) => bound(i));
  const abs = (t: Tensor): Float64Array => of((i) => Math.abs(t.data[i]));
  const [ap, ag, am, av] = [before.p, before.g, before.m, before.v].map(abs);
  const coupled = kind === 'adam' || kind === 'sgd' ? wd : 0;
  const grad = of((i) => ag[i] / divisor + coupled * ap[i]);
  const offGrad = grad.map((x) => gamma(3) * x);

  if (kind === 'sgd') {
    const exact = sgd(p, g, m, { lr, momentum, nesterov, weightDecay: wd });
    const buffer = of((i) => momentum * am[i] + grad[i]);
    const offBuffer = of((i) => gamma(3) * buffer[i] + offGrad[i]);
    const move = of((i) => (nesterov ? grad[i] + momentum * buffer[i] : buffer[i]));
    const offMove = of((i) => (nesterov ? offGrad[i] + momentum * offBuffer[i] + gamma(3) * move[i] : offBuffer[i]));
    const bound = of((i) => lr * offMove[i] + gamma(4) * lr * move[i] + U * (1 + 2 ** -10) * ap[i]);
    return new Map([
      ['param', { exact: valuesOf(exact.param), bound }],
      ['momentum_buffer', { exact: valuesOf(exact.buffer), bound: offBuffer }],
    ]);
  }

  const options = { lr, betas: step.betas, eps, weightDecay: wd };
  const exact =
    kind === 'lamb'
      ? lamb(p, g, { m, v }, count, divisor, options)
      : adam(p, g, { m, v }, count, { ...options, decoupled: kind === 'adamw' });
  const [newM, newV] = [valuesOf(exact.m), valuesOf(exact.v)];
  const offM = of((i) => gamma(3) * (beta1 * am[i] + (1 - beta1) * grad[i]) + (1 - beta1) * offGrad[i]);
  const offV = of(
    (i) =>
      gamma(4) * (beta2 * av[i] + (1 - beta2) * grad[i] ** 2) +
      (1 - beta2) * (2 * grad[i] * offGrad[i] + offGrad[i] ** 2),
  );
  const [c1, c2] = [1 - beta1 ** count, 1 - beta2 ** count];
  const d = of((i) => newM[i] / c1 / (Math.sqrt(newV[i] / c2) + eps));
  const offD = of((i) => {
    const corrected = newV[i] / c2;
    const off = offV[i] / c2 + gamma(2) * (corrected + offV[i] / c2);
    const root = off === 0 ? 0 : Math.min(corrected > 0 ? off / Math.sqrt(corrected) : Infinity, Math.sqrt(off));
    const s = Math.sqrt(corrected) + eps;
    const offS = root + gamma(3) * (s + root);
    const least = Math.max(s - offS, eps / 2);
    return (offM[i] / c1 + (gamma(3) * (Math.abs(newM[i]) + offM[i])) / c1 + Math.abs(d[i]) * offS) / least;
  });
  let bound: Float64Array;
  if (kind === 'lamb') {
    const update = of((i) => d[i] + wd * before.p.data[i]);
    const offU = of((i) => offD[i] + gamma(3) * (Math.abs(d[i]) + offD[i] + wd * ap[i]));
    const [ofParam, ofUpdate] = [norm(ap), norm(update)];
    const scaled = wd !== 0 && ofParam > 0 && ofUpdate > 0;
    const ratio = scaled ? ofParam / ofUpdate : 1;
    const off = scaled ? norm(offU) / (ofUpdate - norm(offU)) : 0;
    bound = of((i) => {
      const most = Math.abs(update[i]) + offU[i];
      return lr * ratio * (offU[i] + (off + gamma(4)) * (1 + off) * most) + U * (1 + 2 ** -10) * ap[i];
    });
  } else {
    const shrunk = kind === 'adamw' ? gamma(4) : U;
    bound = of((i) => lr * offD[i] + gamma(4) * lr * (Math.abs(d[i]) + offD[i]) + shrunk * (1 + 2 ** -10) * ap[i]);
  }
  return new Map([
    ['param', { exact: valuesOf(exact.param), bound }],
    ['exp_avg', { exact: newM, bound: offM }],
    ['exp_avg_sq', { exact: newV, bound: offV }],
  ]);
}

/** A step as a parameter of this name and shape has it. */
export const stepOf = (
  name: string,
  shape: readonly number[],
  step: Required<OptimiserStep>,
  stages: number,
): Required<OptimiserStep> => ({
  ...step,
  lr: step.lr * layerScale(name, stages, step.layerDecay),
  weightDecay: shape.length > 1 || step.decayVectors ? step.weightDecay : 0,
});

/**
 * What is wrong with a step on drawn gradients and moments, or null.
 *
 * @param count steps, with this one
 * @param size of the gradients
 */
export async function optimiserMisfit(
  wasm: Uint8Array,
  network: (typeof NETWORKS)[number],
  given: OptimiserStep,
  count: number,
  size = 0.3,
): Promise<string | null> {
  const chain = await Chain.open(wasm, network.sizes, network.n, { form: network.form });
  const { tensors, blocks, optimisers } = chain.layout;
  const step = resolveStep(given);
  const [grads, ms, vs] = [blocks.grad, blocks.m, blocks.v].map((base) => tensorsAt(tensors, base));
  const random = uniform(31);
  const drawn = (scale: number, positive: boolean) =>
    new Map(
      [...grads].map(([name, { shape }], k) => {
        const { data } = draw(shape, random);
        // Some gradients vanish, and with them, in the beginning, moments.
        const values = data.map((x, i) => ((i + k) % 7 === 0 ? 0 : scale * (positive ? x * x : x)));
        return [name, { shape, data: values }] as const;
      }),
    );
  const [g, m, v] = [drawn(size, false), drawn(count === 1 ? 0 : 0.1, false), drawn(count === 1 ? 0 : 0.01, true)];
  chain.load(grads, g);
  chain.load(ms, m);
  chain.load(vs, v);
  // A tensor without a length: LAMB's ratio is 1.
  const p = new Map(chain.readAll(tensorsAt(tensors, blocks.state)));
  const empty = 'stages.0.act.weight';
  const zero = p.get(empty)?.shape ?? [];
  p.set(empty, { shape: zero, data: new Float32Array(p.get(empty)?.data.length ?? 0) });
  chain.load(tensorsAt(tensors, blocks.state), p);

  const stages = chain.config.strides.length;
  optimisers.set(chain.view, step, count, stages);
  chain.run(optimisers.spans[step.kind === 'adamw' ? 'adam' : step.kind]);

  const after = {
    param: chain.readAll(tensorsAt(tensors, blocks.state)),
    exp_avg: chain.readAll(ms),
    exp_avg_sq: chain.readAll(vs),
    momentum_buffer: chain.readAll(ms),
  };
  const divisor = step.kind === 'lamb' ? lambDivisor([...g.values()].map(toOracle)) : 1;
  for (const [name, parameter] of p) {
    const [grad, first, second] = [g.get(name), m.get(name), v.get(name)];
    if (grad === undefined || first === undefined || second === undefined) return `${name}: not drawn`;
    const own = stepOf(name, grad.shape, step, stages);
    const verdicts = judgeStep({ p: parameter, g: grad, m: first, v: second }, own, count, divisor);
    for (const [what, { exact, bound }] of verdicts) {
      const got = after[what as keyof typeof after].get(name)?.data ?? new Float32Array(0);
      const wrong = misfit(got, { shape: grad.shape, exact, bound }, true);
      if (wrong !== null) return `${name}, ${what}: ${wrong}`;
    }
  }
  return null;
}

/** Every kind, with all that it offers; in the first step, and later. */
export const STEPS: readonly (readonly [label: string, step: OptimiserStep, count: number, size?: number])[] = [
  ['Adam', { kind: 'adam', lr: 1e-2, weightDecay: 0.02 }, 1],
  ['Adam, later, weights decay alone', { kind: 'adam', lr: 1e-2, weightDecay: 0.02, decayVectors: false }, 7],
  ['AdamW with layer decay', { kind: 'adamw', lr: 1e-2, weightDecay: 0.3, layerDecay: 0.8, eps: 1e-6 }, 5],
  ['SGD', { kind: 'sgd', lr: 1e-1, weightDecay: 0.02 }, 1],
  ['SGD with momentum', { kind: 'sgd', lr: 1e-1, momentum: 0.9, weightDecay: 0.02 }, 3],
  ['SGD by Nesterov, layer decay', { kind: 'sgd', lr: 1e-1, momentum: 0.9, nesterov: true, layerDecay: 0.7 }, 3],
  ['LAMB', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3 }, 1],
  ['LAMB, later, with layer decay', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3, layerDecay: 0.8 }, 9],
  ['LAMB, everything decays', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3, decayVectors: true, eps: 1e-6 }, 9],
  ['LAMB, gradients not to be clipped', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3 }, 9, 1e-4],
  ['LAMB without decay', { kind: 'lamb', lr: 5e-3 }, 4],
];
