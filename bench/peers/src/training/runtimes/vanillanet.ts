/** This package, as built, on one thread, with the build that it selects by default. */
import { join } from 'node:path';
import { resolveConfig } from '../../../../../dist/src/entries/index.js';
import { readWeights } from '../../../../../dist/src/entries/node.js';
import { TrainingSession } from '../../../../../dist/src/wasm/training/session.js';
import { readBatch, WEIGHTS } from '../files.js';
import type { OpenedTrainer, TrainingJob } from '../job.js';

export async function open({ folder, network, batch, lambda, adam }: TrainingJob): Promise<OpenedTrainer> {
  const { state } = await readWeights(join(folder, WEIGHTS));
  const { x, targets } = await readBatch(folder);
  const session = await TrainingSession.open(state, resolveConfig(network), { batchSize: batch });
  return {
    how: `${session.info.build} build`,
    step() {
      const { losses } = session.pass(x, targets, lambda);
      session.optimize(adam);
      return losses.reduce((a, b) => a + b, 0) / losses.length;
    },
  };
}
