import type { AbortOptions } from '../core/abort.js';
import type { Loader } from '../data/loader/loader.js';
import { abortable } from './abortable.js';
import { allFinite, refuseLoss } from './finite.js';
import { addTallies, EMPTY_TALLY, meanCrossEntropy, scoresOf, tallyBatch, type Scores } from './scores.js';
import type { EvaluateOptions, Trainer } from './trainer.js';

export interface EvaluationContext extends AbortOptions {
  /** The last step before the evaluation, for errors. */
  readonly position: string;
  /** Awaited after every batch. */
  readonly afterBatch: () => Promise<void>;
}

/**
 * Scores a network on held-out images. The loss is the plain cross-entropy in nats, whatever loss the network is
 * trained with, so that it can be compared with the command `eval` and between runs.
 *
 * @throws TrainingError for a logit or loss that is not finite, the reason of the signal if it is aborted
 */
export async function evaluate(
  trainer: Trainer,
  loader: Loader,
  options: Required<EvaluateOptions>,
  { position, afterBatch, signal }: EvaluationContext,
): Promise<Scores> {
  let sum = EMPTY_TALLY;
  for await (const { x, targets, labels } of abortable(signal, loader.epoch(0))) {
    const { logits } = await trainer.evaluate(x, targets, options);
    const loss = meanCrossEntropy(logits, labels);
    if (!Number.isFinite(loss) || !allFinite(logits)) {
      const op = `the ${options.useEma ? 'average' : 'network'} on held-out images, after ${position}`;
      refuseLoss(op, Number.isFinite(loss) ? NaN : loss, trainer.firstNonFinite());
    }
    sum = addTallies(sum, tallyBatch(loss, logits, labels));
    await afterBatch();
  }
  return scoresOf(sum);
}
