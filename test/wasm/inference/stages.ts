import type { ModelConfig } from '../../../src/core/config.js';
import type { StateDict, Tensor } from '../../../src/core/tensor.js';
import { planNetwork, type Layer } from '../../../src/core/network.js';
import type { OpCall } from '../../../src/wasm/ops/opCall.js';
import { runFeatures } from '../../../src/wasm/inference/features.js';
import type { Network } from '../../../src/wasm/inference/network.js';
import { judge, misfit, type Verdict } from '../judge.js';

const exactly = ({ data, shape }: Tensor): Verdict => ({
  shape,
  exact: Float64Array.from(data),
  bound: new Float64Array(data.length),
});

/** The module of the deploy form whose output is that of the layer; null if there is none. */
const moduleOf = (layer: string): string => layer.replace(/^stem\.1$|\.act$/, (end) => (end === '.act' ? '' : 'stem'));

/** What a layer must answer to an input that is off by its bound. */
function through(layer: Layer, state: StateDict, { exact, shape, bound }: Verdict): Verdict {
  const weight = state.get(`${layer.name}.weight`) ?? null;
  const bias = state.get(`${layer.name}.bias`) ?? null;
  return judge(layer as OpCall, { x: { data: exact, shape }, weight, bias }, bound);
}

/** What every module must answer to x [n,in_chans,h,w], with the bounds of all before it composed. */
export function chain(config: ModelConfig, state: StateDict, x: Tensor): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  let map = exactly(x);
  for (const layer of planNetwork(config, config.input_size)) {
    map = through(layer, state, map);
    verdicts.set(moduleOf(layer.name), map);
  }
  return verdicts;
}

/**
 * Holds the maps that the engine stores against the oracle: every stage on the
 * engine's own input to it, op by op in float64, with the bounds of what lies
 * between composed.
 *
 * @returns the first layer that is wrong and why, or null
 */
export function stagesMisfit(
  config: ModelConfig,
  state: StateDict,
  x: Tensor,
  outputs: ReadonlyMap<string, Tensor>,
): string | null {
  const seen: string[] = [];
  let map = exactly(x);
  for (const layer of planNetwork(config, config.input_size)) {
    map = through(layer, state, map);
    const y = outputs.get(moduleOf(layer.name));
    if (y === undefined) continue;
    seen.push(layer.name);
    if (y.shape.join() !== map.shape.join()) return `${layer.name}: [${y.shape.join()}], not [${map.shape.join()}]`;
    const wrong = misfit(y.data, map);
    if (wrong !== null) return `${layer.name}: ${wrong}`;
    map = exactly(y);
  }
  const expected = ['stem.1', ...config.strides.map((_, i) => `stages.${i}.act`), 'cls.0', 'cls.2'];
  return seen.join() === expected.join() ? null : `saw ${seen.join()}, not ${expected.join()}`;
}

/** Everything that can be seen of the image that lies in a network. */
export const allLayers = (network: Network): Map<string, Tensor> =>
  runFeatures(network, new Set([...network.layout.stages.map(({ name }) => name), 'cls.0', 'cls.2']));
