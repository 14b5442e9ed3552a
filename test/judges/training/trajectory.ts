/**
 * Holds a whole training against the oracle's, from the same weights on the same batches,
 * step after step, without setting it right in between.
 *
 * Where every layer errs by e, |e| ≤ δ element by element, δ of its judge, a tensor is off
 * by Σ J·e to first order, J the oracle's own derivative along the way there: through
 * norms, ReLUs, moments and all steps before. Nobody writes J down: twins of the oracle
 * (twin.ts) err by ±δ as coins fall, so that the mean of ‖Σ J·(±δ)‖² over them is
 * S² = Σ‖J·δ‖². Where e is as likely to be positive as negative, whatever came before,
 *
 *     P(‖Σ J·e‖ > k·S) ≤ 2·exp(−k²/2)
 *
 * (I. Pinelis: Optimum bounds for the distributions of martingales in Banach spaces,
 * Ann. Probab. 22, 1994, theorem 3.5). With k = 8 that is 3e-14, for some ten thousand
 * tensors; and S, of a few twins, could be half of what it should be. A bound is no good
 * unless it is smaller than what it judges: than the way that a tensor has come since
 * the beginning. That what is off is as good as linear in δ, twin.test.ts looks at.
 */
import type { ModelConfig } from '../../../src/core/config.js';
import type { Loss } from '../../../src/core/optimizer.js';
import type { FloatArray, StateDict } from '../../../src/core/tensor.js';
import type { StepOptions } from '../../../src/train/trainer.js';
import { uniform } from '../../wasm/draw.js';
import type { Arithmetic } from '../arithmetic.js';
import { EXACT, type Off } from './chain.js';
import { PerturbedOracle, type Steps } from './perturbedOracle.js';
import { BiasDrift } from './biasDrift.js';

const K = 8;
const TWINS = 3;
export interface Batch extends StepOptions {
  /** [n,in_chans,h,w] */
  readonly x: FloatArray;
  /** [n,num_classes] */
  readonly targets: FloatArray;
}

export interface Trajectory {
  readonly label: string;
  readonly config: ModelConfig;
  readonly state: StateDict;
  readonly n: number;
  /** Micro-batches of a batch. */
  readonly gradAccumSteps: number;
  readonly loss: Loss;
  /** Of the dropout masks. */
  readonly seed: number;
  readonly steps: number;
  readonly batch: (step: number) => Batch;
}

/** Whether an average of the state is kept. */
export const hasAverage = ({ batch }: Trajectory): boolean => batch(0).emaDecay !== undefined;

/** Everything that a step leaves behind, by name. */
export interface StepTensors {
  readonly tensors: ReadonlyMap<string, FloatArray>;
  /** What is judged by its pace alone, and is too fast. */
  readonly tooFast: string | null;
}

/** Its moments, one by one, so that it can be judged as it goes. */
async function* run(course: Trajectory, trainer: Steps): AsyncGenerator<StepTensors> {
  const drift = new BiasDrift(course.config, course.state);
  for (let step = 0; step < course.steps; step++) {
    const batch = course.batch(step);
    const { loss, logits } = await trainer.step(batch.x, batch.targets, batch);
    const { state, optimizer, ema = new Map<string, never>() } = await trainer.snapshot();
    const tensors = new Map<string, FloatArray>([
      ['loss', Float64Array.of(loss)],
      ['logits', logits],
      ...[...state, ...optimizer].map(([name, { data }]) => [name, data] as const),
      ...[...ema].map(([name, { data }]) => [`average of ${name}`, data] as const),
    ]);
    yield { tensors, tooFast: drift.takeOut(tensors, state, batch, step + 1) };
  }
}

/** ‖a − b‖; NaN where they do not go together. */
export function distance(a: FloatArray | undefined, b: FloatArray | undefined): number {
  if (a === undefined || a.length !== b?.length) return NaN;
  return Math.sqrt(Array.from(a).reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0));
}

/** What a training by a twin comes to, moment by moment. */
export async function runPerturbed(course: Trajectory, by: Arithmetic, off: Off): Promise<StepTensors[]> {
  const { state, config, loss, seed, gradAccumSteps } = course;
  const moments: StepTensors[] = [];
  const twin = new PerturbedOracle(state, config, { loss, seed, gradAccumSteps, ema: hasAverage(course) }, by, off);
  for await (const moment of run(course, twin)) moments.push(moment);
  return moments;
}

/** Up or down by the whole of a bound, or by a part of it, as a coin falls. */
export function coinFlips(seed: number, size = 1): Off {
  const random = uniform(seed);
  return () => (random() < 0.5 ? -size : size);
}

/** What the oracle comes to, and the bounds about it; worked out once, for any number of engines. */
export interface Judgment {
  readonly exact: ReadonlyMap<string, FloatArray>;
  readonly bounds: ReadonlyMap<string, number>;
}

export async function judgeTrajectory(course: Trajectory, by: Arithmetic): Promise<readonly Judgment[]> {
  const oracle = await runPerturbed(course, by, EXACT);
  const twins: StepTensors[][] = [];
  for (let coin = 0; coin < TWINS; coin++) twins.push(await runPerturbed(course, by, coinFlips(coin)));
  return oracle.map(({ tensors: exact }, step) => {
    const spread = (name: string): number =>
      Math.hypot(...twins.map((twin) => distance(twin[step].tensors.get(name), exact.get(name)))) / Math.sqrt(TWINS);
    return { exact, bounds: new Map([...exact.keys()].map((name) => [name, K * spread(name)])) };
  });
}

/** The largest distance of all, in bounds, and where that is; infinite, and what is wrong, where one is out of them. */
export interface Found {
  readonly worst: number;
  readonly at: string;
}

const wrong = (step: number, at: string): Found => ({ worst: Infinity, at: `step ${step}, ${at}` });

export async function followTrajectory(
  course: Trajectory,
  judgments: readonly Judgment[],
  trainer: Steps,
): Promise<Found> {
  let [worst, at] = [0, 'nothing is off'];
  let step = 0;
  for await (const { tensors, tooFast } of run(course, trainer)) {
    const { exact, bounds } = judgments[step++];
    if (tooFast !== null) return wrong(step, tooFast);
    if (tensors.size !== exact.size) return wrong(step, `${tensors.size} tensors, not ${exact.size}`);
    for (const [name, want] of exact) {
      const bound = bounds.get(name) ?? NaN;
      const way = distance(want, course.state.get(name.replace('average of ', ''))?.data ?? want.map(() => 0));
      if (!(bound < way)) return wrong(step, `${name}: the bound ${bound} is not smaller than the way ${way}`);
      const off = distance(tensors.get(name), want);
      if (!(off <= bound)) return wrong(step, `${name}: off by ${off}, not within ${bound}`);
      if (off / bound > worst) [worst, at] = [off / bound, `step ${step}, ${name}: ${off} of ${bound}`];
    }
  }
  return { worst, at };
}
