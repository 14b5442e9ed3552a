/**
 * Inference in any runtime, with a WebAssembly module that you pass to `loadModel`. The entry contains
 * no module itself; importing it compiles, fetches and measures nothing.
 *
 * @module vanillanet/core
 */
export type { AbortOptions } from '../core/abort.js';
export type { Backend, Session } from '../core/backend.js';
export {
  resolveConfig,
  VARIANTS,
  type Form,
  type ModelConfigInput,
  type Interpolation,
  type ModelConfig,
  type VariantName,
} from '../core/config.js';
export * from '../core/errors.js';
export { checkState, parameterShapes } from '../core/parameters.js';
export type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
export { streamOf, type WeightPart, type WeightStream } from '../core/weights.js';
export { centerCrop } from '../image/crop.js';
export { imageFormat, type ImageFormat } from '../image/imageFormat.js';
export { imageInfo } from '../image/imageInfo.js';
export type { ImageInfo, Orientation } from '../image/info/types.js';
export type { DrawableImage, ImageInput, RawImage } from '../image/imageInput.js';
export { normalize } from '../image/normalize.js';
export { orient } from '../image/orient.js';
export type { PixelImage, RgbImage } from '../image/pixelImage.js';
export {
  fit,
  fitOptions,
  preprocess,
  preprocessOptions,
  type FitOptions,
  type PreprocessOptions,
} from '../image/preprocess.js';
export { resize } from '../image/resize.js';
export { readConfig, writeConfig } from '../io/configMetadata.js';
export {
  decodeSafetensors,
  encodeSafetensors,
  type EncodeOptions,
  type Weights,
  type WeightsDtype,
} from '../io/safetensors.js';
export { cutShards, type CutOptions, type ShardedFile } from '../io/cutShards.js';
export { openShards, type OpenShard } from '../io/openShards.js';
export type { Shard, ShardIndex } from '../io/shardIndex.js';
export type { ByteStream } from '../io/readStream.js';
export type { Fetch, SourceOptions } from '../io/sourceOptions.js';
export type { ResponseLike, WeightsSource } from '../io/weightsSource.js';
export {
  loadModelWithModule as loadModel,
  type LoadModelWithModuleOptions as LoadModelOptions,
} from '../model/loadModelWithModule.js';
export { Model, type ClassifyOptions, type ImageList, type ModelInput, type ModelInputs } from '../model/model.js';
export { planNetwork, type Layer } from '../core/network.js';
export { topK, type Prediction } from '../model/topK.js';
export type { Build, WasmSource } from '../wasm/module.js';
export { memoryPlan, type MemoryPlan, type MemoryPlanOptions, type StoredDtype } from '../wasm/inference/memoryPlan.js';
export { wasmBackendFrom, type WasmBackend, type WasmSession } from '../wasm/inference/session.js';
export type { Threads } from '../wasm/team.js';
