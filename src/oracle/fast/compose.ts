/** The weights of the deploy form: `foldBatchNorm` and `compose` of reference/fuse.ts, in blocks. */
import { FusionError, type FusionReport } from '../../../reference/index.js';
import type { ModelConfig } from '../../core/config.js';
import { BATCH_NORM } from '../../core/network.js';
import { isCounter, parameterShapes } from '../../core/parameters.js';
import { formatShape, sizeOf, type FloatArray, type StateDict, type Tensor } from '../../core/tensor.js';
import type { Float64Kernels } from '../../wasm/float64/kernels.js';
import { matrix, scaleRows, type Matrix } from './matrix.js';
import { multiply, type Steps } from './multiply.js';

/** Returns a tensor of the state. @throws FusionError if it is absent or not finite, or a negative variance */
export function present(state: StateDict, name: string): FloatArray {
  const tensor = state.get(name);
  if (tensor === undefined) {
    const statistic = /running_(mean|var)$/.test(name);
    const hint = 'Pass the whole state of the train form, with its running statistics.';
    throw new FusionError('fuse', statistic ? `running statistics: ${name}` : `a tensor ${name}`, 'none', hint);
  }
  const values = tensor.data;
  const refuse = (expected: string, i: number): never => {
    throw new FusionError('fuse', expected, `${values[i]} at element ${i}`);
  };
  const isVariance = name.endsWith('running_var');
  // Loops, as they also take a detached array, whose length is 0: `checkTrainState` refuses it.
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) refuse(`finite values in ${name}`, i);
    if (isVariance && values[i] < 0) refuse(`${name} >= 0`, i);
  }
  return values;
}

/** Checks every tensor of the train form. @throws FusionError */
export function checkTrainState(state: StateDict, config: ModelConfig): void {
  for (const [name, shape] of parameterShapes(config)) {
    if (isCounter(name)) continue;
    const values = present(state, name);
    const got = state.get(name)?.shape ?? [];
    if (formatShape(got) !== formatShape(shape)) {
      throw new FusionError('fuse', `${name} ${formatShape(shape)}`, formatShape(got));
    }
    if (values.length !== sizeOf(shape)) {
      throw new FusionError('fuse', `${sizeOf(shape)} values in ${name}`, `${values.length}`);
    }
  }
}

type Scale = FusionReport['maxScale'];

/** An affine map: its rows, which are computed when they are read, and its bias. */
interface Affine {
  readonly weight: Matrix;
  readonly bias: FloatArray;
  /** Of the tensor. */
  readonly shape: readonly number[];
}

/** Computes the weights of the deploy form one after the other. */
class Composer {
  readonly fused = new Map<string, Tensor>();
  maxScale: Scale = { name: '', channel: -1, value: -Infinity };

  constructor(
    private readonly kernels: Float64Kernels,
    private readonly state: StateDict,
  ) {}

  #values(name: string): FloatArray {
    return this.#tensor(name).data;
  }

  #tensor(name: string): Tensor {
    const tensor = this.state.get(name);
    if (tensor === undefined) throw new FusionError('fuse', `a tensor ${name}`, 'none');
    return tensor;
  }

  /** A convolution as it is. */
  affine(name: string): Affine {
    const { data, shape } = this.#tensor(`${name}.weight`);
    return { weight: matrix(data, sizeOf(shape.slice(1))), bias: this.#values(`${name}.bias`), shape };
  }

  /** Folds a batch normalization: W' = t·W, b' = β + t·(b − μ), t = γ/√(σ² + ε). */
  fold({ weight, bias, shape }: Affine, norm: string): Affine {
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      this.#values(`${norm}.${part}`),
    );
    const t = Float64Array.from(gamma, (g, k) => g / Math.sqrt(variance[k] + BATCH_NORM.eps));
    t.forEach((scale, channel) => {
      const value = Math.abs(scale);
      if (value > this.maxScale.value) this.maxScale = { name: norm, channel, value };
    });
    return { weight: scaleRows(weight, t), bias: t.map((scale, k) => beta[k] + scale * (bias[k] - mean[k])), shape };
  }

  convNorm(conv: string, norm: string): Affine {
    return this.fold(this.affine(conv), norm);
  }

  /** W[o,c,i,j] = Σ_m W₂[o,m] · W₁[m,c,i,j], b[o] = b₂[o] + Σ_m W₂[o,m] · b₁[m] */
  *compose(name: string, first: Affine, second: Affine): Steps<void> {
    const { rows: k, columns: middle } = second.weight;
    const line = new Float64Array(middle);
    const bias = Float64Array.from({ length: k }, (_, out) => {
      second.weight.read(out, 0, middle, line);
      let sum = second.bias[out];
      for (let m = 0; m < middle; m++) sum += line[m] * first.bias[m];
      return sum;
    });
    const data = new Float64Array(k * first.weight.columns);
    yield* multiply(this.kernels, data, second.weight, first.weight);
    this.#put(name, data, [k, ...first.shape.slice(1)], bias);
  }

  activation(from: string, to: string): void {
    const { data, shape } = this.#tensor(`${from}.weight`);
    const [c] = shape;
    const unfolded = { weight: matrix(data, data.length / c), bias: new Float64Array(c), shape };
    const { weight, bias } = this.fold(unfolded, `${from}.bn`);
    const values = new Float64Array(data.length);
    for (let channel = 0; channel < c; channel++) {
      weight.read(channel, 0, weight.columns, values.subarray(channel * weight.columns));
    }
    this.#put(to, values, shape, bias);
  }

  #put(name: string, data: FloatArray, shape: readonly number[], bias: FloatArray): void {
    this.fused.set(`${name}.weight`, { data, shape });
    this.fused.set(`${name}.bias`, { data: bias, shape: [shape[0]] });
    // Products of finite weights can overflow float64.
    present(this.fused, `${name}.weight`);
    present(this.fused, `${name}.bias`);
  }
}

/** The number of products that `composeState` computes. */
export function composeProducts({ dims, in_chans, num_classes }: ModelConfig): number {
  const last = dims[dims.length - 1];
  const stages = dims.slice(1).map((k, i) => k * dims[i] * dims[i]);
  return [dims[0] * dims[0] * 16 * in_chans, ...stages, num_classes * num_classes * last].reduce((a, b) => a + b, 0);
}

/** The state of the deploy form, and the largest scale of a batch normalization. @param state checked */
export function* composeState(
  kernels: Float64Kernels,
  config: ModelConfig,
  state: StateDict,
): Steps<{ readonly fused: StateDict; readonly maxScale: Scale }> {
  const composer = new Composer(kernels, state);
  yield* composer.compose('stem.0', composer.convNorm('stem1.0', 'stem1.1'), composer.convNorm('stem2.0', 'stem2.1'));
  composer.activation('stem2.2', 'stem.1');
  for (let i = 0; i < config.strides.length; i++) {
    const name = `stages.${i}`;
    const first = composer.convNorm(`${name}.conv1.0`, `${name}.conv1.1`);
    yield* composer.compose(`${name}.conv`, first, composer.convNorm(`${name}.conv2.0`, `${name}.conv2.1`));
    composer.activation(`${name}.act`, `${name}.act`);
  }
  yield* composer.compose('cls.2', composer.convNorm('cls1.2', 'cls1.3'), composer.affine('cls2.0'));
  return { fused: composer.fused, maxScale: composer.maxScale };
}
