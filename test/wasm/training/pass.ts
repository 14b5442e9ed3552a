/** Compares every unit of a network in training, forward and backward, with the reference on the unit's actual inputs. */
import type { FloatArray, Tensor } from '../../../src/core/tensor.js';
import type { UnitLayout } from '../../../src/wasm/training/layout.js';
import { vanishing } from '../../judges/training/vanishing.js';
import { misfit, type Verdict } from '../judge.js';
import { Chain, NETWORKS } from './chain.js';
import { UnitJudge } from './unitJudge.js';

const STREAM = 2 ** 31 + 3;
const SEED = 5;

/** What a unit gave, and what it had to. */
interface Given {
  readonly way: 'forward' | 'backward';
  /** Of planNetwork. */
  readonly op: string;
  /** The unit, and which of what it gave. */
  readonly at: string;
  readonly got: FloatArray;
  readonly verdict: Verdict;
  /** Whether it may be nothing but rounding. */
  readonly mayVanish: boolean;
}

/** Runs a whole pass, one unit after the other. */
export async function* passOf(
  wasm: Uint8Array,
  lambda: number,
  network: (typeof NETWORKS)[number],
): AsyncGenerator<Given> {
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
  const given = ({ name }: UnitLayout, way: Given['way'], what: string, y: Tensor, verdict: Verdict): Given => ({
    ...{ way, op: judge.layer(name).op, at: `${name}, ${what}`, got: y.data, verdict },
    mayVanish: zero.has(`${name}.${what}`),
  });

  for (const unit of layout.units) {
    // Before it runs: running statistics change.
    const verdicts = judge.forward(unit.name, inputOf(unit));
    chain.run(unit.forward);
    for (const [what, verdict] of verdicts) {
      yield given(unit, 'forward', what, what === 'y' ? outputOf(unit) : chain.tensor(`${unit.name}.${what}`), verdict);
    }
  }

  // The loss, whose gradient is where the last unit looks for it.
  const [first, last] = layout.backward;
  chain.run([first, first + 1]);
  for (const unit of [...layout.units].reverse()) {
    // Before it runs: a gradient may come where another was.
    const x = inputOf(unit);
    const verdicts = judge.backward(unit.name, x, outputOf(unit), outputOf(unit, unit.dy));
    chain.run(unit.backward);
    for (const [what, verdict] of verdicts) {
      if (what === 'dx' && unit === layout.units[0]) continue;
      const y =
        what === 'dx' ? chain.read({ ...unit.x, block: unit.dx }, x.shape[1]) : chain.gradient(`${unit.name}.${what}`);
      yield given(unit, 'backward', what, y, verdict);
    }
  }
  if (layout.units[0].backward[1] !== last) throw new Error('regions behind the last unit');
}

/** Checks a whole pass. @returns the first unit that is wrong, and how; or null */
export async function passMisfit(
  wasm: Uint8Array,
  lambda: number,
  network: (typeof NETWORKS)[number],
): Promise<string | null> {
  for await (const { at, got, verdict, mayVanish } of passOf(wasm, lambda, network)) {
    const wrong = misfit(got, verdict, mayVanish);
    if (wrong !== null) return `${at}: ${wrong}`;
  }
  return null;
}
