import { Command } from 'commander';
import { ParamError } from '../core/errors.js';
import { RunFolder } from '../train/runFolder.js';
import { withBackend } from './backends.js';
import { followTraining } from './followTraining.js';
import { errorLine } from './print.js';
import { withTraining, type TrainFlags } from './trainFlags.js';
import { planRun, prepareRun } from './trainingSetup.js';
import { withRecipe } from './trainOptions.js';

/** Resolves the options and runs the training in its folder, which is locked until the end. */
async function run(options: TrainFlags): Promise<void> {
  if (options.acceptData === true && options.resume !== true) {
    const hint = 'Add --resume, or omit --accept-data.';
    throw new ParamError({ op: 'accept-data', expected: '--resume', got: 'a new run', hint });
  }
  const plan = await planRun(options);
  const folder = await RunFolder.open(options.output, {
    resume: options.resume ?? false,
    onDamage: (error) => {
      process.stderr.write(`${errorLine(error)}; using the previous checkpoint\n`);
    },
  });
  try {
    await followTraining(await prepareRun(folder, plan, options), options);
  } finally {
    await folder.close();
  }
}

export const trainCommand = (): Command =>
  withRecipe(
    withTraining(
      withBackend(new Command('train').description('Train a network in the deep form.'), '--backend <name>'),
    ),
  ).action(run);
