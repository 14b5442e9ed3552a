/**
 * Ten steps of training, each from where the engine's last one led, held against the oracle's.
 * What roundings grow to over steps is not told by a bound that anybody could use, but it is
 * seen in twins of the oracle whose every number is at the edge of its bound, up or down as
 * drawn. To first order a deviation is a linear map of all roundings: its mean square over the
 * signs is the sum of squares of what each does at its most, and roundings that do not know of
 * one another and are not all at their most make less. So what an engine is off by, tensor by
 * tensor in Euclid's norm, must be less than what the furthest of the twins is.
 *
 * Adam divides by what may be no more than the rounding of a gradient that is zero: with an eps
 * above such gradients it stays a map that does not amplify them.
 */
import type { Loss, OptimiserStep } from '../../../src/core/optimiser.js';
import type { StateDict, Tensor } from '../../../src/core/tensor.js';
import type { Arithmetic } from '../../judges/arithmetic.js';
import { uniform } from '../../wasm/draw.js';
import { drawState } from '../../wasm/networks.js';
import { EXACT, type Off } from './chain.js';
import { imagesFor, sharesFor } from './given.js';
import { SMALL, type Network } from './networks.js';
import { failed, type Row } from './row.js';
import type { Subject } from './subject.js';
import { Twin } from './twin.js';

export const STEPS = 10;
const TWINS = 2;
const SEED = 5;
const EPS = 1e-3;

export interface Course {
  readonly label: string;
  readonly network: Network;
  readonly lambda: number;
  readonly loss: Loss;
  readonly step: OptimiserStep;
}

const course = (form: 'train' | 'deploy', lambda: number, loss: Loss, step: OptimiserStep): Course => ({
  label: `${step.kind}, ${loss}${form === 'train' ? `, λ ${lambda}` : ''}`,
  network: SMALL[form],
  lambda,
  loss,
  step,
});

export const COURSES: readonly Course[] = [
  course('train', 0, 'cross-entropy', { kind: 'adam', lr: 1e-2, weightDecay: 0.02, eps: EPS }),
  course('train', 0.25, 'cross-entropy', { kind: 'adamw', lr: 1e-2, weightDecay: 0.3, layerDecay: 0.8, eps: EPS }),
  course('train', 0.25, 'bce', { kind: 'lamb', lr: 1e-2, weightDecay: 0.3, layerDecay: 0.8, eps: EPS }),
  course('train', 1, 'cross-entropy', { kind: 'sgd', lr: 1e-2, momentum: 0.9, nesterov: true, weightDecay: 0.02 }),
  course('deploy', 0, 'cross-entropy', { kind: 'sgd', lr: 1e-1, momentum: 0.9 }),
  course('deploy', 0, 'bce', { kind: 'adamw', lr: 1e-2, weightDecay: 0.3, decayVectors: false, eps: EPS }),
];

/** All that a training tells, tensor by tensor; losses and logits of every step in one. */
export type Outcome = ReadonlyMap<string, ArrayLike<number>>;

interface Batch {
  readonly x: Tensor;
  readonly q: Tensor;
}

const batchesOf = (network: Network): Batch[] =>
  Array.from({ length: STEPS }, (_, i) => ({ x: imagesFor(network, 100 + i), q: sharesFor(network, 200 + i) }));

const outcome = (losses: number[], logits: number[], state: StateDict, moments: StateDict): Outcome =>
  new Map<string, ArrayLike<number>>([
    ['losses', losses],
    ['logits', logits],
    ...[...state].map(([name, { data }]) => [name, data] as const).filter(([name]) => !name.endsWith('tracked')),
    ...[...moments].map(([name, { data }]) => [name, data] as const),
  ]);

export function byTwin({ network, lambda, loss, step }: Course, by: Arithmetic, off: Off): Outcome {
  const twin = new Twin(drawState(network.config), network.config, { loss, seed: SEED }, by, off);
  const [losses, logits]: [number[], number[]] = [[], []];
  for (const { x, q } of batchesOf(network)) {
    const made = twin.step(x, q, lambda, step);
    losses.push(...made.losses.data);
    logits.push(...made.logits.data);
  }
  return outcome(losses, logits, twin.state, twin.moments);
}

async function bySubject({ network, lambda, loss, step }: Course, subject: Subject): Promise<Outcome> {
  const options = { loss, seed: SEED, batchSize: network.n };
  const training = await subject.train(drawState(network.config), network.config, options);
  const [losses, logits]: [number[], number[]] = [[], []];
  for (const { x, q } of batchesOf(network)) {
    const made = await training.pass(x.data, q.data, lambda);
    losses.push(...made.losses);
    logits.push(...made.logits);
    await training.optimise(step);
  }
  const made = outcome(losses, logits, await training.state(), await training.optimiserState());
  training.dispose();
  return made;
}

const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.sqrt(Array.from(a).reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0));

/** How far it may be off by name, and the oracle's own numbers. */
interface Expected {
  readonly oracle: Outcome;
  readonly limits: ReadonlyMap<string, number>;
}

/** Of every arithmetic once: engines share them. */
const expectations = new Map<string, Expected>();

function expected(of: Course, by: Arithmetic): Expected {
  const key = `${of.label}, ${of.network.label}, ${by.label}`;
  const known = expectations.get(key);
  if (known !== undefined) return known;
  const oracle = byTwin(of, by, EXACT);
  const twins = Array.from({ length: TWINS }, (_, i) => {
    const random = uniform(300 + i);
    return byTwin(of, by, () => (random() < 0.5 ? -1 : 1));
  });
  const limits = new Map(
    [...oracle].map(([name, values]) => [name, Math.max(...twins.map((twin) => apart(twin.get(name) ?? [], values)))]),
  );
  const made = { oracle, limits };
  expectations.set(key, made);
  return made;
}

/** What all tensors moved by in the training, and what they may be off by: the first must be much more. */
function saysSomething({ oracle, limits }: Expected, state: StateDict): boolean {
  let [moved, off] = [0, 0];
  for (const [name, { data }] of state) {
    const after = oracle.get(name);
    if (after === undefined) continue;
    moved += apart(after, data) ** 2;
    off += (limits.get(name) ?? 0) ** 2;
  }
  return Math.sqrt(off) * 20 < Math.sqrt(moved);
}

export async function stepRows(subject: Subject, of: Course): Promise<Row> {
  const all = expected(of, subject.arithmetic);
  const check = `${STEPS} steps`;
  const network = `${of.network.label}: ${of.label}`;
  if (!saysSomething(all, drawState(of.network.config))) return failed(check, network, 'twins too far apart');
  const got = await bySubject(of, subject);
  let [worst, at] = [0, ''];
  for (const [name, values] of all.oracle) {
    const [off, limit] = [apart(values, got.get(name) ?? []), all.limits.get(name) ?? 0];
    const ratio = off === 0 ? 0 : off / limit;
    if (!(ratio <= worst) || at === '')
      [worst, at] = [Number.isNaN(ratio) ? Infinity : ratio, `${name}: ${off} of ${limit}`];
  }
  if (got.size !== all.oracle.size) return failed(check, network, `${got.size} tensors, not ${all.oracle.size}`);
  return { check, network, worst, ok: worst <= 1, at };
}
