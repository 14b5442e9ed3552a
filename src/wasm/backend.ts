import type { Backend, Session } from '../core/backend.js';
import type { ModelConfig } from '../core/config.js';
import { BackendUnavailableError, WeightsError } from '../core/errors.js';
import { checkTensor } from '../core/ops.js';
import type { FloatArray, Tensor } from '../core/tensor.js';
import { collect, type WeightStream } from '../core/weights.js';
import { bytesOf, type Build, type BuildChoice } from './build.js';
import { instantiate, type WasmSource } from './module.js';
import { loadNetwork, probeNetwork, runNetwork, type Network } from './network.js';

/** A network in linear memory. */
export interface WasmSession extends Session {
  /** Which module runs it. */
  readonly build: Build;

  /**
   * What becomes of one image x [in_chans,h,w], by the names of `planNetwork`, in
   * order: the maps [1,c,h,w] after `stem.1` and each `stages.<i>.act`, the
   * features after `cls.0` and the logits after `cls.2`. What lies between them
   * is never whole in memory. For judging the stages one by one.
   *
   * @throws ShapeError where x is not one image.
   */
  forwardLayers(x: FloatArray): Map<string, Tensor>;
}

export interface WasmBackend extends Backend {
  /**
   * Weights and images are rounded to float32; one image is worked on at a time.
   *
   * @throws WeightsError for the train form: only the fused network runs here.
   * @throws ShapeError where `config.input_size` is too small for the network.
   * @throws ParamError where the network needs more than 4 GiB.
   * @throws BackendUnavailableError
   */
  open(weights: WeightStream, config: ModelConfig): Promise<WasmSession>;
}

class LoadedSession implements WasmSession {
  readonly build: Build;
  readonly #config: ModelConfig;
  #network: Network | null;

  constructor(build: Build, config: ModelConfig, network: Network) {
    this.build = build;
    this.#config = config;
    this.#network = network;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an error must reject, not throw
  async forward(x: FloatArray, n: number): Promise<Float32Array> {
    const network = this.#opened();
    const { image, logits } = network;
    const all = new Float32Array(n * logits.length);
    for (let i = 0; i < n; i++) {
      image.set(x.subarray(i * image.length, (i + 1) * image.length));
      runNetwork(network);
      all.set(logits, i * logits.length);
    }
    return all;
  }

  forwardLayers(x: FloatArray): Map<string, Tensor> {
    const network = this.#opened();
    checkTensor('wasm', 'x', { data: x, shape: [this.#config.in_chans, ...this.#config.input_size] });
    network.image.set(x);
    return probeNetwork(network);
  }

  dispose(): void {
    this.#network = null;
  }

  #opened(): Network {
    if (this.#network === null) {
      throw new BackendUnavailableError({ op: 'wasm', expected: 'an open session', got: 'one that was disposed of' });
    }
    return this.#network;
  }
}

async function open(source: WasmSource, weights: WeightStream, config: ModelConfig): Promise<WasmSession> {
  if (config.form !== 'deploy') {
    throw new WeightsError({ op: 'wasm', expected: 'the deploy form', got: 'the train form: fuse it first' });
  }
  const kernels = await instantiate(source);
  const build = kernels.isRelaxed() ? 'relaxed' : 'plain';
  return new LoadedSession(build, config, loadNetwork(kernels, config, await collect(weights)));
}

/** The backend on a module of one's own, where a runtime does not compile the inlined one. */
export const wasmBackendFrom = (source: WasmSource): WasmBackend => ({
  name: 'wasm',
  open: (weights, config) => open(source, weights, config),
});

export interface WasmBackendOptions {
  /** `auto`, the default: relaxed where it runs, plain elsewhere. */
  readonly build?: BuildChoice;
}

/**
 * VanillaNet's deploy form in WebAssembly SIMD, on one thread.
 * Opening a session where the build does not run is a BackendUnavailableError.
 */
export const createWasmBackend = ({ build = 'auto' }: WasmBackendOptions = {}): WasmBackend => ({
  name: 'wasm',
  // Async, so that a build that does not run here is a promise that rejects.
  open: async (weights, config) => open(bytesOf(build), weights, config),
});

/** The fastest build that runs here. */
export const wasmBackend: WasmBackend = createWasmBackend();
