/** What runs anywhere: no oracle, no training, and of Node only what `#platform` asks for where it is Node. */
export type { Backend, Session } from './core/backend.js';
export {
  resolveConfig,
  VARIANTS,
  type Form,
  type GivenConfig,
  type Interpolation,
  type ModelConfig,
  type VariantName,
} from './core/config.js';
export * from './core/errors.js';
export { checkState, parameterShapes } from './core/parameters.js';
export type { FloatArray, StateDict, Tensor } from './core/tensor.js';
export { streamOf, type WeightPart, type WeightStream } from './core/weights.js';
export { centreCrop } from './image/crop.js';
export { normalise } from './image/normalise.js';
export type { PixelImage, RgbImage } from './image/pixelImage.js';
export { preprocess, type PreprocessOptions } from './image/preprocess.js';
export { resize } from './image/resize.js';
export { readConfig, writeConfig } from './io/configMetadata.js';
export {
  decodeSafetensors,
  encodeSafetensors,
  type EncodeOptions,
  type Weights,
  type WeightsDtype,
} from './io/safetensors.js';
export type { ByteStream, ResponseLike, WeightsSource } from './io/source.js';
export { loadModel, type LoadModelOptions } from './model/loadModel.js';
export { Model } from './model/model.js';
export { planNetwork, type Layer } from './core/plan.js';
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
export { memoryPlan, type MemoryPlan, type MemoryPlanOptions, type StoredDtype } from './wasm/memoryPlan.js';
export type { Threads } from './wasm/team.js';
