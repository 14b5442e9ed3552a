/** Trainings small enough for the reference: narrow networks with both activations, a pool and dropout. */
import { resolveConfig, type ModelConfigInput } from '../../../src/core/config.js';
import type { OptimizerStep } from '../../../src/core/optimizer.js';
import type { Trajectory } from '../../judges/training/trajectory.js';
import { untrainedState } from '../../judges/training/untrainedState.js';
import { draw, uniform } from '../draw.js';

const N = 4;
const CLASSES = 5;
const STEPS = 20;
/** Seed of dropout masks. In the first step no channel is kept for all images: it would have no gradient (vanishing.ts). */
const SEED = 5;
const SIZES = { dims: [3, 4, 5], strides: [2, 1], act_num: 1, num_classes: CLASSES, in_chans: 2, input_size: 16 };
const ADAPTIVE = { ...SIZES, ada_pool: [3, 2], input_size: 12 };

/** A random class for each image, with label smoothing 0.1. */
function smoothTargets(step: number, n: number): Float32Array {
  const random = uniform(200 + step);
  const shares = new Float32Array(n * CLASSES).fill(0.1 / CLASSES);
  for (let i = 0; i < n; i++) shares[i * CLASSES + Math.floor(random() * CLASSES)] += 0.9;
  return shares;
}

/** Targets of two mixed images with random shares. */
function mixTargets(step: number, n: number): Float32Array {
  const [one, other] = [smoothTargets(step, n), smoothTargets(step + 100, n)];
  const [share] = draw([1], uniform(300 + step)).data.map(Math.abs);
  return one.map((v, i) => share * v + (1 - share) * other[i]);
}

interface TrajectoryOptions {
  readonly sizes?: ModelConfigInput;
  readonly loss?: Trajectory['loss'];
  readonly n?: number;
  readonly targets: (step: number, n: number) => Float32Array;
  readonly lambda?: number;
  readonly emaDecay?: number;
  readonly gradAccumSteps?: number;
  readonly freeze?: readonly string[];
  /** Seed of the images, chosen so that no bound crosses a kink (test/tfjs/perturbedOracle.long.test.ts). */
  readonly images?: number;
}

function createTrajectory(
  label: string,
  optimizer: OptimizerStep,
  {
    sizes = SIZES,
    n = N,
    loss = 'cross-entropy',
    targets,
    lambda,
    emaDecay,
    gradAccumSteps = 1,
    images = 100,
    freeze = [],
  }: TrajectoryOptions,
): Trajectory {
  const config = resolveConfig({ ...sizes, drop_rate: 0.5, form: 'train' });
  return {
    ...{ label, config, n, gradAccumSteps, loss, seed: SEED, steps: STEPS, state: untrainedState(config), freeze },
    batch: (step) => ({
      x: draw([n, config.in_chans, ...config.input_size], uniform(images + step)).data,
      targets: targets(step, n),
      // Exact in float32.
      lambda: lambda ?? (step + 1) / 32,
      optimizer: { ...optimizer, lr: optimizer.lr * (1 - step / 40) },
      ...(emaDecay === undefined ? {} : { emaDecay }),
    }),
  };
}

export const TRAJECTORIES: readonly Trajectory[] = [
  createTrajectory(
    'Adam, smoothed targets, averaged weights',
    { kind: 'adam', lr: 1e-3, weightDecay: 1e-2 },
    { targets: smoothTargets, emaDecay: 0.9 },
  ),
  createTrajectory(
    'SGD with Nesterov momentum, mixed targets, adaptive pools',
    { kind: 'sgd', lr: 1e-2, momentum: 0.9, nesterov: true, weightDecay: 1e-2 },
    { targets: mixTargets, sizes: ADAPTIVE, images: 9000 },
  ),
  createTrajectory(
    'LAMB, binary cross-entropy',
    { kind: 'lamb', lr: 1e-3, weightDecay: 0.3 },
    { targets: mixTargets, loss: 'bce', images: 4000 },
  ),
  createTrajectory(
    'AdamW with layer decay',
    { kind: 'adamw', lr: 1e-3, weightDecay: 0.3, layerDecay: 0.8 },
    { targets: smoothTargets },
  ),
  createTrajectory(
    'Adam, λ = 1 from the start',
    { kind: 'adam', lr: 1e-3, weightDecay: 1e-2 },
    { targets: mixTargets, lambda: 1 },
  ),
  createTrajectory(
    'Adam, in two micro-batches',
    { kind: 'adam', lr: 1e-3, weightDecay: 1e-2 },
    { targets: mixTargets, n: 2 * N, gradAccumSteps: 2 },
  ),
  createTrajectory(
    'SGD, a frozen stage and frozen statistics, a rate of the head',
    { kind: 'sgd', lr: 1e-2, momentum: 0.9, weightDecay: 1e-2, headLr: 3e-2 },
    { targets: smoothTargets, lambda: 1, freeze: ['stages.0', 'bn'] },
  ),
];
