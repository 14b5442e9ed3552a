/** Twenty training steps agree with the reference within the bounds of float32; the bounds detect small faults. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { wasmTrainer } from '../../../src/train/wasmTrainer.js';
import { WASM } from '../../judges/arithmetic.js';
import {
  followTrajectory,
  hasAverage,
  judgeTrajectory,
  type Batch,
  type Trajectory,
  type Judgment,
} from '../../judges/training/trajectory.js';
import { BUILDS } from '../builds.js';
import { TRAJECTORIES } from './trajectories.js';

/** Changes the arguments of a step, to simulate a fault in the engine. */
type Fault = (batch: Batch, step: number) => Partial<Batch>;

const FAULTS: Readonly<Record<string, Fault>> = {
  'λ one step late': ({ lambda }) => ({ lambda: lambda - 1 / 32 }),
  'a learning rate 0.1% too large': ({ optimizer }) => ({ optimizer: { ...optimizer, lr: 1.001 * optimizer.lr } }),
  'weight decay of the wrong tensors': ({ optimizer }) => ({
    optimizer: { ...optimizer, decayVectors: optimizer.kind === 'lamb' },
  }),
  'other decays of the moments': ({ optimizer }) => ({
    optimizer: { ...optimizer, betas: [0.9, 0.99], momentum: 0.8 },
  }),
  'one pixel off by 0.1': ({ x }) => ({ x: x.map((v, i) => (i === 100 ? v + 0.1 : v)) }),
  'targets 1% too large': ({ targets }) => ({ targets: targets.map((v) => v * 1.01) }),
  'λ one step late in the last step only': ({ lambda }, step) => (step === 19 ? { lambda: lambda - 1 / 32 } : {}),
};

/** Faults that only some trajectories can show. */
const SPECIFIC_FAULTS: readonly (readonly [what: string, has: (trajectory: Trajectory) => boolean, fault: Fault])[] = [
  ['another decay of the average', hasAverage, () => ({ emaDecay: 0.901 })],
  [
    'the rate of the body for the head',
    ({ batch }) => batch(0).optimizer.headLr !== undefined,
    ({ optimizer: { headLr: _, ...optimizer } }) => ({ optimizer }),
  ],
  ['no layer decay', hasLayerDecay, ({ optimizer }) => ({ optimizer: { ...optimizer, layerDecay: 1 } })],
  [
    'another eps',
    ({ batch }) => batch(0).optimizer.kind !== 'sgd',
    ({ optimizer }) => ({ optimizer: { ...optimizer, eps: 1e-6 } }),
  ],
];

function hasLayerDecay({ batch }: Trajectory): boolean {
  return batch(0).optimizer.layerDecay !== undefined;
}

/** Runs a trajectory in the engine. @returns the first mismatch, or null */
async function firstMismatch(
  trajectory: Trajectory,
  judgments: readonly Judgment[],
  options: { readonly seed?: number; readonly build?: (typeof BUILDS)[number]; readonly gradAccumSteps?: number },
  fault: Fault = () => ({}),
): Promise<string | null> {
  const { config, state, n, loss, seed, gradAccumSteps, freeze = [] } = trajectory;
  const all = {
    ...{ batchSize: n, gradAccumSteps, loss, seed, state, freeze, ema: hasAverage(trajectory) },
    build: 'plain' as const,
    ...options,
  };
  const trainer = await wasmTrainer(config, all);
  let steps = 0;
  try {
    const { worst, at } = await followTrajectory(trajectory, judgments, {
      snapshot: () => trainer.snapshot(),
      step(x, targets, options) {
        const batch = { ...options, x, targets };
        const { x: images, targets: shares, ...rest } = { ...batch, ...fault(batch, steps++) };
        return trainer.step(images, shares, rest);
      },
    });
    return worst <= 1 ? null : at;
  } finally {
    trainer.dispose();
  }
}

describe.each(TRAJECTORIES.map((trajectory) => ({ trajectory, label: trajectory.label })))(
  '$label',
  ({ trajectory }) => {
    let judgments: readonly Judgment[];
    beforeAll(async () => {
      judgments = await judgeTrajectory(trajectory, WASM);
    });

    test.each(BUILDS)('%s', async (build) => {
      expect(await firstMismatch(trajectory, judgments, { build })).toBeNull();
    });

    const specific = SPECIFIC_FAULTS.flatMap(([what, has, fault]) => (has(trajectory) ? [[what, fault] as const] : []));
    test.each([...Object.entries(FAULTS), ...specific])('detects %s', async (...[, fault]) => {
      expect(await firstMismatch(trajectory, judgments, {}, fault)).toMatch(/off by|a step of/);
    });

    const others = [1, 2].filter((parts) => parts !== trajectory.gradAccumSteps);
    test.each(others)('detects another number of micro-batches: %d', async (gradAccumSteps) => {
      expect(await firstMismatch(trajectory, judgments, { gradAccumSteps })).toMatch(/off by/);
    });

    test('detects another seed of the dropout masks', async () => {
      expect(await firstMismatch(trajectory, judgments, { seed: trajectory.seed + 1 })).toMatch(/off by/);
    });
  },
);
