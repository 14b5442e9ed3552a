/** Every unit of a network in training, forward and backward, held against the oracle on what the engine itself gave it. */
import { dropoutMask, valuesOf } from '../../../reference/index.js';
import { planNetwork, type Layer } from '../../../src/core/plan.js';
import type { Tensor } from '../../../src/core/tensor.js';
import type { UnitLayout } from '../../../src/wasm/training/layout.js';
import { misfit } from '../judge.js';
import { Chain, NETWORKS } from './chain.js';
import * as judge from './judge.js';

const STREAM = 2 ** 31 + 3;
const SEED = 5;

/** What is wrong with a whole pass, or null: the first unit that is, and how. */
export async function passMisfit(
  wasm: Uint8Array,
  lambda: number,
  network: (typeof NETWORKS)[number],
): Promise<string | null> {
  const chain = await Chain.open(wasm, network.sizes, network.n, { form: network.form });
  const { config, layout, n } = chain;
  const { x: images } = chain.give(lambda, network.flat);
  layout.dropout.set(chain.view, { seed: SEED, stream: STREAM });
  const layers = new Map(planNetwork(config, config.input_size).map((layer) => [layer.name, layer]));
  const layerOf = (name: string): Layer => {
    const found = layers.get(name);
    if (found === undefined) throw new Error(`no layer ${name}`);
    return found;
  };
  const channels = (unit: UnitLayout, side: 'input' | 'output'): number => layerOf(unit.name)[side][0];
  const poolOf = (name: string): Layer | null =>
    name.endsWith('.act.relu') ? (layers.get(name.replace('.act.relu', '.pool')) ?? null) : null;
  const inputOf = (unit: UnitLayout): Tensor =>
    unit === layout.units[0] ? images : chain.read(unit.x, channels(unit, 'input'));
  const outputOf = (unit: UnitLayout): Tensor => chain.read(unit.y, channels(unit, 'output'));
  const slopeOf = (name: string): number =>
    /\.\d+$/.test(name) && layers.has(name.replace(/\d+$/, 'leaky')) ? lambda : 1;
  const convolutionOf = (unit: UnitLayout, layer: judge.Convolution['layer']): judge.Convolution => ({
    layer,
    x: inputOf(unit),
    weight: chain.tensor(`${layer.name}.weight`),
    bias: layer.bias ? chain.tensor(`${layer.name}.bias`) : null,
  });
  const mask = (unit: UnitLayout): Tensor => {
    const shape = [n, channels(unit, 'output'), 1, 1];
    const kept = valuesOf(dropoutMask(shape, config.drop_rate, SEED, STREAM)).map((v) => v / (1 - config.drop_rate));
    return { data: kept, shape };
  };
  const found = (unit: UnitLayout, what: string, y: Tensor, verdict: Parameters<typeof misfit>[1]): string | null => {
    // The gradient of what a batch norm behind takes away again is a sum that vanishes.
    const wrong = misfit(y.data, verdict, what === 'bias');
    return wrong === null ? null : `${unit.name}, ${what}: ${wrong}`;
  };
  const parametersOf = (name: string): judge.Norm['parameters'] => ({
    weight: chain.tensor(`${name}.weight`),
    bias: chain.tensor(`${name}.bias`),
    running_mean: chain.tensor(`${name}.running_mean`),
    running_var: chain.tensor(`${name}.running_var`),
  });

  for (const unit of layout.units) {
    const layer = layerOf(unit.name);
    if (layer.op === 'batchNorm') {
      const x = inputOf(unit);
      const verdicts = judge.norm({ x, parameters: parametersOf(unit.name), lambda: slopeOf(unit.name) });
      chain.run(unit.forward);
      for (const [what, verdict] of verdicts) {
        const y = what === 'y' ? outputOf(unit) : chain.tensor(`${unit.name}.${what}`);
        const wrong = found(unit, what, y, verdict);
        if (wrong !== null) return wrong;
      }
      continue;
    }
    chain.run(unit.forward);
    const verdict =
      layer.op === 'conv2d' || layer.op === 'depthwiseConv2d'
        ? judge.convolution(convolutionOf(unit, layer))
        : layer.op === 'globalAvgPool'
          ? judge.average(inputOf(unit), mask(unit))
          : judge.poolRelu(poolOf(unit.name), chain.read(unit.x, channels(unit, 'output')));
    const wrong = found(unit, 'y', outputOf(unit), verdict);
    if (wrong !== null) return wrong;
  }

  // The loss, whose gradient is where the last unit looks for it.
  const [first, last] = layout.backward;
  chain.run([first, first + 1]);
  for (const unit of [...layout.units].reverse()) {
    const layer = layerOf(unit.name);
    const isStem = unit === layout.units[0];
    const dy = chain.read({ ...unit.y, block: unit.dy }, channels(unit, 'output'));
    const isPool = layer.op === 'leakyRelu';
    const x = isPool ? chain.read(unit.x, channels(unit, 'output')) : inputOf(unit);
    chain.run(unit.backward);
    const verdicts =
      layer.op === 'conv2d' || layer.op === 'depthwiseConv2d'
        ? judge.convolutionBackward(convolutionOf(unit, layer), dy)
        : layer.op === 'batchNorm'
          ? judge.normBackward(
              { x, parameters: parametersOf(unit.name), lambda: slopeOf(unit.name) },
              outputOf(unit),
              dy,
            )
          : new Map([
              [
                'dx',
                layer.op === 'globalAvgPool'
                  ? judge.averageBackward(x, mask(unit), dy)
                  : judge.poolReluBackward(poolOf(unit.name), x, dy),
              ],
            ]);
    for (const [what, verdict] of verdicts) {
      if (what === 'dx' && isStem) continue;
      const y =
        what === 'dx' ? chain.read({ ...unit.x, block: unit.dx }, x.shape[1]) : chain.gradient(`${unit.name}.${what}`);
      const wrong = found(unit, what, y, verdict);
      if (wrong !== null) return wrong;
    }
  }
  if (layout.units[0].backward[1] !== last) return 'regions behind the last unit';
  return null;
}
