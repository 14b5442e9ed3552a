import type { Backend, Session } from '../core/backend.js';
import { show, tagOf } from '../core/check.js';
import { resolveConfig, type ModelConfigInput, type ModelConfig } from '../core/config.js';
import { BackendUnavailableError, DataError, ParamError, ShapeError } from '../core/errors.js';
import { checkFiniteInput, checkFiniteLogits, checkFiniteOutputs } from '../core/finite.js';
import { checkShapes, checkState } from '../core/parameters.js';
import { checkInputSize, featureNames } from '../core/network.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import { withValueChecks, streamOf, type WeightStream } from '../core/weights.js';
import type { PixelImage } from '../image/pixelImage.js';
import { fit, fitOptions } from '../image/preprocess.js';
import { normalize } from '../image/normalize.js';
import { topK, type Prediction } from './topK.js';

/**
 * A loaded network. Concurrent calls are queued and run one after the other.
 */
export class Model {
  readonly config: ModelConfig;
  /** The name of the backend. */
  readonly backend: string;
  readonly #opened: Session;
  #session: Session | null;
  #queue: Promise<void> = Promise.resolve();
  /** Calls that have not finished. */
  #pending = 0;

  private constructor(config: ModelConfig, backend: string, session: Session) {
    this.config = config;
    this.backend = backend;
    this.#opened = session;
    this.#session = session;
  }

  /**
   * Details of the backend: for WebAssembly `build`, `memory` in bytes, and `threads`, the number of those that run now:
   * fewer than were asked for if the machine has fewer cores, or if some were lost.
   */
  get info(): Readonly<Record<string, string | number>> {
    return this.#opened.info ?? {};
  }

  /**
   * Opens weights in memory on a backend.
   *
   * @throws WeightsError, ParamError, ShapeError, BackendUnavailableError
   */
  static async open(state: StateDict, config: ModelConfigInput, backend: Backend): Promise<Model> {
    const resolved = resolveConfig(config);
    checkState(state, resolved);
    return Model.#open(streamOf(state), resolved, backend);
  }

  /**
   * As `open`, for weights that are read in parts. Names and shapes are checked first, values while they arrive.
   *
   * @throws WeightsError, ParamError, ShapeError, BackendUnavailableError
   */
  static async load(weights: WeightStream, config: ModelConfigInput, backend: Backend): Promise<Model> {
    const resolved = resolveConfig(config);
    checkShapes(weights.shapes, resolved, weights.file);
    return Model.#open(withValueChecks(weights), resolved, backend);
  }

  static async #open(weights: WeightStream, config: ModelConfig, backend: Backend): Promise<Model> {
    checkInputSize(config);
    return new Model(config, backend.name, await backend.open(weights, config));
  }

  /**
   * Logits of a batch.
   *
   * @param x [n, in_chans, h, w] of `input_size`, normalized, row-major; it may be overwritten once this returns
   * @returns logits [n, num_classes], row-major
   * @throws ShapeError if x does not have the size of n images; ParamError after `dispose`
   * @throws DataError if x has a NaN or a value beyond float32; WeightsError if a logit is not finite although x is
   */
  async forward(x: FloatArray, n = 1): Promise<FloatArray> {
    this.#checkBatch('forward', x, n);
    return this.#finite('forward', await this.#enqueue('forward', x, (session, own) => session.forward(own, n)));
  }

  /**
   * Outputs of modules, to use the network as a backbone.
   *
   * @param x as for `forward`
   * @param layers names of modules in the deploy form: `stem`, `stages.0`, …, and `cls.0`, the pooled features
   *   [n, c, 1, 1]. Modules after the last of them are not computed.
   * @returns [n, c, h, w] by name, in the order of the network
   * @throws ParamError for an unknown name; BackendUnavailableError if the backend does not support it; and all
   *   errors of `forward`
   */
  async features(x: FloatArray, layers: readonly string[], n = 1): Promise<Map<string, Tensor>> {
    const names = featureNames(this.config);
    // A caller without types may pass anything.
    const value: unknown = layers;
    const unknown = Array.isArray(value) ? layers.find((layer) => !names.includes(layer)) : show(value);
    if (unknown !== undefined) {
      throw new ParamError({ op: 'features', expected: `layers of ${names.join(', ')}`, got: unknown });
    }
    this.#checkBatch('features', x, n);
    const outputs = await this.#enqueue('features', x, (session, own) => {
      if (session.features === undefined) {
        throw new BackendUnavailableError({
          op: 'features',
          expected: 'a backend with features',
          got: this.backend,
          hint: "Use the backend 'wasm'.",
        });
      }
      return session.features(own, n, layers);
    });
    checkFiniteOutputs('features', outputs);
    return outputs;
  }

  /**
   * The most probable classes of one image, best first.
   *
   * @param image decoded pixels of any size, which are resized, cropped and normalized by the configuration; or
   *   an input [in_chans, h, w] as for `forward`
   * @param options `topK`: the number of classes, 5 by default
   * @throws DataError, ShapeError for an invalid image; ParamError if the network does not take RGB images, or for
   *   an invalid `topK`; and all errors of `forward`
   */
  async classify(
    image: PixelImage | FloatArray,
    { topK: k = 5 }: { readonly topK?: number } = {},
  ): Promise<Prediction[]> {
    const value: unknown = image;
    if (typeof value !== 'object' || value === null) {
      throw new DataError({ op: 'classify', expected: 'an image', got: show(value) });
    }
    const logits = 'data' in image ? await this.#forwardImage(image) : await this.forward(image);
    return topK(logits, k, this.config.class_names);
  }

  /** Frees the memory of the network, after the calls that are queued; later calls throw a ParamError. */
  dispose(): void {
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    void this.#queue.then(() => {
      session.dispose();
    });
  }

  async #forwardImage(image: PixelImage): Promise<FloatArray> {
    const { in_chans, mean, std } = this.config;
    if (in_chans !== 3) {
      throw new ParamError({ op: 'classify', expected: 'a network for RGB images', got: `in_chans ${in_chans}` });
    }
    const pixels = fit(image, fitOptions(this.config));
    const logits = await this.#enqueue('classify', null, (session) =>
      session.forwardPixels === undefined
        ? session.forward(normalize(pixels, mean, std), 1)
        : session.forwardPixels(pixels.data, 3),
    );
    return this.#finite('classify', logits);
  }

  /** The logits. @throws WeightsError if one is not finite */
  #finite(op: string, logits: FloatArray): FloatArray {
    checkFiniteLogits(op, logits, this.config);
    return logits;
  }

  /** The session. @throws ParamError after `dispose` */
  #inUse(op: string): Session {
    if (this.#session !== null) return this.#session;
    throw new ParamError({ op, expected: 'a model in use', got: 'a disposed model' });
  }

  #checkBatch(op: string, x: FloatArray, n: number): void {
    this.#inUse(op);
    const { in_chans, input_size } = this.config;
    const [h, w] = input_size;
    const type = tagOf(x);
    if (type !== 'Float32Array' && type !== 'Float64Array') {
      throw new ShapeError({ op, expected: 'x, a Float32Array or Float64Array', got: type });
    }
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new ParamError({ op, expected: 'n an integer >= 1', got: `n = ${n}` });
    }
    if (x.length !== n * in_chans * h * w) {
      const expected = `x of ${n * in_chans * h * w} values, [${n},${in_chans},${h},${w}]`;
      throw new ShapeError({ op, expected, got: `${x.length} values` });
    }
    checkFiniteInput(op, x);
  }

  /**
   * Runs a job after those before it. If it has to wait, it gets a copy of x, because the caller may overwrite x.
   */
  async #enqueue<T>(
    op: string,
    x: FloatArray | null,
    job: (session: Session, x: FloatArray) => Promise<T>,
  ): Promise<T> {
    // Taken now: a call before `dispose` is answered even if it has to wait.
    const session = this.#inUse(op);
    const input = x ?? new Float32Array(0);
    const own = this.#pending === 0 ? input : input.slice();
    // Async, so that an error thrown by the job rejects.
    const run = async (): Promise<T> => job(session, own);
    const result = this.#pending++ === 0 ? run() : this.#queue.then(run);
    const done = (): void => {
      this.#pending--;
    };
    this.#queue = result.then(done, done);
    return result;
  }
}
