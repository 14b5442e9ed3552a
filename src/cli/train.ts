import { Command } from 'commander';
import { resolveConfig, type ModelConfigInput } from '../core/config.js';
import { DataError, LoaderError, ParamError, TrainingError } from '../core/errors.js';
import type { Size } from '../core/shapes.js';
import { isStreamed } from '../data/sets/dataset.js';
import { findDefault } from '../data/sets/find.js';
import { loaderMemory } from '../data/loader/loaderMemory.js';
import { checkOrigin, dataOrigin, type Origin } from '../train/origin.js';
import type { Progress, TrainingResult } from '../train/progress.js';
import { resolveRecipe, type Recipe } from '../train/recipe.js';
import { recipeToFile } from '../train/recipeFile.js';
import { RunFolder } from '../train/runFolder.js';
import { train } from '../train/train.js';
import { withBackend } from './backends.js';
import { RunRecorder } from './runRecorder.js';
import { lineOf, percent, print } from './print.js';
import { trainingDisplay } from './progressBar.js';
import { STATUS, stopSignals } from './stopSignals.js';
import { withTraining, type TrainFlags } from './trainFlags.js';
import { openerOf, plannedMemory } from './trainingBackend.js';
import { choiceOf, openTrainingData } from './trainingData.js';
import { planOf, withRecipe } from './trainOptions.js';

interface Planned {
  readonly network: ModelConfigInput;
  readonly recipe: Recipe;
  readonly input_size: Size;
}

/** What goes on where images could not be read. */
const MENDING =
  '       once the file is mended, --resume --accept-data goes on; with --on-bad-image skip besides, without it';

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Node restores its terminal when it exits, and aborts where that is gone; the signal itself has the same status. */
function leaveTerminal(): void {
  if ([process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)) process.kill(process.pid, 'SIGHUP');
}

interface Show {
  readonly record: (progress: Progress) => void;
  readonly note: (text: string) => void;
  readonly stop: () => void;
}

function display(json: boolean, epochs: number, steps: number): Show {
  if (json) {
    return {
      record: (progress) => {
        print(JSON.stringify(progress)); // functions are left out
      },
      note: () => undefined,
      stop: () => undefined,
    };
  }
  const shown = trainingDisplay({ epochs, steps });
  return {
    record: (progress) => {
      if (progress.kind === 'step') shown.step(progress);
      else shown.epoch(progress);
    },
    note: (text) => {
      shown.note(text);
    },
    stop: () => {
      shown.stop();
    },
  };
}

async function run(options: TrainFlags): Promise<void> {
  if (options.acceptData === true && options.resume !== true) {
    throw new ParamError({ op: 'accept-data', expected: '--resume, which it is for', got: 'a new run' });
  }
  const plan = await planOf(options);
  const recipe = resolveRecipe(plan.recipe);
  const { input_size } = resolveConfig({ num_classes: 1, ...plan.network });
  const folder = await RunFolder.open(options.output, {
    resume: options.resume ?? false,
    onDamage: (error) => {
      process.stderr.write(`${lineOf(error)}; the one before is taken\n`);
    },
  });
  try {
    await trainIn(folder, { network: plan.network, recipe, input_size }, options);
  } finally {
    await folder.close();
  }
}

async function trainIn(
  folder: RunFolder,
  { network: given, recipe, input_size }: Planned,
  options: TrainFlags,
): Promise<void> {
  const note = (text: string): void => {
    if (!options.json) print(text);
  };
  // Before anything is read: a backend that is missing is soon told.
  const { openTrainer, name: backend } = await openerOf(options);
  const spec = options.data ?? (await findDefault()) ?? 'shapes';
  const data = await openTrainingData(spec, options, { inputSize: input_size, recipe, note });
  const { train: trained, validation: heldOut } = data;
  const config = resolveConfig({
    ...given,
    num_classes: trained.classNames.length,
    class_names: trained.classNames,
    // The images are read whole, so they are to be looked at whole, and scaled as they are here.
    crop_pct: 1,
    interpolation: trained.height === input_size[0] && trained.width === input_size[1] ? 'bicubic' : 'bilinear',
  });
  const file = { ...recipeToFile(recipe), ...given };
  note(`net    dims ${config.dims.join(',')}  strides ${config.strides.join(',')}  act_num ${config.act_num}`);
  const bytes = plannedMemory(config, recipe, options);
  const loading = { batchSize: recipe.batchSize, size: input_size, workers: options.workers };
  const sets = heldOut === null ? [trained] : [trained, heldOut];
  const images = sets.reduce((sum, set) => sum + loaderMemory(set, loading), 0);
  const streamed = sets.some(isStreamed) ? ', which are read from the disk when a batch wants them' : '';
  const network = bytes === null ? `what ${options.backend} takes` : mebibytes(bytes);
  note(`memory ${network} for the network in training, ${mebibytes(images)} for the images${streamed}`);
  const { checkpoint: resumed } = folder;
  if (resumed !== null) note(`resume after ${resumed.globalStep} steps, in epoch ${resumed.epoch + 1}`);
  else if (options.resume) note('resume: no checkpoint yet, so from the beginning');

  const origin: Origin = { backend, data: await dataOrigin(data, choiceOf(spec, options)) };
  const acceptData = options.acceptData ?? false;
  // Of another seed, data may be others; it is named by the check that follows.
  if (resumed?.recipe.seed === recipe.seed) checkOrigin(resumed.origin ?? null, origin, { acceptData });
  const shown = display(options.json ?? false, recipe.epochs, Math.floor(trained.n / recipe.batchSize));
  const { stopped, settle } = stopSignals((signal) => {
    if (signal !== 'SIGHUP') shown.note('stopping as soon as it is saved; once more to stop at once');
  });
  const keeper = new RunRecorder(folder, {
    ...{ stops: () => stopped() !== null, every: options.checkpointEvery, file },
    onUnsaved: (error) => {
      shown.stop();
      process.stderr.write(`${error instanceof Error ? lineOf(error) : String(error)}; the last steps are not kept\n`);
    },
  });
  try {
    const steps = train(data, config, recipe, {
      ...{ openTrainer, workers: options.workers, acceptData, onResumePoint: (moment) => keeper.between(moment) },
      ...(resumed === null ? {} : { resume: resumed }),
    });
    await folder.begin(file, origin);
    const done = await keeper.follow(steps, shown.record);
    shown.stop();
    await folder.drawCurves(file);
    const signal = stopped();
    if (done === null && signal !== null) {
      note(`stopped; the same command with --resume goes on`);
      process.exitCode = STATUS[signal];
    } else if (done !== null) {
      await finish(done, folder, note);
    }
  } catch (error) {
    shown.stop();
    const isOfData = error instanceof DataError || error instanceof LoaderError;
    if (isOfData || error instanceof TrainingError) note(`kept   ${await folder.describeWeights()}`);
    if (error instanceof DataError) note(MENDING);
    throw error;
  } finally {
    // Before signals have their usual effect, which would leave the lock behind.
    await folder.close();
    settle();
  }
  if (stopped() === 'SIGHUP') leaveTerminal();
}

async function finish(done: TrainingResult, folder: RunFolder, note: (text: string) => void): Promise<void> {
  const path = await folder.saveWeights('last', done);
  note(`wrote  ${path} (${done.config.form} form, lambda 1)`);
  for (const [name, best] of [
    ['best', done.best],
    ['best-fusable', done.bestFusable],
  ] as const) {
    if (best !== null)
      note(
        `       ${folder.path}/${name}.safetensors (epoch ${best.epoch}${best.top1 === null ? '' : `, top-1 ${percent(best.top1)}`})`,
      );
  }
}

export const trainCommand = (): Command =>
  withRecipe(
    withTraining(
      withBackend(
        new Command('train').description(
          'Train a network; lambda rises from 0 to 1, after which it can be fused. Everything is kept in a folder: weights, checkpoints, metrics, curves.',
        ),
        '--backend <name>',
      ),
    ),
  ).action(run);
