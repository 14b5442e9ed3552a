/** `vanillanet/train`: networks in training, step by step or by a whole recipe. In Node, Deno and Bun. */
export { PRESETS, resolveRecipe, type Preset, type Recipe } from './recipe.js';
export { train, type Moment, type Progress, type RunOptions, type Trained, type TrainingData } from './train.js';
export {
  oracleTrainer,
  tfjsTrainer,
  wasmTrainer,
  type EvaluateOptions,
  type Outcome,
  type Snapshot,
  type StepOptions,
  type Trainer,
  type TrainerOptions,
} from './trainer.js';
