/** `vanillanet/tfjs`: VanillaNet on TensorFlow.js, which the caller loads and passes. */
export { createTfjsBackend, type TfjsBackend, type TfjsSession } from './backend.js';
export type { TfjsPass } from './passes.js';
export { TfjsTraining, type TfjsTrainingOptions } from './training.js';
export type { Tf } from './tf.js';
export { describeEngine, deviceOf, ENGINES, type EngineName, type EngineReport } from './engineReport.js';
