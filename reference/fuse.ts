/**
 * Fusion (re-parameterization) turns the deep network of training into the shallow network of deployment
 * (arXiv 2305.12972, sec. 3.1). At λ = 1 the convolutions and batch normalizations between two activations are
 * affine maps, and a sequence of affine maps is one affine map.
 */
import { BATCH_NORM_EPS } from './batchNorm.js';
import { checkConfig, type Config } from './config.js';
import { FusionError, ParamError } from './errors.js';
import { float32Bound } from './float32Bound.js';
import type { State } from './layers.js';
import { requireInteger, requireOptions, requireState, show } from './require.js';
import { formatShape, maxAbs, tensor, valuesOf, zeros, zip, type Tensor } from './tensor.js';
import { forward } from './vanillaNet.js';

/** Weight and bias of a convolution, or of a series activation. */
interface Affine {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** The scale t = γ/√(σ² + ε) of each channel of a batch normalization. */
interface Scale {
  readonly name: string;
  readonly t: Tensor;
}

export interface FusionReport {
  /** max |fused − unfused| over the logits of the probe, both in float64. */
  readonly maxDifference: number;
  /** max |unfused| over the logits of the probe: the scale for `maxDifference`. */
  readonly maxLogit: number;
  /**
   * The largest bound, over the probe, on the difference between the logits of a float32 run of the fused network
   * and the fused logits (float32Bound.ts). For deep networks it is larger than the logits.
   */
  readonly float32Bound: number;
  /** The same to first order and away from kinks: in practice, the difference stays below this. */
  readonly float32FirstOrder: number;
  /** The number of logits of each image that were bounded: the largest ones. */
  readonly boundedLogits: number;
  /** The largest |γ|/√(σ² + ε): large if a running variance is tiny. */
  readonly maxScale: { readonly name: string; readonly channel: number; readonly value: number };
}

/** The logits of the probe [n, num_classes], to compare another run with. */
export interface ProbeLogits {
  readonly unfused: Tensor;
  readonly fused: Tensor;
  /** The float32 bound for each fused logit; NaN for logits without a bound. */
  readonly bounds: Tensor;
  /** The same to first order. */
  readonly firstOrder: Tensor;
}

export interface FuseOptions {
  /** λ at the end of the training. Fusion is exact at 1 only. */
  readonly lambda: number;
  /** Images [n, in_chans, h, w] on which fused and unfused are compared. */
  readonly probe: Tensor;
  /** The number of logits to bound for each image; each costs a backward pass. Default 16. */
  readonly boundedLogits?: number;
}

/**
 * Folds the batch normalization y = γ·(x − μ)/√(σ² + ε) + β into the convolution before it:
 *
 *     W' = t·W        b' = β + t·(b − μ)        t = γ/√(σ² + ε)
 */
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
  const t = zip(gamma, variance, (g, v) => g / Math.sqrt(v + BATCH_NORM_EPS));
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
 * Merges a convolution and the 1x1 convolution after it into one convolution:
 *
 *     W[o,c,i,j] = Σ_m W₂[o,m] · W₁[m,c,i,j]        b[o] = b₂[o] + Σ_m W₂[o,m] · b₁[m]
 *
 * This holds for any kernel, stride and padding of the first, because a 1x1 kernel does not mix pixels.
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

/** Returns a tensor of the state. @throws FusionError if it is absent or not finite, or a negative variance */
function present(state: State, name: string): Tensor {
  const value = state.get(name);
  if (value === undefined) {
    const statistic = /running_(mean|var)$/.test(name);
    const hint = 'Pass the whole state of the train form, with its running statistics.';
    throw new FusionError('fuse', statistic ? `running statistics: ${name}` : `a tensor ${name}`, 'none', hint);
  }
  const values = valuesOf(value);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw new FusionError('fuse', `finite values in ${name}`, `${values[bad]} at element ${bad}`);
  if (name.endsWith('running_var')) {
    const negative = values.findIndex((v) => v < 0);
    if (negative >= 0) throw new FusionError('fuse', `${name} >= 0`, `${values[negative]} at element ${negative}`);
  }
  return value;
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

/** Folds the batch normalization of a series activation, which has no bias before that. */
function foldActivation(state: State, name: string): Affine & Scale {
  const weight = present(state, `${name}.weight`);
  return foldBatchNorm({ weight, bias: zeros([weight.shape[0]]) }, state, `${name}.bn`);
}

/**
 * Computes the deploy form of a trained network.
 *
 *     stem:   conv 4x4 · BN · conv 1x1 · BN  →  conv 4x4         activations:  depthwise · BN  →  depthwise + bias
 *     stage:  conv 1x1 · BN · conv 1x1 · BN  →  conv 1x1         head:         conv 1x1 · BN · conv 1x1  →  conv 1x1
 *
 * @param config of the train form
 * @param state train form, PyTorch's names; `num_batches_tracked` may be missing
 * @returns configuration and state of the deploy form (new tensors), a report, and the logits of the probe
 * @throws FusionError if λ ≠ 1, a tensor or running statistic is absent, or a weight is not finite
 * @throws ParamError, ShapeError
 */
export function fuse(
  config: Config,
  state: State,
  options: FuseOptions,
): { config: Config; state: State; report: FusionReport; logits: ProbeLogits } {
  const {
    lambda,
    probe,
    boundedLogits = 16,
  } = requireOptions('fuse', 'options', options, ['lambda', 'probe', 'boundedLogits']);
  checkConfig(config);
  requireState('fuse', 'state', state);
  if (config.form !== 'train') {
    throw new FusionError('fuse', 'the train form', `the ${config.form} form`, 'It is fused already: use it as it is.');
  }
  if (lambda !== 1) {
    throw new FusionError(
      'fuse',
      'lambda = 1',
      `lambda = ${show(lambda)}`,
      'Train until λ = 1: below it, an activation separates the convolutions.',
    );
  }

  requireInteger('fuse', 'boundedLogits', boundedLogits, 1);
  if (valuesOf(probe).some((v) => !Number.isFinite(v))) {
    throw new ParamError('fuse', 'a probe of finite pixels', 'a probe with NaN or infinite pixels');
  }

  const scales: Scale[] = [];
  const recordScale = <T extends Affine & Scale>(part: T): T => {
    scales.push(part);
    return part;
  };
  const fused = new Map<string, Tensor>();
  const put = (name: string, { weight, bias }: Affine): void => {
    fused.set(`${name}.weight`, weight);
    fused.set(`${name}.bias`, bias);
  };
  const convNorm = (conv: string, norm: string): Affine => recordScale(foldBatchNorm(affine(state, conv), state, norm));

  put('stem.0', compose(convNorm('stem1.0', 'stem1.1'), convNorm('stem2.0', 'stem2.1')));
  put('stem.1', recordScale(foldActivation(state, 'stem2.2')));
  config.strides.forEach((_, i) => {
    const name = `stages.${i}`;
    const first = convNorm(`${name}.conv1.0`, `${name}.conv1.1`);
    put(`${name}.conv`, compose(first, convNorm(`${name}.conv2.0`, `${name}.conv2.1`)));
    put(`${name}.act`, recordScale(foldActivation(state, `${name}.act`)));
  });
  put('cls.2', compose(convNorm('cls1.2', 'cls1.3'), affine(state, 'cls2.0')));
  // Products of finite weights can overflow float64.
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

/** Rounds every value of a state to float32, as a float32 engine does. */
export const toFloat32 = (state: State): State =>
  new Map(
    [...requireState('toFloat32', 'state', state)].map(([name, x]) => [
      name,
      tensor(Float32Array.from(valuesOf(x)), x.shape),
    ]),
  );
