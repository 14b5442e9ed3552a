/**
 * A training in float64 that errs on purpose: whatever a unit or an optimiser answers is
 * off by all that its judge allows float32 to be off, one way or the other as a coin falls.
 */
import {
  bceWithLogits,
  bceWithLogitsBackward,
  crossEntropy,
  crossEntropyBackward,
  lambDivisor,
  tensor,
  valuesOf,
} from '../../../reference/index.js';
import type { ModelConfig } from '../../../src/core/config.js';
import { resolveStep, type Loss } from '../../../src/core/optimiser.js';
import { sizeOf, type FloatArray, type StateDict, type Tensor } from '../../../src/core/tensor.js';
import { joined, partsOf } from '../../../src/train/microBatches.js';
import type { Trainer, StepOptions } from '../../../src/train/trainer.js';
import { planTraining } from '../../../src/wasm/training/layout.js';
import { gammaOf, WASM } from '../../judges/arithmetic.js';
import { optimiserBound, stepOf } from '../../judges/optimiserBound.js';
import { uniform, type Draw } from '../draw.js';
import type { Verdict } from '../judge.js';
import { slopeBound } from './lossJudge.js';
import { UnitJudge } from './unitJudge.js';

export interface TwinOptions {
  /** Images of a micro-batch, and how many of those make up a step. */
  readonly n: number;
  readonly gradAccumSteps: number;
  readonly loss: Loss;
  /** Of the dropout masks. */
  readonly seed: number;
  /** Of the coin. */
  readonly coin: number;
}

const toOracle = ({ data, shape }: Tensor) => tensor(data, shape);
const zerosOf = (shape: readonly number[]): Tensor => ({ data: new Float64Array(sizeOf(shape)), shape });

export function openTwin(
  config: ModelConfig,
  initial: StateDict,
  { n, gradAccumSteps, loss, seed, coin }: TwinOptions,
): Pick<Trainer, 'step' | 'snapshot'> {
  const units = planTraining(config, n, { threads: 1, loss }).units.map(({ name }) => name);
  const fall: Draw = uniform(coin);
  const err = ({ exact, bound, shape }: Verdict): Tensor => ({
    data: exact.map((value, i) => (fall() < 0.5 ? value - bound[i] : value + bound[i])),
    shape,
  });
  const classes = config.num_classes;
  const [value, slope] = loss === 'bce' ? [bceWithLogits, bceWithLogitsBackward] : [crossEntropy, crossEntropyBackward];
  const state = new Map(initial);
  const moments = new Map<string, Tensor>();
  let [steps, passes] = [0, 0];

  /** Running statistics go into the state, gradients come out by their parameters' names. */
  function pass(x: FloatArray, targets: FloatArray, lambda: number) {
    const tensorOf = (name: string): Tensor => state.get(name) ?? zerosOf([0]);
    const judge = new UnitJudge(config, { lambda, seed, stream: 2 ** 31 + passes, tensor: tensorOf });
    const maps: Tensor[] = [{ data: x, shape: [n, config.in_chans, ...config.input_size] }];
    for (const name of units) {
      for (const [what, verdict] of judge.forward(name, maps[maps.length - 1])) {
        if (what === 'y') maps.push(err(verdict));
        else state.set(`${name}.${what}`, err(verdict));
      }
      const counter = `${name}.num_batches_tracked`;
      if (state.has(counter)) state.set(counter, { data: Float64Array.of(passes + 1), shape: [] });
    }
    const [logits, shares] = [tensor(maps[units.length].data, [n, classes]), tensor(targets, [n, classes])];
    const exact = valuesOf(slope(logits, shares));
    let dy = err({ exact, bound: exact.map((g) => slopeBound(g, n, classes)), shape: maps[units.length].shape });
    const gradients = new Map<string, Tensor>();
    for (let k = units.length - 1; k >= 0; k--) {
      const answers = judge.backward(units[k], maps[k], maps[k + 1], dy);
      for (const [what, verdict] of answers) {
        if (what === 'dx') dy = err(verdict);
        else gradients.set(`${units[k]}.${what}`, err(verdict));
      }
    }
    passes++;
    return { loss: value(logits, shares), logits: valuesOf(logits), gradients };
  }

  /** A step's passes. k gradients are added up and divided by k: γ_k of the mean of their magnitudes. */
  function allPasses(x: FloatArray, targets: FloatArray, lambda: number) {
    const parts = partsOf(x, targets, gradAccumSteps).map((part) => pass(part.x, part.targets, lambda));
    if (parts.length === 1) return parts[0];
    const gradients = new Map<string, Tensor>();
    for (const [name, { shape }] of parts[0].gradients) {
      const mean = (of: (v: number) => number): Float64Array =>
        Float64Array.from({ length: sizeOf(shape) }, (_, i) =>
          parts.reduce((sum, part) => sum + of(part.gradients.get(name)?.data[i] ?? NaN) / parts.length, 0),
        );
      const bound = mean(Math.abs).map((size) => gammaOf(WASM)(parts.length) * size);
      gradients.set(name, err({ exact: mean((v) => v), bound, shape }));
    }
    return { ...joined(parts), gradients };
  }

  return {
    step(x, targets, { lambda, optimiser }: StepOptions) {
      const { gradients, ...outcome } = allPasses(x, targets, lambda);
      steps++;
      const step = resolveStep(optimiser);
      const divisor = step.kind === 'lamb' ? lambDivisor([...gradients.values()].map(toOracle)) : 1;
      for (const [name, g] of gradients) {
        const { shape } = g;
        const moment = (part: string): Tensor => moments.get(`${part}.${name}`) ?? zerosOf(shape);
        const m = moment(step.kind === 'sgd' ? 'momentum_buffer' : 'exp_avg');
        const before = { p: state.get(name) ?? zerosOf([0]), g, m, v: moment('exp_avg_sq') };
        const own = stepOf(name, shape, step, config.strides.length);
        const after = optimiserBound(before, own, steps, { value: divisor, off: 0 });
        for (const [what, verdict] of after) {
          if (what === 'param') state.set(name, err({ ...verdict, shape }));
          else moments.set(`${what}.${name}`, err({ ...verdict, shape }));
        }
      }
      return outcome;
    },
    snapshot: () => ({ state: new Map(state), optimiser: new Map(moments), steps }),
  };
}
