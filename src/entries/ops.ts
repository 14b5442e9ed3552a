/**
 * The ops of the network one by one, as WebAssembly kernels: for teaching and comparisons.
 *
 * @module vanillanet/ops
 */
export { BackendUnavailableError, ParamError, ShapeError, VanillaNetError } from '../core/errors.js';
export type { AdaptiveMaxPoolParams, ConvParams, MaxPoolParams } from '../core/ops.js';
export type { FloatArray, Tensor } from '../core/tensor.js';
export type { Build, BuildChoice } from '../wasm/build.js';
export type { WasmSource } from '../wasm/module.js';
export { openOps, type OpenOpsOptions, type WasmOps } from '../wasm/ops/openOps.js';
