/** Trainings that the oracle can follow: narrow, with both activations, a pool and dropout. */
import { resolveConfig } from '../../../src/core/config.js';
import type { OptimiserStep } from '../../../src/core/optimiser.js';
import { draw, uniform } from '../draw.js';
import { drawState } from '../networks.js';
import type { Course } from './trajectory.js';

const N = 6;
const CLASSES = 5;
const config = resolveConfig({
  dims: [3, 4, 5],
  strides: [2, 1],
  act_num: 1,
  num_classes: CLASSES,
  input_size: 16,
  drop_rate: 0.2,
  form: 'train',
});

/** Norms that have seen no batch yet. */
const state = new Map(
  [...drawState(config)].map(([name, tensor]) => [
    name,
    name.endsWith('.num_batches_tracked') ? { shape: [], data: Float64Array.of(0) } : tensor,
  ]),
);

/** A class of each image, smoothed as by 0.1. */
function smoothed(step: number): Float32Array {
  const random = uniform(200 + step);
  const shares = new Float32Array(N * CLASSES).fill(0.1 / CLASSES);
  for (let i = 0; i < N; i++) shares[i * CLASSES + Math.floor(random() * CLASSES)] += 0.9;
  return shares;
}

/** Two images in one, whose shares are drawn. */
function mixed(step: number): Float32Array {
  const [one, other] = [smoothed(step), smoothed(step + 100)];
  const [share] = draw([1], uniform(300 + step)).data.map(Math.abs);
  return one.map((v, i) => share * v + (1 - share) * other[i]);
}

/**
 * Everything decays: a bias before a norm has no gradient but its rounding, and without
 * decay Adam would divide that by itself, so that nobody's course is anybody's bound.
 */
const course = (optimiser: OptimiserStep, more: Pick<Course, 'loss' | 'targets'> & Partial<Course>): Course => ({
  ...{ config, state, n: N, gradAccumSteps: 1, optimiser, ...more },
});

export const COURSES = {
  'Adam, smoothed targets': course(
    { kind: 'adam', lr: 1e-3, weightDecay: 1e-2 },
    { loss: 'cross-entropy', targets: smoothed },
  ),
  'SGD by Nesterov, mixed targets': course(
    { kind: 'sgd', lr: 1e-2, momentum: 0.9, nesterov: true, weightDecay: 1e-2 },
    { loss: 'cross-entropy', targets: mixed },
  ),
  'LAMB, every class on its own': course(
    { kind: 'lamb', lr: 1e-3, weightDecay: 0.3, decayVectors: true, eps: 1e-3 },
    { loss: 'bce', targets: mixed },
  ),
  'Adam, in two micro-batches': course(
    { kind: 'adam', lr: 1e-3, weightDecay: 1e-2 },
    { loss: 'cross-entropy', targets: mixed, gradAccumSteps: 2 },
  ),
} as const satisfies Record<string, Course>;
