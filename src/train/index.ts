/** `vanillanet/train`: networks in training, step by step or by a whole recipe. In Node, Deno and Bun. */
export { PRESETS, resolveRecipe, type Preset, type Recipe } from './recipe.js';
export { train, type Moment, type Progress, type RunOptions, type Trained, type TrainingData } from './train.js';
export { oracleTrainer } from './oracleTrainer.js';
export { tfjsTrainer } from './tfjsTrainer.js';
export { wasmTrainer } from './wasmTrainer.js';
export type { EvaluateOptions, Outcome, Snapshot, StepOptions, Trainer, TrainerOptions } from './trainer.js';
