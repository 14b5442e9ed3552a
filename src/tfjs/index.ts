/** `vanillanet/tfjs`: VanillaNet on TensorFlow.js, which the caller loads and passes. */
export { createTfjsBackend, type TfjsBackend, type TfjsSession } from './backend.js';
export { TfjsTraining, type TfjsPass, type TfjsTrainingOptions } from './training.js';
export type { Tf } from './tf.js';
export { describeEngine, deviceOf, ENGINES, type EngineName, type EngineReport } from './engineReport.js';
