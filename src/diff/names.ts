import type { Layer } from '../core/network.js';

/**
 * The layer whose output is that of a PyTorch module: the last one with the module's name or a name below it. A layer
 * `<name>.leaky` follows the module and is not part of it. `logits` is the output of the whole network.
 *
 * @returns the layer's position, or -1 if the network has no such module
 */
export function lastLayerOf(module: string, plan: readonly Layer[]): number {
  if (module === 'logits') return plan.length - 1;
  return plan.findLastIndex(
    ({ name }) => name === module || (name.startsWith(`${module}.`) && name !== `${module}.leaky`),
  );
}

/** Whether PyTorch's network has a module with the output of this layer. */
export const isModule = ({ name }: Layer, plan: readonly Layer[]): boolean =>
  !/\.(relu|leaky)$/.test(name) && plan[lastLayerOf(name, plan)].name === name;
