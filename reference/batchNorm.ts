import { ParamError, ShapeError } from './errors.js';
import {
  requireBoolean,
  requireOneOf,
  requireOptions,
  requirePositive,
  requireRange,
  requireShape,
} from './require.js';
import { formatShape, valuesOf, zeros, type Tensor } from './tensor.js';

/** ε of every batch normalization in VanillaNet. */
export const BATCH_NORM_EPS = 1e-6;

export interface BatchNormParameters {
  /** γ [c] */
  readonly weight: Tensor;
  /** β [c] */
  readonly bias: Tensor;
  /** [c] */
  readonly runningMean: Tensor;
  /** [c], not negative */
  readonly runningVar: Tensor;
}

export interface BatchNormOptions {
  /** Normalize by the statistics of the batch (training) or by the running statistics (eval). */
  readonly training: boolean;
  /** Weight of the batch in the running statistics: new = (1 − momentum)·old + momentum·batch. Default 0.1. */
  readonly momentum?: number;
  /** ε, added to the variance. Default 1e-6, as in VanillaNet. */
  readonly eps?: number;
  /** The variance that updates `runningVar`: the batch's times m/(m − 1) (PyTorch, default) or the batch's (Paddle). */
  readonly runningVar?: 'unbiased' | 'biased';
}

/** What forward saves for backward. */
export interface BatchNormSaved {
  /** x̂, the normalized input [n,c,h,w] */
  readonly normalized: Tensor;
  /** 1/√(σ² + ε) of each channel [c] */
  readonly invStd: Tensor;
  readonly training: boolean;
}

export interface BatchNormResult {
  readonly y: Tensor;
  readonly saved: BatchNormSaved;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
}

/** Calls `visit` for every position of a channel, in every image. */
function eachOf([n, , h, w]: readonly number[], visit: (image: number, row: number, column: number) => void): void {
  for (let image = 0; image < n; image++) {
    for (let row = 0; row < h; row++) for (let column = 0; column < w; column++) visit(image, row, column);
  }
}

/**
 * Batch normalization (Ioffe & Szegedy, arXiv 1502.03167) of each channel over its m = n·h·w values in the batch:
 *
 *     x̂ = (x − μ) / √(σ² + ε)        y = γ·x̂ + β
 *
 * In training, μ and σ² = Σ(x − μ)²/m are those of the batch, and the running statistics move
 * towards them. In evaluation, μ and σ² are the running statistics.
 *
 * @param x [n,c,h,w]
 * @returns y [n,c,h,w], what backward needs, and the running statistics after this batch (new tensors)
 * @throws ShapeError, also if a channel has a single value in training, because it has no variance
 * @throws ParamError
 */
export function batchNorm(x: Tensor, parameters: BatchNormParameters, options: BatchNormOptions): BatchNormResult {
  const { weight, bias, runningMean, runningVar } = requireOptions('batchNorm', 'parameters', parameters);
  const {
    training,
    momentum = 0.1,
    eps = BATCH_NORM_EPS,
    runningVar: kind = 'unbiased',
  } = requireOptions('batchNorm', 'options', options, ['training', 'momentum', 'eps', 'runningVar']);
  requireShape('batchNorm', 'x', x, ['n', 'c', 'h', 'w']);
  const [n, c, h, w] = x.shape;
  requireShape('batchNorm', 'weight', weight, [c]);
  requireShape('batchNorm', 'bias', bias, [c]);
  requireShape('batchNorm', 'running_mean', runningMean, [c]);
  requireShape('batchNorm', 'running_var', runningVar, [c]);
  requireRange('batchNorm', 'momentum', momentum, 0, 1);
  requirePositive('batchNorm', 'eps', eps);
  requireBoolean('batchNorm', 'training', training);
  requireOneOf('batchNorm', 'runningVar', kind, ['unbiased', 'biased']);
  const negative = valuesOf(runningVar).find((v) => v < 0);
  if (negative !== undefined) throw new ParamError('batchNorm', 'running_var >= 0', `${negative}`);
  const count = n * h * w;
  if (training && count === 1) {
    throw new ShapeError(
      'batchNorm',
      'more than one value per channel in training',
      `x ${formatShape(x.shape)}`,
      'Train with more images in a batch, or with larger images.',
    );
  }

  const y = zeros(x.shape);
  const normalized = zeros(x.shape);
  const invStd = zeros([c]);
  const [newMean, newVar] = [zeros([c]), zeros([c])];
  for (let channel = 0; channel < c; channel++) {
    let mean = runningMean.get(channel);
    let variance = runningVar.get(channel);
    newMean.set(channel, mean);
    newVar.set(channel, variance);
    if (training) {
      let sum = 0;
      eachOf(x.shape, (image, row, column) => (sum += x.get(image, channel, row, column)));
      mean = sum / count;
      let squares = 0;
      eachOf(x.shape, (image, row, column) => (squares += (x.get(image, channel, row, column) - mean) ** 2));
      variance = squares / count;
      const recorded = kind === 'unbiased' ? squares / (count - 1) : variance;
      newMean.set(channel, (1 - momentum) * runningMean.get(channel) + momentum * mean);
      newVar.set(channel, (1 - momentum) * runningVar.get(channel) + momentum * recorded);
    }
    const scale = 1 / Math.sqrt(variance + eps);
    invStd.set(channel, scale);
    const [gamma, beta] = [weight.get(channel), bias.get(channel)];
    eachOf(x.shape, (image, row, column) => {
      const hat = (x.get(image, channel, row, column) - mean) * scale;
      normalized.set(image, channel, row, column, hat);
      y.set(image, channel, row, column, gamma * hat + beta);
    });
  }
  return { y, saved: { normalized, invStd, training }, runningMean: newMean, runningVar: newVar };
}

/**
 *     dβ = Σ dy        dγ = Σ dy·x̂
 *     dx = γ/√(σ² + ε) · (dy − dβ/m − x̂·dγ/m)      in training, because μ and σ² depend on x
 *     dx = γ/√(σ² + ε) · dy                        in evaluation, where they are constants
 *
 * The sums run over the m = n·h·w values of a channel. README.md derives dx.
 *
 * @param dy [n,c,h,w]
 * @param weight γ [c]
 * @returns dx [n,c,h,w], dw = dγ [c], db = dβ [c]
 */
export function batchNormBackward(
  dy: Tensor,
  weight: Tensor,
  saved: BatchNormSaved,
): { dx: Tensor; dw: Tensor; db: Tensor } {
  const { normalized, invStd, training } = requireOptions('batchNormBackward', 'saved', saved);
  requireShape('batchNormBackward', 'normalized', normalized, ['n', 'c', 'h', 'w']);
  requireShape('batchNormBackward', 'dy', dy, normalized.shape);
  const [n, c, h, w] = dy.shape;
  requireShape('batchNormBackward', 'weight', weight, [c]);
  requireShape('batchNormBackward', 'invStd', invStd, [c]);
  const count = n * h * w;

  const [dx, dw, db] = [zeros(dy.shape), zeros([c]), zeros([c])];
  for (let channel = 0; channel < c; channel++) {
    let [dBeta, dGamma] = [0, 0];
    eachOf(dy.shape, (image, row, column) => {
      const g = dy.get(image, channel, row, column);
      dBeta += g;
      dGamma += g * normalized.get(image, channel, row, column);
    });
    db.set(channel, dBeta);
    dw.set(channel, dGamma);
    const scale = weight.get(channel) * invStd.get(channel);
    eachOf(dy.shape, (image, row, column) => {
      const g = dy.get(image, channel, row, column);
      const hat = normalized.get(image, channel, row, column);
      const viaStatistics = training ? (dBeta + hat * dGamma) / count : 0;
      dx.set(image, channel, row, column, scale * (g - viaStatistics));
    });
  }
  return { dx, dw, db };
}
