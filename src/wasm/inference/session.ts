import type { Backend, Session } from '../../core/backend.js';
import type { ModelConfig } from '../../core/config.js';
import { BackendUnavailableError, ParamError, ShapeError, WeightsError } from '../../core/errors.js';
import { moduleNames } from '../../core/network.js';
import { checkTensor } from '../../core/ops.js';
import { FUSE_HINT } from '../../core/parameters.js';
import type { FloatArray, Tensor } from '../../core/tensor.js';
import type { WeightStream } from '../../core/weights.js';
import { formatMib } from '../arena.js';
import { runFeatures } from './features.js';
import { planLayout, type Layout } from './layout.js';
import { GivenModule } from '../givenModule.js';
import { INFERENCE, instantiate, type Build, type ProgramExports, type WasmSource } from '../module.js';
import { loadNetwork, setBytes, setPlanes, type Network } from './network.js';

/** A network in linear memory. */
export interface WasmSession extends Session {
  readonly info: {
    /** Which module runs it. */
    readonly build: Build;
    /** Those at work. */
    readonly threads: number;
    /** Bytes of its linear memory. */
    readonly memory: number;
  };

  /**
   * What becomes of one image x [in_chans,h,w]: the maps [1,c,h,w] after `stem` and
   * each `stages.<i>`, the features after `cls.0` and the logits after `cls.2`. What
   * lies between them is never whole in memory. For judging the stages one by one.
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
   * @throws ParamError where the network needs more memory than there may be, or the options are none.
   * @throws BackendUnavailableError
   */
  open(weights: WeightStream, config: ModelConfig): Promise<WasmSession>;
}

export interface WasmBackendFromOptions {
  /** Bytes of linear memory that a network may need; without one, what 32-bit addresses reach. */
  readonly memoryLimit?: number | undefined;
  /** Milliseconds to wait for the module, and for its next bytes: 30 000 where it is not given, 0 for no end. */
  readonly timeout?: number | undefined;
}

export class LoadedSession implements WasmSession {
  readonly #build: Build;
  readonly #memory: number;
  readonly #threads: () => number;
  readonly #config: ModelConfig;
  #opened: { readonly kernels: ProgramExports; readonly network: Network } | null;

  constructor(config: ModelConfig, kernels: ProgramExports, network: Network, threads = () => 1) {
    this.#build = kernels.isRelaxed() ? 'relaxed' : 'plain';
    this.#memory = kernels.memory.buffer.byteLength;
    this.#config = config;
    this.#opened = { kernels, network };
    this.#threads = threads;
  }

  get info(): WasmSession['info'] {
    return { build: this.#build, threads: this.#threads(), memory: this.#memory };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an error must reject, not throw
  async forward(x: FloatArray, n: number): Promise<Float32Array> {
    const network = this.#network();
    const { planes, logits } = network;
    this.#check('x', x.length, n * planes.length);
    const all = new Float32Array(n * logits.length);
    for (let i = 0; i < n; i++) {
      setPlanes(network, x.subarray(i * planes.length, (i + 1) * planes.length));
      network.run();
      all.set(logits, i * logits.length);
    }
    return all;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- as above
  async forwardPixels(data: Uint8Array | Uint8ClampedArray, interleaved: 3 | 4): Promise<Float32Array> {
    const network = this.#network();
    const [h, w] = this.#config.input_size;
    this.#check('interleaved', interleaved, interleaved === 4 ? 4 : 3);
    this.#check('data', data.length, h * w * interleaved);
    setBytes(network, data, interleaved);
    network.run();
    return network.logits.slice();
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- as above
  async features(x: FloatArray, n: number, layers: readonly string[]): Promise<Map<string, Tensor>> {
    const network = this.#network();
    const names = new Set(layers);
    const { length } = network.planes;
    this.#check('x', x.length, n * length);
    const maps = new Map<string, Tensor>();
    for (let i = 0; i < n; i++) {
      setPlanes(network, x.subarray(i * length, (i + 1) * length));
      for (const [name, { data, shape }] of runFeatures(network, names)) {
        let whole = maps.get(name);
        if (whole === undefined) {
          whole = { data: new Float32Array(n * data.length), shape: [n, ...shape.slice(1)] };
          maps.set(name, whole);
        }
        whole.data.set(data, i * data.length);
      }
    }
    return maps;
  }

  forwardLayers(x: FloatArray): Map<string, Tensor> {
    const network = this.#network();
    checkTensor('wasm', 'x', { data: x, shape: [this.#config.in_chans, ...this.#config.input_size] });
    setPlanes(network, x);
    return runFeatures(network, new Set(moduleNames(this.#config)));
  }

  dispose(): void {
    if (this.#opened === null) return;
    const { kernels, network } = this.#opened;
    kernels.stop(network.layout.program);
    this.#opened = null;
  }

  /** What is too short would be computed with whatever lies behind it, too long stop the engine on its way. */
  #check(name: string, got: number, expected: number): void {
    if (got !== expected) throw new ShapeError({ op: 'wasm', expected: `${name} of ${expected}`, got: `${got}` });
  }

  #network(): Network {
    if (this.#opened === null) {
      throw new BackendUnavailableError({ op: 'wasm', expected: 'an open session', got: 'one that was disposed of' });
    }
    return this.#opened.network;
  }
}

/** @throws ParamError for what is no limit */
export function checkMemoryLimit(limit: number): void {
  // A caller without types may give anything; NaN would be no limit.
  if (typeof limit !== 'number' || !(limit > 0)) {
    throw new ParamError({ op: 'memoryLimit', expected: 'a number of bytes > 0', got: String(limit) });
  }
}

/** Lays a network out within a limit. @throws WeightsError, ParamError, ShapeError */
export function planWithin(config: ModelConfig, threads: number, limit: number): Layout {
  if (config.form !== 'deploy') {
    throw new WeightsError({ op: 'wasm', expected: 'the deploy form', got: 'the train form', hint: FUSE_HINT });
  }
  checkMemoryLimit(limit);
  const layout = planLayout(config, { threads });
  if (layout.use.total > limit) {
    const expected = `a network within memoryLimit, ${formatMib(limit)}`;
    throw new ParamError({ op: 'wasm', expected, got: `one that needs ${formatMib(layout.use.total)}` });
  }
  return layout;
}

/** The backend on a module that comes when it comes: on one thread. */
export const wasmBackendOn = (given: GivenModule, memoryLimit = Infinity): WasmBackend => ({
  name: 'wasm',
  async open(weights, config) {
    const layout = planWithin(config, 1, memoryLimit);
    const kernels = await instantiate(INFERENCE, await given.module());
    return new LoadedSession(config, kernels, await loadNetwork(kernels, config, layout, weights));
  },
});

/**
 * The backend on a module of one's own, where a runtime does not compile the inlined one: on one thread.
 *
 * @param source the package's plain.wasm or relaxed.wasm: the module, its bytes, a `Response`, or a promise of one
 * @throws ParamError for a timeout that is none
 */
export const wasmBackendFrom = (
  source: WasmSource | Promise<WasmSource>,
  { memoryLimit, timeout }: WasmBackendFromOptions = {},
): WasmBackend => wasmBackendOn(new GivenModule(source, timeout), memoryLimit);
