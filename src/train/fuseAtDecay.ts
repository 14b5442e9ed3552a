/** Fusion during a run (`fuseAtDecay`): the fused network continues with an optimizer without moments. */
import type { ModelConfig } from '../core/config.js';
import type { StateDict } from '../core/tensor.js';
import { fuseState } from '../oracle/fuse.js';
import { requireFinite } from './finite.js';
import type { Recipe } from './recipe.js';
import type { Snapshot, Trainer } from './trainer.js';

/** Whether the network must be fused before a step with this λ. */
export const isFusionDue = (
  { fuseAtDecay }: Pick<Recipe, 'fuseAtDecay'>,
  lambda: number,
  { form }: Pick<ModelConfig, 'form'>,
): boolean => fuseAtDecay && lambda === 1 && form === 'train';

/**
 * Fuses the weights of a trainer, and their average if there is one.
 *
 * @param position the last step, for errors
 * @returns the configuration of the fused network, and the point to resume from: no steps of the optimizer, no moments
 * @throws TrainingError for weights that are not finite
 */
export async function fuseTrainer(
  trainer: Trainer,
  trainForm: ModelConfig,
  hasEma: boolean,
  position: string,
): Promise<{ readonly config: ModelConfig; readonly resume: Snapshot }> {
  const fuse = (state: StateDict) => fuseState(requireFinite(position, state), { ...trainForm, lambda: 1 });
  const { state, config } = fuse(await trainer.state());
  const average = hasEma ? { ema: fuse(await trainer.ema()).state } : {};
  return { config, resume: { state, optimizer: new Map(), steps: 0, ...average } };
}
