/** What runs anywhere: no Node, no oracle. */
export type { Backend, Session } from './core/backend.js';
export {
  resolveConfig,
  VARIANTS,
  type Form,
  type GivenConfig,
  type ModelConfig,
  type VariantName,
} from './core/config.js';
export * from './core/errors.js';
export { checkState, parameterShapes } from './core/parameters.js';
export type { FloatArray, StateDict, Tensor } from './core/tensor.js';
export { readConfig, writeConfig } from './io/configMetadata.js';
export { decodeSafetensors, encodeSafetensors, type EncodeOptions, type Weights } from './io/safetensors.js';
export { loadModel, type LoadModelOptions } from './model/loadModel.js';
export { Model } from './model/model.js';
export { planNetwork, type Layer } from './model/plan.js';
export { topK, type Prediction } from './model/topK.js';
export {
  createWasmBackend,
  wasmBackend,
  wasmBackendFrom,
  type WasmBackend,
  type WasmBackendOptions,
  type WasmSession,
} from './wasm/backend.js';
export type { Build, BuildChoice } from './wasm/build.js';
