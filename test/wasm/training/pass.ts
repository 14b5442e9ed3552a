/**
 * Compares every unit of a network in training, forward and backward, with the reference on the unit's actual inputs.
 */
import type { FloatArray, Tensor } from '../../../src/core/tensor.js';
import type { UnitLayout } from '../../../src/wasm/training/layout.js';
import { vanishing } from '../../judges/training/vanishing.js';
import { findMismatch, type Verdict } from '../judge.js';
import { Chain, NETWORKS } from './chain.js';
import { UnitJudge } from './unitJudge.js';

const STREAM = 2 ** 31 + 3;
const SEED = 5;

/** A result of a unit, and the expected one. */
interface UnitResult {
  readonly way: 'forward' | 'backward';
  /** The op, as in planNetwork. */
  readonly op: string;
  /** The names of the unit and of the result. */
  readonly at: string;
  readonly got: FloatArray;
  readonly verdict: Verdict;
  /** Whether the exact result is 0, so that only rounding is left. */
  readonly mayVanish: boolean;
}

/** Runs a whole pass, one unit after the other. */
export async function* passOf(
  wasm: Uint8Array,
  lambda: number,
  network: (typeof NETWORKS)[number],
): AsyncGenerator<UnitResult> {
  const chain = await Chain.open(wasm, network.sizes, network.n, { form: network.form });
  const { config, layout } = chain;
  const { x: images } = chain.give(lambda, network.flat);
  layout.dropout.set(chain.view, { seed: SEED, stream: STREAM });
  const judge = new UnitJudge(config, { lambda, seed: SEED, stream: STREAM, tensor: (name) => chain.tensor(name) });
  const zero = new Set(vanishing(config, lambda).map(({ bias }) => bias));
  const inputOf = (unit: UnitLayout): Tensor =>
    unit === layout.units[0] ? images : chain.read(unit.x, judge.layer(unit.name).input[0]);
  const outputOf = (unit: UnitLayout, block = unit.y.block): Tensor =>
    chain.read({ ...unit.y, block }, judge.layer(unit.name).output[0]);
  const resultOf = (
    { name }: UnitLayout,
    way: UnitResult['way'],
    what: string,
    y: Tensor,
    verdict: Verdict,
  ): UnitResult => ({
    ...{ way, op: judge.layer(name).op, at: `${name}, ${what}`, got: y.data, verdict },
    mayVanish: zero.has(`${name}.${what}`),
  });

  for (const unit of layout.units) {
    // Judged before the unit runs, because it changes the running statistics.
    const verdicts = judge.forward(unit.name, inputOf(unit));
    chain.run(unit.forward);
    for (const [what, verdict] of verdicts) {
      yield resultOf(
        unit,
        'forward',
        what,
        what === 'y' ? outputOf(unit) : chain.tensor(`${unit.name}.${what}`),
        verdict,
      );
    }
  }

  // The loss, which writes the gradient that the last unit reads.
  const [first, last] = layout.backward;
  chain.run([first, first + 1]);
  for (const unit of [...layout.units].reverse()) {
    // Judged before the unit runs, because gradients may share a block.
    const x = inputOf(unit);
    const verdicts = judge.backward(unit.name, x, outputOf(unit), outputOf(unit, unit.dy));
    chain.run(unit.backward);
    for (const [what, verdict] of verdicts) {
      if (what === 'dx' && unit === layout.units[0]) continue;
      const y =
        what === 'dx' ? chain.read({ ...unit.x, block: unit.dx }, x.shape[1]) : chain.gradient(`${unit.name}.${what}`);
      yield resultOf(unit, 'backward', what, y, verdict);
    }
  }
  if (layout.units[0].backward[1] !== last) throw new Error('regions after the last unit');
}

/** Checks a whole pass. @returns the first unit that is wrong, and how; or null */
export async function findPassMismatch(
  wasm: Uint8Array,
  lambda: number,
  network: (typeof NETWORKS)[number],
): Promise<string | null> {
  for await (const { at, got, verdict, mayVanish } of passOf(wasm, lambda, network)) {
    const wrong = findMismatch(got, verdict, mayVanish);
    if (wrong !== null) return `${at}: ${wrong}`;
  }
  return null;
}
