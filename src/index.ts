/** What runs anywhere, with the WebAssembly inside: no oracle, no training. */
export * from './embed.js';
// In the place of the one that wants a module.
export { loadModel, type LoadModelOptions } from './model/loadModel.js';
export { createWasmBackend, wasmBackend, type WasmBackendOptions } from './wasm/backend.js';
export type { BuildChoice } from './wasm/build.js';
