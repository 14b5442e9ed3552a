/** Twenty steps of training go where the oracle goes, as near to it as float32 can keep; a fault, however small, does not. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { wasmTrainer, type StepOptions } from '../../../src/train/trainer.js';
import { BUILDS } from '../builds.js';
import { COURSES } from './courses.js';
import { courseMisfit, judgeCourse } from './trajectory.js';

type Given = StepOptions & { readonly x: Float32Array; readonly targets: Float32Array };

/** What the engine may be given in the place of what it should: mistakes in passing things on. */
const FAULTS: Readonly<Record<string, (given: Given, step: number) => Partial<Given>>> = {
  'λ one step late': ({ lambda }) => ({ lambda: lambda - 1 / 32 }),
  'a rate off by a thousandth': ({ optimiser }) => ({ optimiser: { ...optimiser, lr: 1.001 * optimiser.lr } }),
  'vectors that do not decay': ({ optimiser }) => ({ optimiser: { ...optimiser, decayVectors: false } }),
  'moments of another memory': ({ optimiser }) => ({ optimiser: { ...optimiser, betas: [0.9, 0.99], momentum: 0.8 } }),
  'a pixel off by a tenth': ({ x }) => ({ x: x.map((v, i) => (i === 100 ? v + 0.1 : v)) }),
  'targets a hundredth less smooth': ({ targets }) => ({ targets: targets.map((v) => v * 1.01) }),
  'a fault in the last step alone': ({ lambda }, step) => (step === 19 ? { lambda: lambda + 1 / 32 } : {}),
};

describe.each(Object.entries(COURSES))('%s', (...[, course]) => {
  let judgements: Awaited<ReturnType<typeof judgeCourse>>;
  beforeAll(async () => {
    judgements = await judgeCourse(course);
  });

  test.each(BUILDS)('%s', async (build) => {
    const misfit = await courseMisfit(course, judgements, (config, options) =>
      wasmTrainer(config, { ...options, build }),
    );
    expect(misfit).toBeNull();
  });

  test.each(Object.entries(FAULTS))('%s is found', async (...[, fault]) => {
    const misfit = await courseMisfit(course, judgements, async (config, options) => {
      const trainer = await wasmTrainer(config, { ...options, build: 'plain' });
      let step = 0;
      return {
        ...trainer,
        step(x: Float32Array, targets: Float32Array, given: StepOptions) {
          const all = { ...given, x, targets };
          const { x: images, targets: shares, ...options } = { ...all, ...fault(all, step++) };
          return trainer.step(images, shares, options);
        },
      };
    });
    expect(misfit).toMatch(/off by/);
  });

  const others = [1, 2].filter((parts) => parts !== course.gradAccumSteps);
  test.each(others)('as many micro-batches as it is not are found, %d', async (parts) => {
    const misfit = await courseMisfit(course, judgements, (config, options) =>
      wasmTrainer(config, { ...options, gradAccumSteps: parts, build: 'plain' }),
    );
    expect(misfit).toMatch(/off by/);
  });

  test('masks of another seed are found', async () => {
    const misfit = await courseMisfit(course, judgements, (config, options) =>
      wasmTrainer(config, { ...options, seed: 6, build: 'plain' }),
    );
    expect(misfit).toMatch(/off by/);
  });
});
