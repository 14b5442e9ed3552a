/**
 * Tests the simulation that bounds the steps: without perturbations it equals the reference, and it is linear in them.
 */
import { expect, test } from '@jest/globals';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { IEEE, SHADER, WASM } from '../judges/arithmetic.js';
import { EXACT } from '../judges/training/chain.js';
import { runPerturbed, coinFlips, distance, followTrajectory, hasAverage } from '../judges/training/trajectory.js';
import { TRAJECTORIES as TWENTY } from '../wasm/training/trajectories.js';
import { TRAJECTORIES as TEN } from './cross/steps.js';

const PART = 0.01;

/** The rounding of float64 over some steps. */
const NOISE = 1e-12;

const CASES = [
  ...TEN.flatMap((trajectory) => [IEEE, SHADER].map((by) => ({ trajectory, by }))),
  ...TWENTY.map((trajectory) => ({ trajectory, by: WASM })),
].map((each) => ({ ...each, label: each.trajectory.label, rounding: each.by.label }));

test.each(CASES)('$label, $rounding', async ({ trajectory, by }) => {
  const exact = await runPerturbed(trajectory, by, EXACT);
  const judgments = exact.map(({ tensors }) => ({
    exact: tensors,
    bounds: new Map([...tensors.keys()].map((name) => [name, NOISE])),
  }));
  const { config, state, loss, seed, gradAccumSteps, freeze = [] } = trajectory;
  const reference = oracleTrainer(config, { state, loss, seed, gradAccumSteps, freeze, ema: hasAverage(trajectory) });
  const { worst, at } = await followTrajectory({ ...trajectory, steps: 3 }, judgments, reference);
  expect(worst <= 1 ? null : at).toBeNull();

  // Perturbations of a hundredth have a hundredth of the effect, within a factor of two.
  const [whole, part] = [
    await runPerturbed(trajectory, by, coinFlips(0)),
    await runPerturbed(trajectory, by, coinFlips(0, PART)),
  ];
  const nonlinear: string[] = [];
  for (const [step, { tensors }] of exact.entries()) {
    for (const [name, data] of tensors) {
      const far = distance(whole[step].tensors.get(name), data);
      const near = distance(part[step].tensors.get(name), data) / PART;
      const isLinear = far <= 2 * near + NOISE && near <= 2 * far + NOISE / PART;
      if (!isLinear) nonlinear.push(`step ${step + 1}, ${name}: ${far}, not about ${near}`);
    }
  }
  expect(nonlinear).toEqual([]);
});
