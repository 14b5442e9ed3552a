/** `vanillanet/train`: networks in training, step by step or by a whole recipe. Wherever JavaScript runs. */
export { PRESETS, type Preset } from './presets.js';
export type { Moment, Progress, Trained } from './progress.js';
export { resolveRecipe, type Recipe } from './recipe.js';
export type { RunOptions, TrainingData } from './runOptions.js';
export { train } from './train.js';
export { oracleTrainer } from './oracleTrainer.js';
export { tfjsTrainer } from './tfjsTrainer.js';
export { wasmTrainer } from './wasmTrainer.js';
export type { EvaluateOptions, Outcome, Snapshot, StepOptions, Trainer, TrainerOptions } from './trainer.js';
