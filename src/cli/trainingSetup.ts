/** What a training needs before its first step: backend, data, network and recipe. */
import { resolveConfig, type ModelConfig } from '../core/config.js';
import type { StateDict } from '../core/tensor.js';
import { isStreamed, type DataSet } from '../data/sets/dataset.js';
import { findDefault } from '../data/sets/find.js';
import { loaderMemory } from '../data/loader/loaderMemory.js';
import { fitOptions } from '../image/preprocess.js';
import { checkOrigin, dataOrigin, type Origin, type StoredFlags } from '../train/origin.js';
import { checkBatchSize, checkRecipe, type Recipe } from '../train/recipe.js';
import { recipeToFile } from '../train/recipeFile.js';
import type { RunFolder } from '../train/runFolder.js';
import type { OpenTrainer, TrainingData } from '../train/runOptions.js';
import { adaptRecipe } from './adaptRecipe.js';
import { initOf, startOf } from './fineTuning.js';
import { printText } from './print.js';
import type { RunPlan } from './runPlan.js';
import type { TrainFlags } from './trainFlags.js';
import { selectTrainer, trainingMemory } from './trainingBackend.js';
import { dataChoice, openTrainingData } from './trainingData.js';

/** Everything that a run needs. */
export interface RunSetup {
  readonly folder: RunFolder;
  readonly data: TrainingData;
  readonly config: ModelConfig;
  readonly recipe: Recipe;
  /** Initial weights; absent for random ones, and for a run that is resumed. */
  readonly state?: StateDict;
  readonly openTrainer: OpenTrainer;
  readonly origin: Origin;
  /** The configuration as the run's folder records it. */
  readonly file: Readonly<Record<string, unknown>>;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** The network for the classes and images of the data, and how validation and inference prepare an image. */
function configFor({ classNames, height, width }: DataSet, { network, recipe, inputSize, init }: RunPlan): ModelConfig {
  const isUnscaled = height === inputSize[0] && width === inputSize[1];
  const readsWholeImages = recipe.augment.randomResizedCrop === undefined;
  return resolveConfig({
    // A network that is trained on whole images is not validated on their centers. Random crops show parts of images,
    // as a center crop does, whose default is that of `resolveConfig`.
    ...(readsWholeImages ? { crop_pct: 1 } : {}),
    // As training scales its images.
    interpolation: isUnscaled ? 'bicubic' : 'bilinear',
    ...network,
    ...(init === undefined ? {} : { form: init.config.form }),
    num_classes: classNames.length,
    class_names: classNames,
  });
}

/** The line about the memory that network and images take. */
function memoryNote(data: TrainingData, config: ModelConfig, recipe: Recipe, options: TrainFlags): string {
  const sets = data.validation === null ? [data.train] : [data.train, data.validation];
  const loading = { batchSize: recipe.batchSize, size: config.input_size, workers: options.workers };
  const images = sets.reduce((sum, set) => sum + loaderMemory(set, loading), 0);
  const bytes = trainingMemory(config, recipe, options);
  const network = bytes === null ? `chosen by ${options.backend}` : mebibytes(bytes);
  const streamed = sets.some(isStreamed) ? ' (read from disk for each batch)' : '';
  return `memory ${network} for the network in training, ${mebibytes(images)} for the images${streamed}`;
}

/** The line about where a resumed run continues; null for a new run. */
function resumeNote({ checkpoint: resumed }: RunFolder, resume: boolean, epochs: number): string | null {
  if (resumed !== null && resumed.epoch >= epochs) {
    return `resume after ${resumed.globalStep} steps: all epochs are done; --epochs makes the run longer`;
  }
  if (resumed !== null) return `resume after ${resumed.globalStep} steps, in epoch ${resumed.epoch + 1}`;
  return resume ? 'resume: no checkpoint yet, starting from the beginning' : null;
}

/** The data set of a run: by default CIFAR, if it is found. */
export const dataSpec = async ({ data }: TrainFlags): Promise<string> => data ?? (await findDefault()) ?? 'shapes';

/**
 * Opens backend and data, and checks that a resumed run has those that it began with.
 *
 * @param stored flags that the folder keeps for a resume
 */
export async function prepareRun(
  folder: RunFolder,
  plan: RunPlan,
  options: TrainFlags,
  stored: StoredFlags,
): Promise<RunSetup> {
  const note = (text: string): void => {
    if (!options.json) printText(process.stdout, text);
  };
  const { inputSize } = plan;
  for (const line of plan.notes) note(line);
  // First, because a missing backend must fail before the data are read.
  const { openTrainer, name: backend } = await selectTrainer(options);
  const spec = await dataSpec(options);
  const heldOutFit = (train: DataSet) => fitOptions(configFor(train, plan));
  const data = await openTrainingData(spec, options, { inputSize, recipe: plan.recipe, note, heldOutFit });
  const config = configFor(data.train, plan);
  const { checkpoint: resumed } = folder;
  const images = data.train.n;
  checkBatchSize(plan.recipe, images);
  const { recipe, notes } = adaptRecipe(plan.recipe, {
    ...{ explicit: plan.explicit, images, resumed: resumed?.recipe, config, backend: options },
  });
  checkRecipe(recipe, images);
  const start = startOf({ ...plan, newHead: options.newHead === true }, config, recipe);
  note(`net    dims ${config.dims.join(',')}  strides ${config.strides.join(',')}  act_num ${config.act_num}`);
  for (const line of [...notes, ...start.notes]) note(line);
  note(memoryNote(data, config, recipe, options));
  const resuming = resumeNote(folder, options.resume !== undefined, recipe.epochs);
  if (resuming !== null) note(resuming);

  const origin: Origin = {
    backend,
    data: await dataOrigin(data, dataChoice(spec, options)),
    ...initOf(folder, start),
    flags: stored,
  };
  // Another seed may draw other data: `train` then names the seed.
  if (resumed?.recipe.seed === recipe.seed) {
    checkOrigin(resumed.origin ?? null, origin, { acceptData: options.acceptData ?? false });
  }
  const file = { ...recipeToFile(recipe), ...plan.network };
  return { folder, data, config, recipe, ...start.state, openTrainer, origin, file };
}
