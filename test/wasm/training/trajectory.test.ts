/** Twenty steps of training go where the oracle goes, as near to it as float32 can keep; a fault, however small, does not. */
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

/** What the engine may be given in the place of what it should: mistakes in passing things on. */
type Fault = (given: Batch, step: number) => Partial<Batch>;

const FAULTS: Readonly<Record<string, Fault>> = {
  'λ one step late': ({ lambda }) => ({ lambda: lambda - 1 / 32 }),
  'a rate off by a thousandth': ({ optimizer }) => ({ optimizer: { ...optimizer, lr: 1.001 * optimizer.lr } }),
  'vectors that decay as they should not': ({ optimizer }) => ({
    optimizer: { ...optimizer, decayVectors: optimizer.kind === 'lamb' },
  }),
  'moments of another memory': ({ optimizer }) => ({ optimizer: { ...optimizer, betas: [0.9, 0.99], momentum: 0.8 } }),
  'a pixel off by a tenth': ({ x }) => ({ x: x.map((v, i) => (i === 100 ? v + 0.1 : v)) }),
  'targets a hundredth less smooth': ({ targets }) => ({ targets: targets.map((v) => v * 1.01) }),
  'a fault in the last step alone': ({ lambda }, step) => (step === 19 ? { lambda: lambda - 1 / 32 } : {}),
};

/** Of what not every course has. */
const OWN_FAULTS: readonly (readonly [what: string, has: (course: Trajectory) => boolean, fault: Fault])[] = [
  ['an average of a longer memory', hasAverage, () => ({ emaDecay: 0.901 })],
  ['layers that do not decay', decays, ({ optimizer }) => ({ optimizer: { ...optimizer, layerDecay: 1 } })],
  [
    'another eps',
    ({ batch }) => batch(0).optimizer.kind !== 'sgd',
    ({ optimizer }) => ({ optimizer: { ...optimizer, eps: 1e-6 } }),
  ],
];

function decays({ batch }: Trajectory): boolean {
  return batch(0).optimizer.layerDecay !== undefined;
}

/** What is wrong with a training by the engine, or null. */
async function misfit(
  course: Trajectory,
  judgments: readonly Judgment[],
  options: { readonly seed?: number; readonly build?: (typeof BUILDS)[number]; readonly gradAccumSteps?: number },
  fault: Fault = () => ({}),
): Promise<string | null> {
  const { config, state, n, loss, seed, gradAccumSteps } = course;
  const all = {
    ...{ batchSize: n, gradAccumSteps, loss, seed, state, ema: hasAverage(course) },
    build: 'plain' as const,
    ...options,
  };
  const trainer = await wasmTrainer(config, all);
  let steps = 0;
  try {
    const { worst, at } = await followTrajectory(course, judgments, {
      snapshot: () => trainer.snapshot(),
      step(x, targets, given) {
        const asked = { ...given, x, targets };
        const got = { ...asked, ...fault(asked, steps++) };
        return trainer.step(got.x, got.targets, got);
      },
    });
    return worst <= 1 ? null : at;
  } finally {
    trainer.dispose();
  }
}

describe.each(TRAJECTORIES.map((course) => ({ course, label: course.label })))('$label', ({ course }) => {
  let judgments: readonly Judgment[];
  beforeAll(async () => {
    judgments = await judgeTrajectory(course, WASM);
  });

  test.each(BUILDS)('%s', async (build) => {
    expect(await misfit(course, judgments, { build })).toBeNull();
  });

  const own = OWN_FAULTS.flatMap(([what, has, fault]) => (has(course) ? [[what, fault] as const] : []));
  test.each([...Object.entries(FAULTS), ...own])('%s is found', async (...[, fault]) => {
    expect(await misfit(course, judgments, {}, fault)).toMatch(/off by|a step of/);
  });

  const others = [1, 2].filter((parts) => parts !== course.gradAccumSteps);
  test.each(others)('as many micro-batches as it is not are found, %d', async (gradAccumSteps) => {
    expect(await misfit(course, judgments, { gradAccumSteps })).toMatch(/off by/);
  });

  test('masks of another seed are found', async () => {
    expect(await misfit(course, judgments, { seed: course.seed + 1 })).toMatch(/off by/);
  });
});
