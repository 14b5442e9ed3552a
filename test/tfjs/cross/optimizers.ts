/** Compares a step of every optimizer with the reference, for random parameters, gradients and moments. */
import { lambDivisor, tensor } from '../../../reference/index.js';
import { resolveStep, type OptimizerStep } from '../../../src/core/optimizer.js';
import type { Tensor } from '../../../src/core/tensor.js';
import type { TfTensor } from '../../../src/tfjs/tf.js';
import { divisorOff, optimizerBound } from '../../judges/optimizerBound.js';
import { draw, uniform } from '../../wasm/draw.js';
import type { EngineUnderTest } from './engine.js';
import { read } from './read.js';
import { rowOf, type Comparison, type Row } from './row.js';

const STEPS: readonly (readonly [label: string, step: OptimizerStep, count: number, size?: number])[] = [
  ['adam', { kind: 'adam', lr: 1e-2, weightDecay: 0.02 }, 1],
  ['adam, later', { kind: 'adam', lr: 1e-2, weightDecay: 0.02 }, 7],
  ['adamw', { kind: 'adamw', lr: 1e-2, weightDecay: 0.3, eps: 1e-6 }, 5],
  ['sgd', { kind: 'sgd', lr: 1e-1, momentum: 0.9, weightDecay: 0.02 }, 3],
  ['sgd with Nesterov momentum', { kind: 'sgd', lr: 1e-1, momentum: 0.9, nesterov: true }, 3],
  ['lamb', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3 }, 9],
  ['lamb, gradients below the clipping norm', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3 }, 9, 1e-3],
  ['lamb without decay', { kind: 'lamb', lr: 5e-3 }, 4],
];

const SHAPE = [9, 13];

interface StepInput {
  readonly p: Tensor;
  readonly g: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
}

function drawInput(count: number, size: number, empty: boolean): StepInput {
  const random = uniform(31);
  // Some gradients are 0, and in the first step all moments.
  const of = (scale: number, each: (v: number) => number = (v) => v): Tensor => {
    const { data, shape } = draw(SHAPE, random);
    return { data: data.map((v, i) => (i % 7 === 0 ? 0 : scale * each(v))), shape };
  };
  const first = count === 1 ? 0 : 1;
  const p = draw(SHAPE, random);
  return {
    // A parameter with norm 0: LAMB's trust ratio is 1.
    p: empty ? { ...p, data: p.data.map(() => 0) } : p,
    g: of(size),
    m: of(0.1 * first),
    v: of(0.01 * first, (v) => v * v),
  };
}

async function step(
  { tf, parts }: EngineUnderTest,
  { p, g, m, v }: StepInput,
  options: Required<OptimizerStep>,
  count: number,
): Promise<Map<string, Tensor>> {
  const output = tf.tidy((): Record<string, TfTensor> => {
    const [param, grad, first, second] = [p, g, m, v].map(({ data, shape }) =>
      tf.tensor(Float32Array.from(data), [...shape], 'float32'),
    );
    const old = { m: first, v: second };
    if (options.kind === 'sgd') {
      const after = parts.sgd.sgd(tf, param, grad, first, options);
      return { param: after.param, momentum_buffer: after.buffer };
    }
    const after =
      options.kind === 'lamb'
        ? parts.lamb.lamb(tf, param, grad, old, count, parts.lamb.lambDivisor(tf, [grad]), options)
        : parts.adam.adam(tf, param, grad, old, count, { ...options, decoupled: options.kind === 'adamw' });
    return { param: after.param, exp_avg: after.m, exp_avg_sq: after.v };
  });
  const after = new Map<string, Tensor>();
  for (const [name, value] of Object.entries(output)) {
    after.set(name, await read(value));
    value.dispose();
  }
  return after;
}

export async function optimizerRows(engine: EngineUnderTest): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [label, stepOptions, count, size = 0.3] of STEPS) {
    const options = resolveStep(stepOptions);
    const comparisons: Comparison[] = [];
    for (const empty of [false, true]) {
      const before = drawInput(count, size, empty);
      const after = await step(engine, before, options, count);
      const value = options.kind === 'lamb' ? lambDivisor([tensor(before.g.data, before.g.shape)]) : 1;
      const error = options.kind === 'lamb' ? divisorOff(before.g.data.length, engine.arithmetic) : 0;
      for (const [name, verdict] of optimizerBound(before, options, count, { value, off: error }, engine.arithmetic)) {
        comparisons.push({ got: after.get(name)?.data ?? new Float32Array(0), verdict, at: name });
      }
    }
    rows.push(rowOf(label, `step ${count}`, comparisons));
  }
  return rows;
}
