/**
 * The entry `vanillanet` in Node: `loadModel` takes weights of other frameworks, too.
 *
 * @module vanillanet
 */
export * from './index.js';
// Replaces `loadModel` of index.js, which reads safetensors alone.
export { loadModel, type LoadModelOptions } from '../node/loadModel.js';
export type { ForeignOptions } from '../node/foreignOptions.js';
