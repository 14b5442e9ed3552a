/**
 * Holds a whole training against the oracle's, from the same weights on the same batches,
 * step after step, without setting it right in between.
 *
 * Where every unit errs by e, |e| ≤ δ element by element, δ of its judge, a tensor is off
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
 * the beginning.
 */
import type { ModelConfig } from '../../../src/core/config.js';
import type { Loss, OptimiserStep } from '../../../src/core/optimiser.js';
import type { FloatArray, StateDict } from '../../../src/core/tensor.js';
import { oracleTrainer, wasmTrainer, type Trainer } from '../../../src/train/trainer.js';
import { draw, uniform } from '../draw.js';
import { openTwin } from './twin.js';

/** Gradients of what a norm behind takes away again. */
const MAY_VANISH = /^(exp_avg|exp_avg_sq|momentum_buffer)\..*\.bias$/;

const K = 8;
const TWINS = 3;
const STEPS = 20;
const SEED = 5;

export interface Course {
  readonly config: ModelConfig;
  readonly state: StateDict;
  readonly n: number;
  /** Micro-batches of a batch. */
  readonly gradAccumSteps: number;
  readonly loss: Loss;
  readonly optimiser: OptimiserStep;
  /** [n,num_classes] of a step. */
  readonly targets: (step: number) => Float32Array;
}

/** Everything that a step leaves behind, by name. */
type Moment = ReadonlyMap<string, FloatArray>;

/** Its moments, one by one, so that it can be judged as it goes. */
async function* run({ config, n, optimiser, targets }: Course, trainer: Pick<Trainer, 'step' | 'snapshot'>) {
  for (let step = 0; step < STEPS; step++) {
    const { data } = draw([n, config.in_chans, ...config.input_size], uniform(100 + step));
    // λ is a float32, so that none is rounded.
    const lambda = (step + 1) / 32;
    const { loss, logits } = await trainer.step(data, targets(step), {
      lambda,
      optimiser: { ...optimiser, lr: optimiser.lr * (1 - step / 40) },
    });
    const { state, optimiser: moments } = await trainer.snapshot();
    const tensors = [...state, ...moments].map(([name, tensor]) => [name, tensor.data] as const);
    yield new Map<string, FloatArray>([['loss', Float64Array.of(loss)], ['logits', logits], ...tensors]);
  }
}

/** ‖a − b‖; NaN where they do not go together. */
function distance(a: FloatArray | undefined, b: FloatArray | undefined): number {
  if (a === undefined || a.length !== b?.length) return NaN;
  return Math.hypot(...Array.from(a, (v, i) => v - b[i]));
}

/** What the oracle comes to, and the bounds about it; worked out once, for any number of engines. */
export interface Judgement {
  readonly exact: Moment;
  readonly bounds: ReadonlyMap<string, number>;
}

async function all<T>(moments: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const moment of moments) list.push(moment);
  return list;
}

export async function judgeCourse(course: Course): Promise<readonly Judgement[]> {
  const { config, state, n, loss, gradAccumSteps } = course;
  const oracle = await all(run(course, oracleTrainer(config, { seed: SEED, loss, state, gradAccumSteps })));
  const by = { n: n / gradAccumSteps, gradAccumSteps, loss, seed: SEED };
  const coins = Array.from({ length: TWINS }, (_, coin) => coin);
  const twins = await Promise.all(coins.map((coin) => all(run(course, openTwin(config, state, { ...by, coin })))));
  return oracle.map((exact, step) => {
    const spread = (name: string): number =>
      Math.hypot(...twins.map((twin) => distance(twin[step].get(name), exact.get(name)))) / Math.sqrt(TWINS);
    return { exact, bounds: new Map([...exact.keys()].map((name) => [name, K * spread(name)])) };
  });
}

/** What is wrong with a training by the engine, or null: the first step that is, and how. */
export async function courseMisfit(
  course: Course,
  judgements: readonly Judgement[],
  open: (...by: Parameters<typeof wasmTrainer>) => Promise<Trainer>,
): Promise<string | null> {
  const { config, state, n, loss, gradAccumSteps } = course;
  const trainer = await open(config, { batchSize: n, seed: SEED, loss, state, gradAccumSteps });
  try {
    let step = 0;
    for await (const moment of run(course, trainer)) {
      const { exact, bounds } = judgements[step++];
      if (moment.size !== exact.size) return `step ${step}: ${moment.size} tensors, not ${exact.size}`;
      for (const [name, want] of exact) {
        const bound = bounds.get(name) ?? NaN;
        const way = distance(want, state.get(name)?.data ?? want.map(() => 0));
        if (!(bound < way) && !MAY_VANISH.test(name))
          return `step ${step}, ${name}: the bound ${bound} is not smaller than the way ${way}`;
        const off = distance(moment.get(name), want);
        if (!(off <= bound)) return `step ${step}, ${name}: off by ${off}, not within ${bound}`;
      }
    }
    return null;
  } finally {
    trainer.dispose();
  }
}
