/**
 * Compares a whole training with that of the reference: the same initial weights and batches, step after step, without
 * resetting the engine in between.
 *
 * Let every layer err by e with |e| <= δ element by element, where δ is the bound of its judge. To first order, a tensor
 * then errs by Σ J·e, where J is the derivative of the reference along the computation: through norms, ReLUs, moments
 * and all earlier steps. J is not computed. Instead, perturbed copies of the reference (perturbedOracle.ts) err by ±δ
 * with random signs, so that the mean of ‖Σ J·(±δ)‖² over the copies is S² = Σ‖J·δ‖². If the sign of e is random given
 * everything before it, then
 *
 *     P(‖Σ J·e‖ > k·S) <= 2·exp(−k²/2)
 *
 * (I. Pinelis, Optimum bounds for the distributions of martingales in Banach spaces, Ann. Probab. 22, 1994, theorem
 * 3.5). For k = 8 this is 3e-14, for about ten thousand tensors; an S estimated from a few copies may be half of its true
 * value. A bound is only meaningful if it is smaller than the change of the tensor since the start, which is checked, too.
 * perturbedOracle.long.test.ts checks that errors are nearly linear in δ.
 */
import type { ModelConfig } from '../../../src/core/config.js';
import { frozenTensors } from '../../../src/core/freeze.js';
import type { Loss } from '../../../src/core/optimizer.js';
import type { FloatArray, StateDict } from '../../../src/core/tensor.js';
import type { StepOptions } from '../../../src/train/trainer.js';
import { uniform } from '../../wasm/draw.js';
import type { Arithmetic } from '../arithmetic.js';
import { EXACT, type Perturbation } from './chain.js';
import { PerturbedOracle, type Steps } from './perturbedOracle.js';
import { BiasDrift } from './biasDrift.js';

const K = 8;
const COPIES = 3;
export interface Batch extends StepOptions {
  /** Shape [n, in_chans, h, w]. */
  readonly x: FloatArray;
  /** Shape [n, num_classes]. */
  readonly targets: FloatArray;
}

export interface Trajectory {
  readonly label: string;
  readonly config: ModelConfig;
  readonly state: StateDict;
  readonly n: number;
  /** Number of micro-batches in a batch. */
  readonly gradAccumSteps: number;
  readonly loss: Loss;
  /** Seed of the dropout masks. */
  readonly seed: number;
  readonly steps: number;
  /** Parts that stay as they are. Default none. */
  readonly freeze?: readonly string[];
  readonly batch: (step: number) => Batch;
}

/** Whether the trajectory averages its state. */
export const hasAverage = ({ batch }: Trajectory): boolean => batch(0).emaDecay !== undefined;

/** Loss, logits, state, moments and average after a step, by name. */
export interface StepTensors {
  readonly tensors: ReadonlyMap<string, FloatArray>;
  /** A bias that moved faster than its optimizer can (see biasDrift.ts); null if there is none. */
  readonly fault: string | null;
}

/** The tensors after each step, one step at a time. */
async function* recordSteps(trajectory: Trajectory, trainer: Steps): AsyncGenerator<StepTensors> {
  const drift = new BiasDrift(trajectory.config, trajectory.state);
  const frozen = frozenTensors(trajectory.freeze ?? [], trajectory.config);
  for (let step = 0; step < trajectory.steps; step++) {
    const batch = trajectory.batch(step);
    const { x, targets, ...options } = batch;
    const { loss, logits } = await trainer.step(x, targets, options);
    const { state, optimizer, ema = new Map<string, never>() } = await trainer.snapshot();
    const tensors = new Map<string, FloatArray>([
      ['loss', Float64Array.of(loss)],
      ['logits', logits],
      // What is frozen has no change to compare a bound with; that it keeps every bit is a test of its own.
      ...[...state, ...optimizer]
        .filter(([name]) => !frozen.has(name))
        .map(([name, { data }]) => [name, data] as const),
      ...[...ema].map(([name, { data }]) => [`average of ${name}`, data] as const),
    ]);
    yield { tensors, fault: drift.removeFrom(tensors, state, batch, step + 1) };
  }
}

/** ‖a − b‖; NaN if their lengths differ. */
export function distance(a: FloatArray | undefined, b: FloatArray | undefined): number {
  if (a === undefined || a.length !== b?.length) return NaN;
  return Math.sqrt(Array.from(a).reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0));
}

/** The steps of a perturbed copy of the reference. */
export async function runPerturbed(
  trajectory: Trajectory,
  by: Arithmetic,
  perturbation: Perturbation,
): Promise<StepTensors[]> {
  const { state, config, loss, seed, gradAccumSteps, freeze = [] } = trajectory;
  const steps: StepTensors[] = [];
  const copy = new PerturbedOracle(
    state,
    config,
    { loss, seed, gradAccumSteps, ema: hasAverage(trajectory), freeze },
    by,
    perturbation,
  );
  for await (const step of recordSteps(trajectory, copy)) steps.push(step);
  return steps;
}

/** Perturbations of ±size bounds, with random signs. */
export function coinFlips(seed: number, size = 1): Perturbation {
  const random = uniform(seed);
  return () => (random() < 0.5 ? -size : size);
}

/** The reference's tensors after a step, with their bounds. Computed once for all engines. */
export interface Judgment {
  readonly exact: ReadonlyMap<string, FloatArray>;
  readonly bounds: ReadonlyMap<string, number>;
}

export async function judgeTrajectory(trajectory: Trajectory, by: Arithmetic): Promise<readonly Judgment[]> {
  const reference = await runPerturbed(trajectory, by, EXACT);
  const copies: StepTensors[][] = [];
  for (let coin = 0; coin < COPIES; coin++) copies.push(await runPerturbed(trajectory, by, coinFlips(coin)));
  return reference.map(({ tensors: exact }, step) => {
    const deviation = (name: string): number =>
      Math.hypot(...copies.map((copy) => distance(copy[step].tensors.get(name), exact.get(name)))) / Math.sqrt(COPIES);
    return { exact, bounds: new Map([...exact.keys()].map((name) => [name, K * deviation(name)])) };
  });
}

/** The largest distance relative to its bound, and where it is; infinite if a bound is exceeded. */
export interface WorstDistance {
  readonly worst: number;
  readonly at: string;
}

const failAt = (step: number, at: string): WorstDistance => ({ worst: Infinity, at: `step ${step}, ${at}` });

export async function followTrajectory(
  trajectory: Trajectory,
  judgments: readonly Judgment[],
  trainer: Steps,
): Promise<WorstDistance> {
  let [worst, at] = [0, 'no distance'];
  let step = 0;
  for await (const { tensors, fault: tooFast } of recordSteps(trajectory, trainer)) {
    const { exact, bounds } = judgments[step++];
    if (tooFast !== null) return failAt(step, tooFast);
    if (tensors.size !== exact.size) return failAt(step, `${tensors.size} tensors, not ${exact.size}`);
    for (const [name, expected] of exact) {
      const bound = bounds.get(name) ?? NaN;
      const change = distance(
        expected,
        trajectory.state.get(name.replace('average of ', ''))?.data ?? expected.map(() => 0),
      );
      if (!(bound < change))
        return failAt(step, `${name}: the bound ${bound} is not smaller than the change ${change}`);
      const error = distance(tensors.get(name), expected);
      if (!(error <= bound)) return failAt(step, `${name}: off by ${error}, more than ${bound}`);
      if (error / bound > worst) [worst, at] = [error / bound, `step ${step}, ${name}: ${error} of ${bound}`];
    }
  }
  return { worst, at };
}
