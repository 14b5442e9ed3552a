import { Command } from 'commander';
import { resolveConfig, type ModelConfigInput, type ModelConfig } from '../core/config.js';
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
import type { OpenTrainer, TrainingData } from '../train/runOptions.js';
import { train } from '../train/train.js';
import { formatPercent } from '../report/percent.js';
import { withBackend } from './backends.js';
import { errorLine, print } from './print.js';
import { trainingDisplay } from './progressBar.js';
import { RunRecorder } from './runRecorder.js';
import { EXIT_STATUS, stopSignals } from './stopSignals.js';
import { withTraining, type TrainFlags } from './trainFlags.js';
import { selectTrainer, trainingMemory } from './trainingBackend.js';
import { dataChoice, openTrainingData } from './trainingData.js';
import { resolvePlan, withRecipe } from './trainOptions.js';

/** What flags, file and preset say together, before the data are opened. */
interface RunPlan {
  readonly network: ModelConfigInput;
  readonly recipe: Recipe;
  readonly inputSize: Size;
}

/** Everything that a run needs. */
interface RunSetup {
  readonly folder: RunFolder;
  readonly data: TrainingData;
  readonly config: ModelConfig;
  readonly recipe: Recipe;
  readonly openTrainer: OpenTrainer;
  readonly origin: Origin;
  /** The configuration as the run's folder records it. */
  readonly file: Readonly<Record<string, unknown>>;
}

type Note = (text: string) => void;

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/**
 * Ends the process by SIGHUP if its terminal is gone. Node restores the terminal's settings when it exits, and
 * aborts if it cannot; the signal has the same exit status.
 */
function endWithTerminal(): void {
  if ([process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)) process.kill(process.pid, 'SIGHUP');
}

interface Display {
  readonly record: (progress: Progress) => void;
  readonly note: Note;
  readonly stop: () => void;
}

/** Shows progress: a JSON line a record with --json, else a bar or lines. */
function openDisplay(json: boolean, epochs: number, steps: number): Display {
  if (json) {
    return {
      record: (progress) => {
        print(JSON.stringify(progress)); // JSON omits functions
      },
      note: () => undefined,
      stop: () => undefined,
    };
  }
  const display = trainingDisplay({ epochs, steps });
  return {
    record: (progress) => {
      if (progress.kind === 'step') display.step(progress);
      else display.epoch(progress);
    },
    note: (text) => {
      display.note(text);
    },
    stop: () => {
      display.stop();
    },
  };
}

/** Resolves the options and runs the training in its folder, which is locked until the end. */
async function run(options: TrainFlags): Promise<void> {
  if (options.acceptData === true && options.resume !== true) {
    const hint = 'Add --resume, or omit --accept-data.';
    throw new ParamError({ op: 'accept-data', expected: '--resume', got: 'a new run', hint });
  }
  const { recipe: givenRecipe, network } = await resolvePlan(options);
  const recipe = resolveRecipe(givenRecipe);
  const { input_size: inputSize } = resolveConfig({ num_classes: 1, ...network });
  const folder = await RunFolder.open(options.output, {
    resume: options.resume ?? false,
    onDamage: (error) => {
      process.stderr.write(`${errorLine(error)}; using the previous checkpoint\n`);
    },
  });
  try {
    const prepared = await prepare(folder, { network, recipe, inputSize }, options);
    await follow(prepared, options);
  } finally {
    await folder.close();
  }
}

/** The network for the classes and images of the data. */
function configFor(data: TrainingData, { network, inputSize }: RunPlan): ModelConfig {
  const { classNames, height, width } = data.train;
  const isUnscaled = height === inputSize[0] && width === inputSize[1];
  return resolveConfig({
    ...network,
    num_classes: classNames.length,
    class_names: classNames,
    // Training reads whole images, so that inference must not crop them, and must scale them in the same way.
    crop_pct: 1,
    interpolation: isUnscaled ? 'bicubic' : 'bilinear',
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
function resumeNote({ checkpoint: resumed }: RunFolder, resume: boolean): string | null {
  if (resumed !== null) return `resume after ${resumed.globalStep} steps, in epoch ${resumed.epoch + 1}`;
  return resume ? 'resume: no checkpoint yet, starting from the beginning' : null;
}

/** Opens backend and data, and checks that a resumed run has those that it began with. */
async function prepare(folder: RunFolder, plan: RunPlan, options: TrainFlags): Promise<RunSetup> {
  const note: Note = (text) => {
    if (!options.json) print(text);
  };
  const { recipe, inputSize } = plan;
  // First, because a missing backend must fail before the data are read.
  const { openTrainer, name: backend } = await selectTrainer(options);
  const spec = options.data ?? (await findDefault()) ?? 'shapes';
  const data = await openTrainingData(spec, options, { inputSize, recipe, note });
  const config = configFor(data, plan);
  note(`net    dims ${config.dims.join(',')}  strides ${config.strides.join(',')}  act_num ${config.act_num}`);
  note(memoryNote(data, config, recipe, options));
  const { checkpoint: resumed } = folder;
  const resuming = resumeNote(folder, options.resume ?? false);
  if (resuming !== null) note(resuming);

  const origin: Origin = { backend, data: await dataOrigin(data, dataChoice(spec, options)) };
  // Another seed may draw other data: `train` then names the seed.
  if (resumed?.recipe.seed === recipe.seed) {
    checkOrigin(resumed.origin ?? null, origin, { acceptData: options.acceptData ?? false });
  }
  return { folder, data, config, recipe, openTrainer, origin, file: { ...recipeToFile(recipe), ...plan.network } };
}

/** Trains to the end or until a signal, and records everything in the folder. */
async function follow(run: RunSetup, options: TrainFlags): Promise<void> {
  const { folder, data, config, recipe, openTrainer, origin, file } = run;
  const display = openDisplay(options.json ?? false, recipe.epochs, Math.floor(data.train.n / recipe.batchSize));
  const note: Note = (text) => {
    if (!options.json) print(text);
  };
  const signals = stopSignals((signal) => {
    if (signal !== 'SIGHUP') display.note('stopping after the next checkpoint; send the signal again to stop at once');
  });
  const recorder = new RunRecorder(folder, {
    ...{ stops: () => signals.received() !== null, every: options.checkpointEvery, file },
    onUnsaved: (error) => {
      display.stop();
      process.stderr.write(`${error instanceof Error ? errorLine(error) : String(error)}; the last steps are lost\n`);
    },
  });
  try {
    const steps = train(data, config, recipe, {
      ...{ openTrainer, workers: options.workers, acceptData: options.acceptData ?? false },
      onResumePoint: (point) => recorder.between(point),
      ...(folder.checkpoint === null ? {} : { resume: folder.checkpoint }),
    });
    await folder.begin(file, origin);
    const trained = await recorder.follow(steps, display.record);
    display.stop();
    await folder.drawCurves(file);
    const signal = signals.received();
    if (trained !== null) {
      await finish(trained, folder, note);
    } else if (signal !== null) {
      note('stopped; run the same command with --resume to continue');
      process.exitCode = EXIT_STATUS[signal];
    }
  } catch (error) {
    display.stop();
    await describeFolder(error, folder, note);
    throw withRemedy(error);
  } finally {
    // Before signals have their default effect again, which would leave the lock file behind.
    await folder.close();
    signals.settle();
  }
  if (signals.received() === 'SIGHUP') endWithTerminal();
}

/** Writes the last weights, and names the files of the best. */
async function finish(trained: TrainingResult, folder: RunFolder, note: Note): Promise<void> {
  const path = await folder.saveWeights('last', trained);
  note(`wrote  ${path} (${trained.config.form} form, lambda 1)`);
  for (const [name, best] of [
    ['best', trained.best],
    ['best-fusable', trained.bestFusable],
  ] as const) {
    if (best === null) continue;
    const top1 = best.top1 === null ? '' : `, top-1 ${formatPercent(best.top1)}`;
    note(`       ${folder.path}/${name}.safetensors (epoch ${best.epoch}${top1})`);
  }
}

/** Notes which weights the folder has after a failure. */
async function describeFolder(error: unknown, folder: RunFolder, note: Note): Promise<void> {
  const isOfData = error instanceof DataError || error instanceof LoaderError;
  if (isOfData || error instanceof TrainingError) note(`kept   ${await folder.describeWeights()}`);
}

/** Adds to an error of the data how the training can continue. */
function withRemedy(error: unknown): unknown {
  if (!(error instanceof DataError) || error.hint !== undefined) return error;
  const { op, expected, got } = error;
  const hint = 'Fix the file and run with --resume --accept-data, or leave it out: add --on-bad-image skip.';
  return new DataError({ op, expected, got, hint }, { cause: error });
}

export const trainCommand = (): Command =>
  withRecipe(
    withTraining(
      withBackend(new Command('train').description('Train a network in the deep form.'), '--backend <name>'),
    ),
  ).action(run);
