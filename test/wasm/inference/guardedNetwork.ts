import type { ModelConfig } from '../../../src/core/config.js';
import type { StateDict } from '../../../src/core/tensor.js';
import { streamOf } from '../../../src/core/weights.js';
import { Arena } from '../../../src/wasm/arena.js';
import type { ProgramExports } from '../../../src/wasm/module.js';
import { singleThread } from '../../../src/wasm/team.js';
import { planLayout } from '../../../src/wasm/inference/layout.js';
import { loadNetwork, type Network } from '../../../src/wasm/inference/network.js';

/** A signaling NaN: any computation with it, even x + 0, gives a different NaN. */
const MARK = 0x7fa0dead;
const GUARD_WORDS = 16;

/** An arena with guard words between its blocks. */
class GuardedArena extends Arena {
  readonly guards: number[] = [];

  override reserve(bytes: number): number {
    this.guards.push(super.reserve(4 * GUARD_WORDS));
    const block = super.reserve(bytes);
    this.guards.push(super.reserve(4 * GUARD_WORDS));
    return block;
  }
}

export interface GuardedNetwork {
  readonly network: Network;
  /** Byte addresses of the guard words that have changed. */
  readonly strayWrites: () => number[];
}

/**
 * Loads a network into a memory filled with a mark, with guard words between its blocks: a read of memory that was not
 * written shows in the result, and writes between blocks are detected.
 */
export async function loadGuarded(
  kernels: ProgramExports,
  config: ModelConfig,
  state: StateDict,
  pages = 16,
): Promise<GuardedNetwork> {
  kernels.memory.grow(pages);
  const { buffer } = kernels.memory;
  const words = new Uint32Array(buffer);
  words.fill(MARK, Math.ceil(kernels.heapBase() / 4));
  const arena = new GuardedArena('wasm', kernels.heapBase());
  const layout = planLayout(config, { arena });
  const network = await loadNetwork(singleThread(kernels, layout), config, layout, streamOf(state));
  if (kernels.memory.buffer !== buffer) throw new Error(`${pages} pages are too few: loading replaced the memory`);
  const strayWrites = (): number[] =>
    arena.guards.flatMap((guard) =>
      Array.from({ length: GUARD_WORDS }, (_, i) => guard + 4 * i).filter((at) => words[at / 4] !== MARK),
    );
  return { network, strayWrites };
}
