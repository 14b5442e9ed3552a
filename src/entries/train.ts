/**
 * Training in any JavaScript runtime: step by step, or by a complete recipe.
 *
 * @module vanillanet/train
 */
export { drawShapes, type ShapesOptions } from '../data/sets/shapes.js';
export type { ImageSet } from '../data/sets/dataset.js';
export { fuseState, type FusedState } from '../oracle/fuse.js';
export { fineTune, type FineTuneOptions } from '../train/fineTune.js';
export { PRESETS, type Preset } from '../train/presets.js';
export type { ResumePoint, Progress, TrainingResult } from '../train/progress.js';
export { resolveRecipe, type Recipe } from '../train/recipe.js';
export type { RunOptions, TrainingData } from '../train/runOptions.js';
export { train } from '../train/train.js';
export { transferWeights, type TrainedWeights, type Transfer, type TransferOptions } from '../train/transferWeights.js';
export { oracleTrainer } from '../train/oracleTrainer.js';
export { tfjsTrainer } from '../train/tfjsTrainer.js';
export { wasmTrainer } from '../train/wasmTrainer.js';
export type { EvaluateOptions, Outcome, Snapshot, StepOptions, Trainer, TrainerOptions } from '../train/trainer.js';
