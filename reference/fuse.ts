/**
 * Re-parameterization: the deep network that was trained becomes the shallow one
 * that is shipped (arXiv 2305.12972, sec. 3.1). At λ = 1 everything between two
 * poolings is affine, and affine maps in a row are one.
 */
import type { Config } from './config.js';
import { FusionError, ParamError } from './errors.js';
import { float32Bound } from './float32Bound.js';
import type { State } from './layers.js';
import { requireInteger } from './require.js';
import { formatShape, maxAbs, tensor, valuesOf, zeros, zip, type Tensor } from './tensor.js';
import { forward } from './vanillaNet.js';

/** ε of every normalization in the network. */
const EPS = 1e-6;

/** A convolution (or a series activation, whose bias is 0 before fusion). */
interface Affine {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** The normalization's scale t = γ/√(σ² + ε), by channel. */
interface Scale {
  readonly name: string;
  readonly t: Tensor;
}

export interface FusionReport {
  /** max |fused − unfused| over the probe's logits, both in float64. */
  readonly maxDifference: number;
  /** max |logit| on the probe, to hold the differences against. */
  readonly maxLogit: number;
  /**
   * How far a float32 run of the fused network can be from these logits, known
   * beforehand: the largest over the probe (see float32Bound.ts). True at any depth,
   * but for deep networks larger than the logits.
   */
  readonly float32Bound: number;
  /** The same to first order and away from kinks: what to expect, at most, in practice. */
  readonly float32FirstOrder: number;
  /** The logits of each image that the bound was taken over: all of them, or its `boundedLogits` largest. */
  readonly boundedLogits: number;
  /** The largest |γ|/√(σ² + ε): how much a tiny running variance amplifies. */
  readonly maxScale: { readonly name: string; readonly channel: number; readonly value: number };
}

/** The probe's logits [n, num_classes], for whoever compares another run with them. */
export interface ProbeLogits {
  readonly unfused: Tensor;
  readonly fused: Tensor;
  /** float32's bound for each fused logit; NaN for those that were not bounded. */
  readonly bounds: Tensor;
  /** The same to first order. */
  readonly firstOrder: Tensor;
}

export interface FuseOptions {
  /** λ that the network was trained to. Fusion holds at 1 and nowhere else. */
  readonly lambda: number;
  /** Images [n, in_chans, h, w] on which fused and unfused are compared. */
  readonly probe: Tensor;
  /** Bound at most this many logits of each image: each costs a backward pass. Default 16. */
  readonly boundedLogits?: number;
}

/** Folds y = γ·(x − μ)/√(σ² + ε) + β into the convolution before it: W' = t·W, b' = β + t·(b − μ). */
function foldBatchNorm({ weight, bias }: Affine, state: State, name: string): Affine & Scale {
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
    present(state, `${name}.${part}`),
  );
  const [k, c, kh, kw] = weight.shape;
  for (const part of [gamma, beta, mean, variance]) {
    if (part.shape.join() !== `${k}`) {
      throw new FusionError('fuse', `${name} of ${k} channels`, `one of ${formatShape(part.shape)}`);
    }
  }
  const t = zip(gamma, variance, (g, v) => g / Math.sqrt(v + EPS));
  const [w, b] = [zeros(weight.shape), zeros([k])];
  for (let out = 0; out < k; out++) {
    b.set(out, beta.get(out) + t.get(out) * (bias.get(out) - mean.get(out)));
    for (let inner = 0; inner < c; inner++) {
      for (let i = 0; i < kh; i++) {
        for (let j = 0; j < kw; j++) w.set(out, inner, i, j, t.get(out) * weight.get(out, inner, i, j));
      }
    }
  }
  return { weight: w, bias: b, name, t };
}

/**
 * A convolution followed by a 1x1 convolution is one convolution:
 *
 *     W[o,c,i,j] = Σ_m W₂[o,m] · W₁[m,c,i,j]        b[o] = b₂[o] + Σ_m W₂[o,m] · b₁[m]
 *
 * exact for any kernel, stride and padding of the first, because a 1x1 kernel
 * never looks at a neighbor.
 */
function compose(first: Affine, second: Affine): Affine {
  const [middle, c, kh, kw] = first.weight.shape;
  const k = second.weight.shape[0];
  const [weight, bias] = [zeros([k, c, kh, kw]), zeros([k])];
  for (let out = 0; out < k; out++) {
    let sum = second.bias.get(out);
    for (let m = 0; m < middle; m++) sum += second.weight.get(out, m, 0, 0) * first.bias.get(m);
    bias.set(out, sum);
    for (let m = 0; m < middle; m++) {
      const factor = second.weight.get(out, m, 0, 0);
      for (let inner = 0; inner < c; inner++) {
        for (let i = 0; i < kh; i++) {
          for (let j = 0; j < kw; j++) {
            weight.set(out, inner, i, j, weight.get(out, inner, i, j) + factor * first.weight.get(m, inner, i, j));
          }
        }
      }
    }
  }
  return { weight, bias };
}

/** The tensor of this name, finite, and a variance not negative. @throws FusionError */
function present(state: State, name: string): Tensor {
  const found = state.get(name);
  if (found === undefined) {
    const statistic = /running_(mean|var)$/.test(name);
    throw new FusionError('fuse', statistic ? `running statistics: ${name}` : `a tensor ${name}`, 'none');
  }
  const values = valuesOf(found);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw new FusionError('fuse', `finite values in ${name}`, `${values[bad]} at element ${bad}`);
  if (name.endsWith('running_var')) {
    const negative = values.findIndex((v) => v < 0);
    if (negative >= 0) throw new FusionError('fuse', `${name} >= 0`, `${values[negative]} at element ${negative}`);
  }
  return found;
}

function affine(state: State, name: string): Affine {
  const weight = present(state, `${name}.weight`);
  const bias = present(state, `${name}.bias`);
  if (weight.shape.length !== 4 || bias.shape.length !== 1 || bias.shape[0] !== weight.shape[0]) {
    const got = `${formatShape(weight.shape)} and ${formatShape(bias.shape)}`;
    throw new FusionError('fuse', `${name} a convolution [k,c,kh,kw] with bias [k]`, got);
  }
  return { weight, bias };
}

/** The series activation has no bias of its own: b = 0. */
function foldActivation(state: State, name: string): Affine & Scale {
  const weight = present(state, `${name}.weight`);
  return foldBatchNorm({ weight, bias: zeros([weight.shape[0]]) }, state, `${name}.bn`);
}

/**
 * The deploy form of a trained network.
 *
 *     stem:   conv 4x4 · BN · conv 1x1 · BN  →  conv 4x4         activations:  depthwise · BN  →  depthwise + bias
 *     stage:  conv 1x1 · BN · conv 1x1 · BN  →  conv 1x1         head:         conv 1x1 · BN · conv 1x1  →  conv 1x1
 *
 * @param config of the train form
 * @param state train form, PyTorch's names; `num_batches_tracked` may be missing
 * @returns the deploy form's configuration and state, PyTorch's names; what the fusion measured, and on what
 * @throws FusionError where λ ≠ 1, a tensor or running statistic is missing, or a weight is not finite
 */
export function fuse(
  config: Config,
  state: State,
  { lambda, probe, boundedLogits = 16 }: FuseOptions,
): { config: Config; state: State; report: FusionReport; logits: ProbeLogits } {
  if (config.form !== 'train') throw new FusionError('fuse', 'the train form', `the ${config.form} form`);
  if (lambda !== 1) {
    throw new FusionError(
      'fuse',
      'lambda = 1: below it an activation stands between the convolutions',
      `lambda = ${lambda}`,
    );
  }

  requireInteger('fuse', 'boundedLogits', boundedLogits, 1);
  if (valuesOf(probe).some((v) => !Number.isFinite(v))) {
    throw new ParamError('fuse', 'a probe of finite pixels', 'one with others');
  }

  const scales: Scale[] = [];
  const folded = <T extends Affine & Scale>(part: T): T => {
    scales.push(part);
    return part;
  };
  const fused = new Map<string, Tensor>();
  const put = (name: string, { weight, bias }: Affine): void => {
    fused.set(`${name}.weight`, weight);
    fused.set(`${name}.bias`, bias);
  };
  const convNorm = (conv: string, norm: string): Affine => folded(foldBatchNorm(affine(state, conv), state, norm));

  put('stem.0', compose(convNorm('stem1.0', 'stem1.1'), convNorm('stem2.0', 'stem2.1')));
  put('stem.1', folded(foldActivation(state, 'stem2.2')));
  config.strides.forEach((_, i) => {
    const name = `stages.${i}`;
    const first = convNorm(`${name}.conv1.0`, `${name}.conv1.1`);
    put(`${name}.conv`, compose(first, convNorm(`${name}.conv2.0`, `${name}.conv2.1`)));
    put(`${name}.act`, folded(foldActivation(state, `${name}.act`)));
  });
  put('cls.2', compose(convNorm('cls1.2', 'cls1.3'), affine(state, 'cls2.0')));
  // Finite weights can still multiply to more than float64 holds.
  for (const name of fused.keys()) present(fused, name);

  const deploy: Config = { ...config, form: 'deploy' };
  const unfusedLogits = forward(config, state, probe, { training: false, lambda }).logits;
  const bound = float32Bound(deploy, fused, probe, boundedLogits);
  return {
    config: deploy,
    state: fused,
    report: {
      maxDifference: maxAbs(zip(bound.logits, unfusedLogits, (a, b) => a - b)),
      maxLogit: maxAbs(unfusedLogits),
      float32Bound: bound.bound,
      float32FirstOrder: valuesOf(bound.firstOrder).reduce((most, v) => (v > most ? v : most), 0),
      boundedLogits: Math.min(boundedLogits, config.num_classes),
      maxScale: largest(scales),
    },
    logits: { unfused: unfusedLogits, fused: bound.logits, bounds: bound.bounds, firstOrder: bound.firstOrder },
  };
}

function largest(scales: readonly Scale[]): FusionReport['maxScale'] {
  let best = { name: '', channel: -1, value: -Infinity };
  for (const { name, t } of scales) {
    valuesOf(t).forEach((scale, channel) => {
      if (Math.abs(scale) > best.value) best = { name, channel, value: Math.abs(scale) };
    });
  }
  return best;
}

/** Rounds a state to float32, as a float32 engine will hold it. */
export const toFloat32 = (state: State): State =>
  new Map([...state].map(([name, x]) => [name, tensor(Float32Array.from(valuesOf(x)), x.shape)]));
