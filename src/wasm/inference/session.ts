import { checkOptions, show } from '../../core/check.js';
import { throwIfAborted, type AbortOptions } from '../../core/abort.js';
import type { Backend, Session } from '../../core/backend.js';
import type { ModelConfig } from '../../core/config.js';
import { BackendUnavailableError, ParamError, ShapeError, WeightsError } from '../../core/errors.js';
import { checkModelConfig, moduleNames } from '../../core/network.js';
import { checkTensor } from '../../core/ops.js';
import { FUSE_HINT } from '../../core/parameters.js';
import type { FloatArray, Tensor } from '../../core/tensor.js';
import { checkStream, type WeightStream } from '../../core/weights.js';
import { turnIfDue } from '../../runtime/turns.js';
import { formatMib } from '../arena.js';
import { runFeatures } from './features.js';
import { planLayout, type Layout } from './layout.js';
import { ModuleLoader } from '../moduleLoader.js';
import { INFERENCE, instantiate, type Build, type WasmSource } from '../module.js';
import { singleThread } from '../team.js';
import { loadNetwork, setBytes, setPlanes, type Network } from './network.js';

/** A network in linear memory. */
export interface WasmSession extends Session {
  readonly info: {
    /** The build of its module. */
    readonly build: Build;
    /** Running threads, including the caller's. */
    readonly threads: number;
    /** Bytes of its linear memory. */
    readonly memory: number;
  };

  /**
   * The activations of one image x [in_chans,h,w]: the maps [1,c,h,w] after `stem` and each `stages.<i>`, the features after
   * `cls.0` and the logits after `cls.2`. Activations inside a stage are never complete in memory. For comparing stages
   * with other implementations.
   *
   * @throws ShapeError if x is not one image
   */
  forwardLayers(x: FloatArray): Map<string, Tensor>;
}

export interface WasmBackend extends Backend {
  /**
   * Opens a session. Weights and images are rounded to float32; images are computed one by one.
   *
   * @throws WeightsError for the train form: only the fused network runs here
   * @throws ShapeError if `config.input_size` is too small for the network
   * @throws ParamError if the network needs more memory than `memoryLimit`, or an option is invalid
   * @throws BackendUnavailableError if the module does not run here
   */
  open(weights: WeightStream, config: ModelConfig): Promise<WasmSession>;
}

export interface WasmBackendFromOptions {
  /** The most bytes of linear memory that a network may need. Default 4 GiB, the limit of 32-bit addresses. */
  readonly memoryLimit?: number | undefined;
  /** Milliseconds to wait for the module, and for each further part of it. Default 30 000; 0 waits forever. */
  readonly timeout?: number | undefined;
}

export class LoadedSession implements WasmSession {
  readonly #config: ModelConfig;
  readonly #network: Network;
  #isOpen = true;

  constructor(config: ModelConfig, network: Network) {
    this.#config = config;
    this.#network = network;
  }

  get info(): WasmSession['info'] {
    return this.#network.info;
  }

  async forward(x: FloatArray, n: number, { signal }: AbortOptions = {}): Promise<Float32Array> {
    const all = new Float32Array(n * this.#config.num_classes);
    await this.#eachImage(x, n, signal, (network, i) => {
      network.run();
      all.set(network.logits, i * this.#config.num_classes);
    });
    return all;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an error must reject, not throw
  async forwardPixels(data: Uint8Array | Uint8ClampedArray, interleaved: 3 | 4): Promise<Float32Array> {
    const network = this.#openNetwork();
    const [h, w] = this.#config.input_size;
    this.#check('interleaved', interleaved, interleaved === 4 ? 4 : 3);
    this.#check('data', data.length, h * w * interleaved);
    setBytes(network, data, interleaved);
    network.run();
    return network.logits.slice();
  }

  async features(
    x: FloatArray,
    n: number,
    layers: readonly string[],
    { signal }: AbortOptions = {},
  ): Promise<Map<string, Tensor>> {
    const names = new Set(layers);
    const maps = new Map<string, Tensor>();
    await this.#eachImage(x, n, signal, (network, i) => {
      for (const [name, { data, shape }] of runFeatures(network, names)) {
        let whole = maps.get(name);
        if (whole === undefined) {
          whole = { data: new Float32Array(n * data.length), shape: [n, ...shape.slice(1)] };
          maps.set(name, whole);
        }
        whole.data.set(data, i * data.length);
      }
    });
    return maps;
  }

  forwardLayers(x: FloatArray): Map<string, Tensor> {
    const network = this.#openNetwork();
    checkTensor('wasm', 'x', { data: x, shape: [this.#config.in_chans, ...this.#config.input_size] });
    setPlanes(network, x);
    return runFeatures(network, new Set(moduleNames(this.#config)));
  }

  dispose(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#network.stop();
  }

  /** Sets one image of x after the other and calls `run`; in between, the event loop gets its turns. */
  async #eachImage(
    x: FloatArray,
    n: number,
    signal: AbortOptions['signal'],
    run: (network: Network, i: number) => void,
  ): Promise<void> {
    const { length } = this.#openNetwork().planes;
    this.#check('x', x.length, n * length);
    for (let i = 0; i < n; i++) {
      if (i > 0) await turnIfDue();
      throwIfAborted(signal);
      // Meanwhile the session may have been disposed.
      const network = this.#openNetwork();
      setPlanes(network, x.subarray(i * length, (i + 1) * length));
      run(network, i);
    }
  }

  /** Data that is too short would be computed with leftover memory; data that is too long would overwrite other blocks. */
  #check(name: string, got: number, expected: number): void {
    if (got !== expected) throw new ShapeError({ op: 'wasm', expected: `${name} of ${expected}`, got: `${got}` });
  }

  #openNetwork(): Network {
    if (!this.#isOpen) {
      throw new BackendUnavailableError({
        op: 'wasm',
        expected: 'an open session',
        got: 'a session that was disposed',
      });
    }
    return this.#network;
  }
}

/** @throws ParamError for an invalid limit */
export function checkMemoryLimit(limit: number): void {
  // A caller without types may pass any value; NaN would never limit.
  if (typeof limit !== 'number' || !(limit > 0)) {
    throw new ParamError({ op: 'memoryLimit', expected: 'a number of bytes > 0', got: show(limit) });
  }
}

/** Plans the memory of a network within a limit. @throws WeightsError, ParamError, ShapeError */
export function planWithin(config: ModelConfig, threads: number, limit: number): Layout {
  checkModelConfig(config);
  if (config.form !== 'deploy') {
    throw new WeightsError({ op: 'wasm', expected: 'the deploy form', got: 'the train form', hint: FUSE_HINT });
  }
  checkMemoryLimit(limit);
  const layout = planLayout(config, { threads });
  if (layout.use.total > limit) {
    const expected = `a network within memoryLimit, ${formatMib(limit)}`;
    throw new ParamError({
      op: 'wasm',
      expected,
      got: `one that needs ${formatMib(layout.use.total)}`,
      hint: 'Increase memoryLimit, or choose a smaller input_size or variant.',
    });
  }
  return layout;
}

/** The backend with a module from a loader, on one thread. */
export const wasmBackendOn = (loader: ModuleLoader, memoryLimit = Infinity): WasmBackend => ({
  name: 'wasm',
  async open(weights, config) {
    checkStream(weights);
    const layout = planWithin(config, 1, memoryLimit);
    const kernels = await instantiate(INFERENCE, await loader.load());
    return new LoadedSession(config, await loadNetwork(singleThread(kernels, layout), config, layout, weights));
  },
});

/**
 * Creates the backend with a module that the caller supplies, for runtimes that do not compile the inlined one. It uses one
 * thread.
 *
 * @param source the package's plain.wasm or relaxed.wasm: the compiled module, its bytes, a `Response`, or a promise of one
 * @throws ParamError for an invalid timeout
 */
export function wasmBackendFrom(
  source: WasmSource | Promise<WasmSource>,
  options: WasmBackendFromOptions = {},
): WasmBackend {
  const { memoryLimit, timeout } = checkOptions(options, ['memoryLimit', 'timeout']);
  return wasmBackendOn(new ModuleLoader(source, timeout), memoryLimit);
}
