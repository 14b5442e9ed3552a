import type { StateDict } from '../../src/core/tensor.js';
import type { Progress, TrainingResult } from '../../src/train/progress.js';

export type Step = Extract<Progress, { kind: 'step' }>;
export type Epoch = Extract<Progress, { kind: 'epoch' }>;

/** Runs a training to its end, and collects its progress and result. */
export async function collect(
  run: AsyncGenerator<Progress, TrainingResult>,
): Promise<{ steps: Step[]; epochs: Epoch[]; state: StateDict; done: TrainingResult }> {
  const [steps, epochs]: [Step[], Epoch[]] = [[], []];
  for (;;) {
    const next = await run.next();
    if (next.done) return { steps, epochs, state: next.value.state, done: next.value };
    if (next.value.kind === 'step') steps.push(next.value);
    else epochs.push(next.value);
  }
}
