import type { Layer } from '../core/network.js';

/**
 * Which layer's output a module's is: the last of its own, by its name and the names
 * below it. What ends in `.leaky` comes after the module that it is named for. The
 * logits are also called `logits`, which is how the network as a whole answers.
 *
 * @returns the layer's position, or -1 for a module that the network does not have
 */
export function lastLayerOf(module: string, plan: readonly Layer[]): number {
  if (module === 'logits') return plan.length - 1;
  return plan.findLastIndex(
    ({ name }) => name === module || (name.startsWith(`${module}.`) && name !== `${module}.leaky`),
  );
}

/** Whether PyTorch's network has a module whose output this layer's is. */
export const isModule = ({ name }: Layer, plan: readonly Layer[]): boolean =>
  !/\.(relu|leaky)$/.test(name) && plan[lastLayerOf(name, plan)].name === name;
