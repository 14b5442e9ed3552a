/**
 * Inference in any runtime, with the WebAssembly modules inside. Neither the reference nor training is
 * part of it.
 *
 * @module vanillanet
 */
export * from './core.js';
// Replaces `loadModel` of core.js, which requires a module.
export { loadModel, type LoadModelOptions } from '../model/loadModel.js';
export { createWasmBackend, wasmBackend, type WasmBackendOptions } from '../wasm/inference/backend.js';
export type { BuildChoice } from '../wasm/build.js';
