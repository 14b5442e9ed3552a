/** The judge of the steps is itself a training: where nothing is off, it must be the oracle's, and what is off must be linear. */
import { expect, test } from '@jest/globals';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { IEEE, SHADER, WASM } from '../judges/arithmetic.js';
import { EXACT } from '../judges/training/chain.js';
import { runPerturbed, coinFlips, distance, followTrajectory, hasAverage } from '../judges/training/trajectory.js';
import { TRAJECTORIES as TWENTY } from '../wasm/training/trajectories.js';
import { TRAJECTORIES as TEN } from './cross/steps.js';

const PART = 0.01;

/** Of what float64 itself rounds in some steps. */
const NOISE = 1e-12;

const CASES = [
  ...TEN.flatMap((course) => [IEEE, SHADER].map((by) => ({ course, by }))),
  ...TWENTY.map((course) => ({ course, by: WASM })),
].map((each) => ({ ...each, label: each.course.label, rounding: each.by.label }));

test.each(CASES)('$label, $rounding', async ({ course, by }) => {
  const exact = await runPerturbed(course, by, EXACT);
  const judgments = exact.map(({ tensors }) => ({
    exact: tensors,
    bounds: new Map([...tensors.keys()].map((name) => [name, NOISE])),
  }));
  const { config, state, loss, seed, gradAccumSteps } = course;
  const oracle = oracleTrainer(config, { state, loss, seed, gradAccumSteps, ema: hasAverage(course) });
  const { worst, at } = await followTrajectory({ ...course, steps: 3 }, judgments, oracle);
  expect(worst <= 1 ? null : at).toBeNull();

  // A hundredth of the bounds does a hundredth of what they do. Half or twice as much is what the rule grants.
  const [whole, part] = [
    await runPerturbed(course, by, coinFlips(0)),
    await runPerturbed(course, by, coinFlips(0, PART)),
  ];
  const bent: string[] = [];
  for (const [step, { tensors }] of exact.entries()) {
    for (const [name, data] of tensors) {
      const far = distance(whole[step].tensors.get(name), data);
      const near = distance(part[step].tensors.get(name), data) / PART;
      const isLinear = far <= 2 * near + NOISE && near <= 2 * far + NOISE / PART;
      if (!isLinear) bent.push(`step ${step + 1}, ${name}: ${far}, not about ${near}`);
    }
  }
  expect(bent).toEqual([]);
});
