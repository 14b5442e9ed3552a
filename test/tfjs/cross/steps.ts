/** Ten steps of training, each from where the engine's last one led, held against the oracle's: see course.ts. */
import type { Loss, OptimizerStep } from '../../../src/core/optimizer.js';
import type { Arithmetic } from '../../judges/arithmetic.js';
import { followTrajectory, judgeTrajectory, type Trajectory, type Judgment } from '../../judges/training/trajectory.js';
import { untrainedState } from '../../judges/training/untrainedState.js';
import { imagesFor, sharesFor } from './given.js';
import { SMALL } from './networks.js';
import type { Row } from './row.js';
import type { Subject } from './subject.js';

const STEPS = 10;
/** Of dropout masks that, in the first step, keep no channel of every image: it would have no gradient (vanishing.ts). */
const SEED = 3;
/** What images are drawn by: such that no bound reaches across a kink (twin.test.ts). */
const IMAGES = 2000;

const course = (form: 'train' | 'deploy', lambda: number, loss: Loss, optimizer: OptimizerStep): Trajectory => {
  const network = SMALL[form];
  const { config, n } = network;
  return {
    label: `${optimizer.kind}, ${loss}, ${form === 'train' ? `λ ${lambda}` : 'the deploy form'}`,
    ...{ config, n, gradAccumSteps: 1, loss, seed: SEED, state: untrainedState(config), steps: STEPS },
    batch: (step) => ({
      x: imagesFor(network, IMAGES + step).data,
      targets: sharesFor(network, 200 + step).data,
      lambda,
      optimizer,
    }),
  };
};

export const TRAJECTORIES: readonly Trajectory[] = [
  course('train', 0, 'cross-entropy', { kind: 'adam', lr: 1e-3, weightDecay: 0.02 }),
  course('train', 0.25, 'cross-entropy', { kind: 'adamw', lr: 1e-3, weightDecay: 0.3, layerDecay: 0.8 }),
  course('train', 0.25, 'bce', { kind: 'lamb', lr: 1e-3, weightDecay: 0.3, layerDecay: 0.8 }),
  course('train', 1, 'cross-entropy', { kind: 'sgd', lr: 1e-3, momentum: 0.9, nesterov: true, weightDecay: 0.02 }),
  course('deploy', 0, 'cross-entropy', { kind: 'sgd', lr: 1e-1, momentum: 0.9 }),
  course('deploy', 0, 'bce', { kind: 'adamw', lr: 1e-3, weightDecay: 0.3, decayVectors: false }),
];

/** Of every arithmetic once: engines share them. */
const judgments = new Map<string, readonly Judgment[]>();

async function judgmentsOf(of: Trajectory, by: Arithmetic): Promise<readonly Judgment[]> {
  const key = `${of.label}, ${by.label}`;
  const made = judgments.get(key) ?? (await judgeTrajectory(of, by));
  judgments.set(key, made);
  return made;
}

export async function stepRows(subject: Subject, of: Trajectory): Promise<Row> {
  const { config, state, loss, n, seed } = of;
  const expected = await judgmentsOf(of, subject.arithmetic);
  const training = await subject.train(state, config, { loss, seed, batchSize: n });
  try {
    const { worst, at } = await followTrajectory(of, expected, {
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
    return { check: `${STEPS} steps`, network: of.label, worst, ok: worst <= 1, at };
  } finally {
    training.dispose();
  }
}
