/** Compares training steps with the reference, each from the engine's state before it: see trajectory.ts. */
import type { Loss, OptimizerStep } from '../../../src/core/optimizer.js';
import type { Arithmetic } from '../../judges/arithmetic.js';
import { followTrajectory, judgeTrajectory, type Trajectory, type Judgment } from '../../judges/training/trajectory.js';
import { untrainedState } from '../../judges/training/untrainedState.js';
import { imagesFor, targetsFor } from './inputs.js';
import { SMALL } from './networks.js';
import type { Row } from './row.js';
import type { Subject } from './subject.js';

const STEPS = 10;
/** Gives dropout masks that keep every channel in some image of the first step: others have no gradient (vanishing.ts). */
const SEED = 3;
/** The seed of the images, chosen so that no bound reaches across a kink (perturbedOracle.long.test.ts). */
const IMAGES = 2000;

const trajectory = (form: 'train' | 'deploy', lambda: number, loss: Loss, optimizer: OptimizerStep): Trajectory => {
  const network = SMALL[form];
  const { config, n } = network;
  return {
    label: `${optimizer.kind}, ${loss}, ${form === 'train' ? `λ ${lambda}` : 'the deploy form'}`,
    ...{ config, n, gradAccumSteps: 1, loss, seed: SEED, state: untrainedState(config), steps: STEPS },
    batch: (step) => ({
      x: imagesFor(network, IMAGES + step).data,
      targets: targetsFor(network, 200 + step).data,
      lambda,
      optimizer,
    }),
  };
};

export const TRAJECTORIES: readonly Trajectory[] = [
  trajectory('train', 0, 'cross-entropy', { kind: 'adam', lr: 1e-3, weightDecay: 0.02 }),
  trajectory('train', 0.25, 'cross-entropy', { kind: 'adamw', lr: 1e-3, weightDecay: 0.3, layerDecay: 0.8 }),
  trajectory('train', 0.25, 'bce', { kind: 'lamb', lr: 1e-3, weightDecay: 0.3, layerDecay: 0.8 }),
  trajectory('train', 1, 'cross-entropy', { kind: 'sgd', lr: 1e-3, momentum: 0.9, nesterov: true, weightDecay: 0.02 }),
  trajectory('deploy', 0, 'cross-entropy', { kind: 'sgd', lr: 1e-1, momentum: 0.9 }),
  trajectory('deploy', 0, 'bce', { kind: 'adamw', lr: 1e-3, weightDecay: 0.3, decayVectors: false }),
  {
    ...trajectory('train', 1, 'cross-entropy', {
      kind: 'sgd',
      lr: 1e-3,
      momentum: 0.9,
      weightDecay: 0.02,
      headLr: 3e-3,
    }),
    label: 'sgd, a frozen stage and frozen statistics, a rate of the head',
    freeze: ['stages.0', 'bn'],
  },
];

/** Moments and running statistics accumulate from the second step on; layer decay, dropout and both phases of the activation are in it. */
export const BRIEF_TRAJECTORIES: readonly Trajectory[] = [{ ...TRAJECTORIES[2], steps: 4 }];

/** Computed once for each arithmetic, and shared by the engines. */
const judgments = new Map<string, readonly Judgment[]>();

async function judgmentsOf(trajectory: Trajectory, arithmetic: Arithmetic): Promise<readonly Judgment[]> {
  const key = `${trajectory.label}, ${trajectory.steps} steps, ${arithmetic.label}`;
  const result = judgments.get(key) ?? (await judgeTrajectory(trajectory, arithmetic));
  judgments.set(key, result);
  return result;
}

export async function stepRows(subject: Subject, trajectory: Trajectory): Promise<Row> {
  const { config, state, loss, n, seed, freeze = [] } = trajectory;
  const expected = await judgmentsOf(trajectory, subject.arithmetic);
  const training = await subject.train(state, config, { loss, seed, batchSize: n, freeze });
  try {
    const { worst, at } = await followTrajectory(trajectory, expected, {
      async step(x, targets, { lambda, optimizer }) {
        const { losses, logits } = await training.pass(x, targets, lambda);
        await training.optimize(optimizer);
        return { loss: Array.from(losses).reduce((a, b) => a + b, 0) / n, logits };
      },
      snapshot: async () => ({
        state: await training.state(),
        optimizer: await training.optimizerState(),
        steps: training.steps,
      }),
    });
    return { check: `${trajectory.steps} steps`, network: trajectory.label, worst, ok: worst <= 1, at };
  } finally {
    training.dispose();
  }
}
