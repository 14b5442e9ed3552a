import { referenceBackend } from '../../src/oracle/backend.js';
import type { ModelConfig } from '../../src/core/config.js';
import { planNetwork } from '../../src/core/network.js';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { streamOf } from '../../src/core/weights.js';
import { INPUT } from '../../src/diff/dump.js';
import { isModule } from '../../src/diff/names.js';

/** The dump of a framework that computes exactly and writes float32: the outputs of PyTorch's modules. */
export async function randomDump(state: StateDict, config: ModelConfig, x: Tensor): Promise<Map<string, Tensor>> {
  const session = await referenceBackend.open(streamOf(state), config);
  const maps = (await session.layers?.(x.data, x.shape[0])) ?? new Map<string, Tensor>();
  const plan = planNetwork(config, config.input_size);
  const modules = plan.filter((layer) => isModule(layer, plan)).map(({ name }) => name);
  const rounded = modules.map((name) => {
    const map = maps.get(name);
    if (map === undefined) throw new Error(`no output of ${name}`);
    return [name, { ...map, data: Float32Array.from(map.data) }] as const;
  });
  return new Map([[INPUT, x], ...rounded]);
}

/** The same weights except for one tensor. */
export function changed(state: StateDict, name: string, change: (v: number, i: number) => number): StateDict {
  const tensor = state.get(name);
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  return new Map(state).set(name, { ...tensor, data: Float64Array.from(tensor.data, change) });
}
