import type { ModelConfig } from '../core/config.js';
import { requireFinite } from './finite.js';
import type { NetworkWeights } from './progress.js';
import type { EvaluateOptions, Trainer } from './trainer.js';

/**
 * Copies the weights of a trainer, or their average, and labels them with the λ that they were trained at: only with
 * λ = 1 can they be fused.
 *
 * @param config of the network in its present form
 * @param position the last step, for errors
 * @throws TrainingError for weights that are not finite
 */
export async function copyWeights(
  trainer: Trainer,
  config: ModelConfig,
  { lambda, useEma }: Required<EvaluateOptions>,
  position: string,
): Promise<NetworkWeights> {
  const state = await (useEma ? trainer.ema() : trainer.state());
  return { state: requireFinite(position, state), config: { ...config, lambda } };
}
