import { BATCH_NORM } from '../core/network.js';
import { varianceCorrection, type RunningVar } from '../core/trainingRules.js';
import type { Maps, Tf, Vector } from './tf.js';

const { eps: EPS, momentum: MOMENTUM } = BATCH_NORM;

export interface BatchNormParameters {
  /** γ [c] */
  readonly weight: Vector;
  /** β [c] */
  readonly bias: Vector;
  readonly runningMean: Vector;
  readonly runningVar: Vector;
}

/** Values of the forward pass that the backward pass needs. */
export interface BatchNormSaved {
  /** x̂ [n,h,w,c] */
  readonly normalized: Maps;
  /** 1/√(σ² + ε) [c] */
  readonly invStd: Vector;
}

const invStdOf = (tf: Tf, variance: Vector): Vector => tf.div(1, tf.sqrt(tf.add(variance, EPS)));

/** y = γ·(x − μ)/√(σ² + ε) + β with the running statistics. */
export function batchNormEval(tf: Tf, x: Maps, { weight, bias, runningMean, runningVar }: BatchNormParameters): Maps {
  return tf.add(tf.mul(tf.sub(x, runningMean), tf.mul(weight, invStdOf(tf, runningVar))), bias);
}

/**
 * y = γ·x̂ + β with x̂ = (x − μ)/√(σ² + ε), where μ and σ² are those of the batch: of each channel over its m = n·h·w
 * values. Updates the running statistics with μ and with the unbiased variance σ²·m/(m − 1), or with σ².
 */
export function batchNorm(
  tf: Tf,
  x: Maps,
  { weight, bias, runningMean, runningVar }: BatchNormParameters,
  kind: RunningVar,
): { y: Maps; saved: BatchNormSaved; runningMean: Vector; runningVar: Vector } {
  const count = x.shape[0] * x.shape[1] * x.shape[2];
  const mean: Vector = tf.mean(x, [0, 1, 2]);
  const centered: Maps = tf.sub(x, mean);
  const variance: Vector = tf.mean(tf.square(centered), [0, 1, 2]);
  const invStd = invStdOf(tf, variance);
  const normalized: Maps = tf.mul(centered, invStd);
  const update = (old: Vector, share: number, batch: Vector): Vector =>
    tf.add(tf.mul(old, 1 - MOMENTUM), tf.mul(batch, share));
  return {
    y: tf.add(tf.mul(normalized, weight), bias),
    saved: { normalized, invStd },
    runningMean: update(runningMean, MOMENTUM, mean),
    runningVar: update(runningVar, MOMENTUM * varianceCorrection(kind, count), variance),
  };
}

/** dβ = Σ dy, dγ = Σ dy·x̂, dx = γ/√(σ² + ε)·dy with the running statistics, which are constants. */
export function batchNormEvalBackward(
  tf: Tf,
  dy: Maps,
  x: Maps,
  { weight, runningMean, runningVar }: BatchNormParameters,
): { dx: Maps; dw: Vector; db: Vector } {
  const invStd = invStdOf(tf, runningVar);
  return {
    dx: tf.mul(dy, tf.mul(weight, invStd)),
    dw: tf.sum(tf.mul(dy, tf.mul(tf.sub(x, runningMean), invStd)), [0, 1, 2]),
    db: tf.sum(dy, [0, 1, 2]),
  };
}

/** dβ = Σ dy, dγ = Σ dy·x̂, dx = γ/√(σ² + ε) · (dy − dβ/m − x̂·dγ/m) */
export function batchNormBackward(
  tf: Tf,
  dy: Maps,
  weight: Vector,
  { normalized, invStd }: BatchNormSaved,
): { dx: Maps; dw: Vector; db: Vector } {
  const count = dy.shape[0] * dy.shape[1] * dy.shape[2];
  const db: Vector = tf.sum(dy, [0, 1, 2]);
  const dw: Vector = tf.sum(tf.mul(dy, normalized), [0, 1, 2]);
  const viaStatistics = tf.add(tf.div(db, count), tf.mul(normalized, tf.div(dw, count)));
  return { dx: tf.mul(tf.sub(dy, viaStatistics), tf.mul(weight, invStd)), dw, db };
}
