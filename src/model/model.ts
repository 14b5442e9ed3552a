import type { Backend, Session } from '../core/backend.js';
import { resolveConfig, type ModelConfigInput, type ModelConfig } from '../core/config.js';
import { BackendUnavailableError, DataError, ParamError, ShapeError } from '../core/errors.js';
import { checkShapes, checkState } from '../core/parameters.js';
import { checkInputSize, featureNames } from '../core/network.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import { withValueChecks, streamOf, type WeightStream } from '../core/weights.js';
import type { PixelImage } from '../image/pixelImage.js';
import { fit } from '../image/preprocess.js';
import { normalize } from '../image/normalize.js';
import { topK, type Prediction } from './topK.js';

/**
 * A network that answers. Calls made while another runs wait for it, in the order
 * they came.
 */
export class Model {
  readonly config: ModelConfig;
  /** What computes it. */
  readonly backend: string;
  /** How it runs there: for WebAssembly, `build`, `threads` and `memory` in bytes. */
  readonly info: Readonly<Record<string, string | number>>;
  #session: Session | null;
  #queue: Promise<void> = Promise.resolve();
  /** Calls that have not been answered yet. */
  #waiting = 0;

  private constructor(config: ModelConfig, backend: string, session: Session) {
    this.config = config;
    this.backend = backend;
    this.info = session.info ?? {};
    this.#session = session;
  }

  /**
   * Checks weights against their configuration and hands them to a backend.
   *
   * @throws WeightsError, ParamError, ShapeError, BackendUnavailableError
   */
  static async open(state: StateDict, config: ModelConfigInput, backend: Backend): Promise<Model> {
    const resolved = resolveConfig(config);
    checkState(state, resolved);
    return Model.#open(streamOf(state), resolved, backend);
  }

  /**
   * As `open`, of weights that come part by part. Whatever does not show in their
   * names and shapes is found while they come.
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
   * @param x [n, in_chans, h, w] at the configuration's `input_size`, normalized, row-major; read, or copied
   *   where it has to wait, before this returns
   * @returns logits [n, num_classes], row-major
   * @throws ShapeError where x is not n images, ParamError after `dispose`
   */
  async forward(x: FloatArray, n = 1): Promise<FloatArray> {
    this.#checkBatch('forward', x, n);
    return this.#enqueue('forward', x, (session, own) => session.forward(own, n));
  }

  /**
   * Maps on the way to the logits, for a network that serves as a backbone.
   *
   * @param x as for `forward`
   * @param layers of the deploy form, by PyTorch's module names: `stem`, `stages.0`, …, and `cls.0`,
   *   the pooled features [n, c, 1, 1]; nothing behind the last of them is computed
   * @returns [n, c, h, w] under each name, in the network's order
   * @throws ParamError for a name that the network does not have, BackendUnavailableError where the
   *   backend does not show its maps, and all that `forward` throws
   */
  async features(x: FloatArray, layers: readonly string[], n = 1): Promise<Map<string, Tensor>> {
    const names = featureNames(this.config);
    // A caller without types may pass anything.
    const given: unknown = layers;
    const unknown = Array.isArray(given) ? layers.find((layer) => !names.includes(layer)) : typeof given;
    if (unknown !== undefined) {
      throw new ParamError({ op: 'features', expected: `layers of ${names.join(', ')}`, got: unknown });
    }
    this.#checkBatch('features', x, n);
    return this.#enqueue('features', x, (session, own) => {
      if (session.features === undefined) {
        const expected = 'a backend that shows its maps';
        throw new BackendUnavailableError({ op: 'features', expected, got: this.backend });
      }
      return session.features(own, n, layers);
    });
  }

  /**
   * The most probable classes of one image, best first.
   *
   * @param image decoded pixels of any size, which are scaled, cut and normalized as the
   *   configuration says; or what that would give, [in_chans, h, w] as for `forward`
   * @throws DataError, ShapeError for an image that is none, ParamError for one that the
   *   network does not take, and all that `forward` throws
   */
  async classify(
    image: PixelImage | FloatArray,
    { topK: k = 5 }: { readonly topK?: number } = {},
  ): Promise<Prediction[]> {
    const given: unknown = image;
    if (typeof given !== 'object' || given === null) {
      throw new DataError({ op: 'classify', expected: 'an image', got: given === null ? 'null' : typeof given });
    }
    const logits = 'data' in image ? await this.#forwardImage(image) : await this.forward(image);
    return topK(logits, k, this.config.class_names);
  }

  /** Frees the network's memory. Calls already made are answered; later ones are refused. */
  dispose(): void {
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    void this.#queue.then(() => {
      session.dispose();
    });
  }

  async #forwardImage(image: PixelImage): Promise<FloatArray> {
    const { in_chans, input_size, crop_pct, interpolation, mean, std } = this.config;
    if (in_chans !== 3) {
      throw new ParamError({ op: 'classify', expected: 'a network for RGB images', got: `in_chans ${in_chans}` });
    }
    const pixels = fit(image, { size: input_size, crop_pct, interpolation });
    return this.#enqueue('classify', null, (session) =>
      session.forwardPixels === undefined
        ? session.forward(normalize(pixels, mean, std), 1)
        : session.forwardPixels(pixels.data, 3),
    );
  }

  /** The session, of a model in use. */
  #inUse(op: string): Session {
    if (this.#session !== null) return this.#session;
    throw new ParamError({ op, expected: 'a model in use', got: 'one that was disposed of' });
  }

  #checkBatch(op: string, x: FloatArray, n: number): void {
    this.#inUse(op);
    const { in_chans, input_size } = this.config;
    const [h, w] = input_size;
    // Not by its class: an array of another realm has another.
    const type = Object.prototype.toString.call(x).slice('[object '.length, -1);
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
  }

  /**
   * Runs a job: at once where nothing else runs, otherwise when those before it are done.
   * What it is given is then its own: the caller may write the next image over x.
   */
  async #enqueue<T>(
    op: string,
    x: FloatArray | null,
    job: (session: Session, x: FloatArray) => Promise<T>,
  ): Promise<T> {
    // Asked for now: a call made before `dispose` is answered, however long it waits.
    const session = this.#inUse(op);
    const given = x ?? new Float32Array(0);
    const own = this.#waiting === 0 ? given : given.slice();
    // Async: a job that throws is to be counted out like any other.
    const run = async (): Promise<T> => job(session, own);
    const result = this.#waiting++ === 0 ? run() : this.#queue.then(run);
    const done = (): void => {
      this.#waiting--;
    };
    this.#queue = result.then(done, done);
    return result;
  }
}
