/** WebAssembly modules, which the platform compiles at deployment. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
