/** What a training needs before its first step: backend, data, network and recipe. */
import { resolveConfig, type ModelConfig, type ModelConfigInput } from '../core/config.js';
import { ParamError, ShapeError } from '../core/errors.js';
import { checkInputSize } from '../core/network.js';
import type { Size } from '../core/shapes.js';
import { isStreamed, type DataSet } from '../data/sets/dataset.js';
import { findDefault } from '../data/sets/find.js';
import { loaderMemory } from '../data/loader/loaderMemory.js';
import { fitOptions } from '../image/preprocess.js';
import { checkOrigin, dataOrigin, type Origin, type StoredFlags } from '../train/origin.js';
import { checkBatchSize, checkRecipe, resolveRecipe, type Recipe } from '../train/recipe.js';
import { recipeToFile } from '../train/recipeFile.js';
import type { RunFolder } from '../train/runFolder.js';
import type { OpenTrainer, TrainingData } from '../train/runOptions.js';
import { adaptRecipe } from './adaptRecipe.js';
import { printText } from './print.js';
import type { TrainFlags } from './trainFlags.js';
import { selectTrainer, trainingMemory } from './trainingBackend.js';
import { dataChoice, openTrainingData } from './trainingData.js';
import { resolvePlan, type Plan } from './trainOptions.js';

/** What flags, file and preset say together, before the data are opened. */
export interface RunPlan {
  readonly network: ModelConfigInput;
  readonly recipe: Recipe;
  readonly notes: Plan['notes'];
  readonly explicit: Plan['explicit'];
  readonly inputSize: Size;
}

/** Everything that a run needs. */
export interface RunSetup {
  readonly folder: RunFolder;
  readonly data: TrainingData;
  readonly config: ModelConfig;
  readonly recipe: Recipe;
  readonly openTrainer: OpenTrainer;
  readonly origin: Origin;
  /** The configuration as the run's folder records it. */
  readonly file: Readonly<Record<string, unknown>>;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Merges flags, file and preset. @throws ParamError for an invalid recipe or network */
export async function planRun(options: TrainFlags): Promise<RunPlan> {
  const { recipe: values, network, notes, explicit } = await resolvePlan(options);
  const recipe = resolveRecipe(values);
  const { input_size: inputSize } = checkNetwork(network);
  return { network, recipe, notes, explicit, inputSize };
}

/** Checks the network before the data are opened. @throws ParamError */
function checkNetwork(network: ModelConfigInput): ModelConfig {
  const { in_chans: channels = 3 } = network;
  if (channels !== 3 && channels !== 1) {
    const got = JSON.stringify(channels);
    const hint = 'Train on images of other channels in code: train() of vanillanet/train.';
    throw new ParamError({ op: 'config.in_chans', expected: '3, or 1 for grayscale, as images are read', got, hint });
  }
  const config = resolveConfig({ num_classes: 1, ...network });
  checkSize(config);
  if (config.article_stem && config.ada_pool === null) {
    const hint = 'Add --ada-pool, or omit --article-stem: without adaptive pools, both stems are the same.';
    throw new ParamError({ op: 'config.article_stem', expected: 'a network with adaptive pools', got: 'none', hint });
  }
  return config;
}

/** Requires images that are large enough for the strides. @throws ParamError */
function checkSize(config: ModelConfig): void {
  try {
    checkInputSize(config);
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    const { op, expected, got } = cause;
    throw new ParamError({ op: 'config.input_size', expected: `${expected} at ${op}`, got }, { cause });
  }
}

/** The network for the classes and images of the data, and how validation and inference prepare an image. */
function configFor({ classNames, height, width }: DataSet, { network, recipe, inputSize }: RunPlan): ModelConfig {
  const isUnscaled = height === inputSize[0] && width === inputSize[1];
  const readsWholeImages = recipe.augment.randomResizedCrop === undefined;
  return resolveConfig({
    // A network that is trained on whole images is not validated on their centers. Random crops show parts of images,
    // as a center crop does, whose default is that of `resolveConfig`.
    ...(readsWholeImages ? { crop_pct: 1 } : {}),
    // As training scales its images.
    interpolation: isUnscaled ? 'bicubic' : 'bilinear',
    ...network,
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
  note(`net    dims ${config.dims.join(',')}  strides ${config.strides.join(',')}  act_num ${config.act_num}`);
  for (const line of notes) note(line);
  note(memoryNote(data, config, recipe, options));
  const resuming = resumeNote(folder, options.resume !== undefined, recipe.epochs);
  if (resuming !== null) note(resuming);

  const origin: Origin = { backend, data: await dataOrigin(data, dataChoice(spec, options)), flags: stored };
  // Another seed may draw other data: `train` then names the seed.
  if (resumed?.recipe.seed === recipe.seed) {
    checkOrigin(resumed.origin ?? null, origin, { acceptData: options.acceptData ?? false });
  }
  return { folder, data, config, recipe, openTrainer, origin, file: { ...recipeToFile(recipe), ...plan.network } };
}
