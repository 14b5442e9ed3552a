import type { ModelConfig } from '../../../src/core/config.js';
import type { StateDict, Tensor } from '../../../src/core/tensor.js';
import { planNetwork, type Layer } from '../../../src/core/network.js';
import type { OpCall } from '../../../src/wasm/ops/opCall.js';
import { runFeatures } from '../../../src/wasm/inference/features.js';
import type { Network } from '../../../src/wasm/inference/network.js';
import { judge, findMismatch, type Verdict } from '../judge.js';

const exactly = ({ data, shape }: Tensor): Verdict => ({
  shape,
  exact: Float64Array.from(data),
  bound: new Float64Array(data.length),
});

/** The module of the deploy form whose output is that of the layer; null if there is none. */
const moduleOf = (layer: string): string => layer.replace(/^stem\.1$|\.act$/, (end) => (end === '.act' ? '' : 'stem'));

/** The expected output of a layer whose input has an error of at most its bound. */
function applyLayer(layer: Layer, state: StateDict, { exact, shape, bound }: Verdict): Verdict {
  const weight = state.get(`${layer.name}.weight`) ?? null;
  const bias = state.get(`${layer.name}.bias`) ?? null;
  return judge(layer as OpCall, { x: { data: exact, shape }, weight, bias }, bound);
}

/** The expected output of every module for x [n,in_chans,h,w], with composed bounds. */
export function chain(config: ModelConfig, state: StateDict, x: Tensor): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  let map = exactly(x);
  for (const layer of planNetwork(config, config.input_size)) {
    map = applyLayer(layer, state, map);
    verdicts.set(moduleOf(layer.name), map);
  }
  return verdicts;
}

/**
 * Compares the maps that the engine stores with the reference: every stage on the engine's actual input, op by op in
 * float64, with bounds composed over the ops of the stage.
 *
 * @returns the first layer that is wrong and why, or null
 */
export function findStageMismatch(
  config: ModelConfig,
  state: StateDict,
  x: Tensor,
  outputs: ReadonlyMap<string, Tensor>,
): string | null {
  const names: string[] = [];
  let map = exactly(x);
  for (const layer of planNetwork(config, config.input_size)) {
    map = applyLayer(layer, state, map);
    const y = outputs.get(moduleOf(layer.name));
    if (y === undefined) continue;
    names.push(layer.name);
    if (y.shape.join() !== map.shape.join()) return `${layer.name}: [${y.shape.join()}], not [${map.shape.join()}]`;
    const wrong = findMismatch(y.data, map);
    if (wrong !== null) return `${layer.name}: ${wrong}`;
    map = exactly(y);
  }
  const expected = ['stem.1', ...config.strides.map((_, i) => `stages.${i}.act`), 'cls.0', 'cls.2'];
  return names.join() === expected.join() ? null : `maps of ${names.join()}, not ${expected.join()}`;
}

/** All feature maps and logits of the image in a network. */
export const allLayers = (network: Network): Map<string, Tensor> =>
  runFeatures(network, new Set([...network.layout.stages.map(({ name }) => name), 'cls.0', 'cls.2']));
