/** A step of every optimizer on an engine, of drawn parameters, gradients and moments. */
import { lambDivisor, tensor } from '../../../reference/index.js';
import { resolveStep, type OptimizerStep } from '../../../src/core/optimizer.js';
import type { Tensor } from '../../../src/core/tensor.js';
import type { TfTensor } from '../../../src/tfjs/tf.js';
import { divisorOff, optimizerBound } from '../../judges/optimizerBound.js';
import { draw, uniform } from '../../wasm/draw.js';
import type { EngineUnderTest } from './engine.js';
import { read } from './read.js';
import { rowOf, type Held, type Row } from './row.js';

const STEPS: readonly (readonly [label: string, step: OptimizerStep, count: number, size?: number])[] = [
  ['adam', { kind: 'adam', lr: 1e-2, weightDecay: 0.02 }, 1],
  ['adam, later', { kind: 'adam', lr: 1e-2, weightDecay: 0.02 }, 7],
  ['adamw', { kind: 'adamw', lr: 1e-2, weightDecay: 0.3, eps: 1e-6 }, 5],
  ['sgd', { kind: 'sgd', lr: 1e-1, momentum: 0.9, weightDecay: 0.02 }, 3],
  ['sgd by Nesterov', { kind: 'sgd', lr: 1e-1, momentum: 0.9, nesterov: true }, 3],
  ['lamb', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3 }, 9],
  ['lamb, gradients not to be clipped', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3 }, 9, 1e-3],
  ['lamb without decay', { kind: 'lamb', lr: 5e-3 }, 4],
];

const SHAPE = [9, 13];

interface Drawn {
  readonly p: Tensor;
  readonly g: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
}

function drawn(count: number, size: number, empty: boolean): Drawn {
  const random = uniform(31);
  // Some gradients vanish, and with them, in the beginning, moments.
  const of = (scale: number, each: (v: number) => number = (v) => v): Tensor => {
    const { data, shape } = draw(SHAPE, random);
    return { data: data.map((v, i) => (i % 7 === 0 ? 0 : scale * each(v))), shape };
  };
  const first = count === 1 ? 0 : 1;
  const p = draw(SHAPE, random);
  return {
    // A tensor without a length: LAMB's ratio is 1.
    p: empty ? { ...p, data: p.data.map(() => 0) } : p,
    g: of(size),
    m: of(0.1 * first),
    v: of(0.01 * first, (v) => v * v),
  };
}

async function step(
  { tf, parts }: EngineUnderTest,
  { p, g, m, v }: Drawn,
  by: Required<OptimizerStep>,
  count: number,
): Promise<Map<string, Tensor>> {
  const made = tf.tidy((): Record<string, TfTensor> => {
    const [param, grad, first, second] = [p, g, m, v].map(({ data, shape }) =>
      tf.tensor(Float32Array.from(data), [...shape], 'float32'),
    );
    const old = { m: first, v: second };
    if (by.kind === 'sgd') {
      const after = parts.sgd.sgd(tf, param, grad, first, by);
      return { param: after.param, momentum_buffer: after.buffer };
    }
    const after =
      by.kind === 'lamb'
        ? parts.lamb.lamb(tf, param, grad, old, count, parts.lamb.lambDivisor(tf, [grad]), by)
        : parts.adam.adam(tf, param, grad, old, count, { ...by, decoupled: by.kind === 'adamw' });
    return { param: after.param, exp_avg: after.m, exp_avg_sq: after.v };
  });
  const after = new Map<string, Tensor>();
  for (const [name, value] of Object.entries(made)) {
    after.set(name, await read(value));
    value.dispose();
  }
  return after;
}

export async function optimizerRows(engine: EngineUnderTest): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [label, given, count, size = 0.3] of STEPS) {
    const by = resolveStep(given);
    const held: Held[] = [];
    for (const empty of [false, true]) {
      const before = drawn(count, size, empty);
      const after = await step(engine, before, by, count);
      const value = by.kind === 'lamb' ? lambDivisor([tensor(before.g.data, before.g.shape)]) : 1;
      const off = by.kind === 'lamb' ? divisorOff(before.g.data.length, engine.arithmetic) : 0;
      for (const [what, verdict] of optimizerBound(before, by, count, { value, off }, engine.arithmetic)) {
        held.push({ got: after.get(what)?.data ?? new Float32Array(0), verdict, at: what });
      }
    }
    rows.push(rowOf(label, `step ${count}`, held));
  }
  return rows;
}
