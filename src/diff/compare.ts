import type { Rounding } from '../../reference/index.js';
import type { ModelConfig } from '../core/config.js';
import { planNetwork, type Layer } from '../core/network.js';
import type { StateDict, Tensor } from '../core/tensor.js';
import type { Comparison, HeatMap, LayerVerdict, Verdict } from './comparison.js';
import { heatMapOf } from './heatMap.js';
import { judge } from './judge.js';
import { measure } from './measures.js';
import { isModule } from './names.js';
import type { LayerOutputs } from './layerOutputs.js';
import { ReferenceLayers } from './referenceLayers.js';

/** Outputs of a backend or of another framework. */
export interface Candidate extends LayerOutputs {
  readonly name: string;
  /** Whether to judge it; true by default. The reference need not be compared with itself. */
  readonly judged?: boolean;
  /** How the candidate rounds; to nearest by default. */
  readonly rounding?: Rounding;
}

/** Names of the modules without output. */
const missingModules = ({ outputs }: LayerOutputs, plan: readonly Layer[]): string[] =>
  plan
    .filter((layer, i) => isModule(layer, plan) && !outputs.some((output) => output.layer === i))
    .map(({ name }) => name);

/** What candidates are judged by. */
interface Standard {
  readonly reference: ReferenceLayers;
  readonly plan: readonly Layer[];
  readonly x: Tensor;
}

/** @param first the candidate that the others' differences are to */
function verdictOn(candidate: Candidate, first: LayerOutputs, { reference, plan, x }: Standard): Verdict {
  const layers: LayerVerdict[] = [];
  let [worst, heatMap]: [LayerVerdict | null, HeatMap | null] = [null, null];
  let [from, input]: [number, Tensor] = [-1, x];
  for (const { layer, tensor } of candidate.outputs) {
    const expected = reference.run(from + 1, layer, input, candidate.rounding);
    const { name, op } = plan[layer];
    const other = first.outputs.find((output) => output.layer === layer);
    const verdict: LayerVerdict = {
      layer: name,
      op,
      from: from < 0 ? null : plan[from].name,
      shape: tensor.shape,
      local: measure(tensor.data, expected.exact),
      ...judge(tensor.data, expected, tensor.shape),
      global: other === undefined ? null : measure(tensor.data, other.tensor.data),
    };
    layers.push(verdict);
    if (verdict.worst.ratio > (worst?.worst.ratio ?? 0)) {
      worst = verdict;
      heatMap = heatMapOf(name, tensor, expected, verdict.worst);
    }
    [from, input] = [layer, tensor];
  }
  return {
    backend: candidate.name,
    layers,
    first: layers.find(({ outside }) => outside > 0)?.layer ?? null,
    worst,
    heatMap,
    missing: missingModules(candidate, plan),
    unknown: candidate.unknown,
  };
}

/**
 * Compares candidates with the float64 reference, layer by layer: the output of each layer with what the reference
 * computes from the candidate's own output of the layer before, so that the error of one layer does not count in the
 * next. Also measures the difference to the first candidate, in which all errors accumulate.
 *
 * @param config a configuration with the input_size of x
 * @param x [n,in_chans,h,w], the batch that the outputs are of
 */
export function compare(
  state: StateDict,
  config: ModelConfig,
  x: Tensor,
  candidates: readonly [Candidate, ...Candidate[]],
): Comparison {
  const plan = planNetwork(config, config.input_size);
  const standard: Standard = { reference: new ReferenceLayers(state, config), plan, x };
  const [first] = candidates;
  const judged = candidates.filter((candidate) => candidate.judged !== false);
  return { to: first.name, verdicts: judged.map((candidate) => verdictOn(candidate, first, standard)) };
}

/** Whether every layer of all candidates is within its bound. */
export const holds = ({ verdicts }: Comparison): boolean => verdicts.every(({ first }) => first === null);
