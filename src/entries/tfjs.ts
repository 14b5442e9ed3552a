/**
 * VanillaNet on TensorFlow.js, which you load and pass.
 *
 * @module vanillanet/tfjs
 */
export { createTfjsBackend, type TfjsBackend, type TfjsSession } from '../tfjs/backend.js';
export type { TfjsPass } from '../tfjs/passes.js';
export { TfjsTraining, type TfjsTrainingOptions } from '../tfjs/training.js';
export type { Tf } from '../tfjs/tf.js';
export { describeEngine, deviceOf, ENGINES, type EngineName, type EngineReport } from '../tfjs/engineReport.js';
