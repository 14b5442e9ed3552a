import type { Rounding } from '../../reference/index.js';
import type { ModelConfig } from '../core/config.js';
import { planNetwork, type Layer } from '../core/network.js';
import type { StateDict, Tensor } from '../core/tensor.js';
import type { Comparison, HeatMap, LayerVerdict, Verdict } from './comparison.js';
import { heatMapOf } from './heatMap.js';
import { judge } from './judge.js';
import { measure } from './measures.js';
import { isModule } from './names.js';
import { Oracle } from './oracle.js';
import type { Views } from './views.js';

/** Somebody who ran the network. */
export interface Candidate extends Views {
  readonly name: string;
  /** By default true; the oracle need not be held against itself. */
  readonly judged?: boolean;
  /** How what computed it rounds; by default to nearest. */
  readonly rounding?: Rounding;
}

/** Layers between two that were shown, and behind the last, that could have been. */
const missingFrom = ({ views }: Views, plan: readonly Layer[]): string[] =>
  plan.filter((layer, i) => isModule(layer, plan) && !views.some((view) => view.layer === i)).map(({ name }) => name);

function verdictOn(
  candidate: Candidate,
  reference: Views,
  { oracle, plan, x }: { readonly oracle: Oracle; readonly plan: readonly Layer[]; readonly x: Tensor },
): Verdict {
  const layers: LayerVerdict[] = [];
  let [worst, heatMap]: [LayerVerdict | null, HeatMap | null] = [null, null];
  let [from, input]: [number, Tensor] = [-1, x];
  for (const { layer, tensor } of candidate.views) {
    const answer = oracle.run(from + 1, layer, input, candidate.rounding);
    const { name, op } = plan[layer];
    const other = reference.views.find((view) => view.layer === layer);
    const verdict: LayerVerdict = {
      layer: name,
      op,
      from: from < 0 ? null : plan[from].name,
      shape: tensor.shape,
      local: measure(tensor.data, answer.exact),
      ...judge(tensor.data, answer, tensor.shape),
      global: other === undefined ? null : measure(tensor.data, other.tensor.data),
    };
    layers.push(verdict);
    if (verdict.worst.ratio > (worst?.worst.ratio ?? 0)) {
      worst = verdict;
      heatMap = heatMapOf(name, tensor, answer, verdict.worst);
    }
    [from, input] = [layer, tensor];
  }
  return {
    backend: candidate.name,
    layers,
    first: layers.find(({ outside }) => outside > 0)?.layer ?? null,
    worst,
    heatMap,
    missing: missingFrom(candidate, plan),
    unknown: candidate.unknown,
  };
}

/**
 * Holds what others made of a batch against the float64 reference, layer by layer: each layer's output
 * against what the reference makes of the candidate's own output of the layer before. So what
 * one layer does wrong is not laid at the door of the next. Beside it stands the
 * difference to the first of them, which is what has become of it all.
 *
 * @param config its input_size is that of x
 * @param x [n,in_chans,h,w], what all of them were given
 */
export function compare(
  state: StateDict,
  config: ModelConfig,
  x: Tensor,
  candidates: readonly [Candidate, ...Candidate[]],
): Comparison {
  const plan = planNetwork(config, config.input_size);
  const by = { oracle: new Oracle(state, config), plan, x };
  const [first] = candidates;
  const judged = candidates.filter((candidate) => candidate.judged !== false);
  return { to: first.name, verdicts: judged.map((candidate) => verdictOn(candidate, first, by)) };
}

/** Whether every layer of everybody stays within its bound. */
export const holds = ({ verdicts }: Comparison): boolean => verdicts.every(({ first }) => first === null);
