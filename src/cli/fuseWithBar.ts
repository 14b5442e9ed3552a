import type { ModelConfig } from '../core/config.js';
import type { StateDict } from '../core/tensor.js';
import { fuseStateInSteps, type FusedState } from '../oracle/fuse.js';
import { turnIfDue } from '../runtime/turns.js';
import { countDisplay } from './countBar.js';

/** Parts of the work that the bar distinguishes. */
const PARTS = 1000;

/** Fuses with a bar on a terminal. The event loop gets turns, so that the bar is drawn. */
export async function fuseWithBar(
  state: StateDict,
  config: ModelConfig,
  options: { readonly probeSize?: readonly [number, number] },
): Promise<FusedState> {
  const bar = countDisplay({ what: 'fusing', line: () => undefined, isShare: true });
  try {
    const steps = fuseStateInSteps(state, config, options);
    for (;;) {
      const { value, done } = steps.next();
      if (done === true) return value;
      bar.show(Math.floor((PARTS * value.done) / value.total), PARTS);
      await turnIfDue();
    }
  } finally {
    bar.end();
  }
}
