import type { Backend, Session } from '../core/backend.js';
import { resolveConfig, type GivenConfig, type ModelConfig } from '../core/config.js';
import { ParamError, ShapeError } from '../core/errors.js';
import { checkShapes, checkState } from '../core/parameters.js';
import { mapSizes } from '../core/shapes.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import { checked, streamOf, type WeightStream } from '../core/weights.js';
import type { PixelImage } from '../image/pixelImage.js';
import { preprocess } from '../image/preprocess.js';
import { topK, type Prediction } from './topK.js';

/**
 * A network that answers. Calls made while another runs wait for it, in the order
 * they came.
 */
export class Model {
  readonly config: ModelConfig;
  /** What computes it. */
  readonly backend: string;
  #session: Session | null;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(config: ModelConfig, backend: string, session: Session) {
    this.config = config;
    this.backend = backend;
    this.#session = session;
  }

  /**
   * Checks weights against their configuration and hands them to a backend.
   *
   * @throws WeightsError, ParamError, ShapeError, BackendUnavailableError
   */
  static async open(state: StateDict, config: GivenConfig, backend: Backend): Promise<Model> {
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
  static async load(weights: WeightStream, config: GivenConfig, backend: Backend): Promise<Model> {
    const resolved = resolveConfig(config);
    checkShapes(weights.shapes, resolved);
    return Model.#open(checked(weights), resolved, backend);
  }

  static async #open(weights: WeightStream, config: ModelConfig, backend: Backend): Promise<Model> {
    mapSizes(config, config.input_size);
    return new Model(config, backend.name, await backend.open(weights, config));
  }

  /**
   * Logits of a batch.
   *
   * @param x [n, in_chans, h, w] at the configuration's `input_size`, normalised, row-major
   * @returns logits [n, num_classes], row-major
   * @throws ShapeError where x is not n images, ParamError after `dispose`
   */
  async forward(x: FloatArray, n = 1): Promise<FloatArray> {
    const { in_chans, input_size } = this.config;
    const [h, w] = input_size;
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new ParamError({ op: 'forward', expected: 'n an integer >= 1', got: `n = ${n}` });
    }
    if (x.length !== n * in_chans * h * w) {
      const expected = `x of ${n * in_chans * h * w} values, [${n},${in_chans},${h},${w}]`;
      throw new ShapeError({ op: 'forward', expected, got: `${x.length} values` });
    }
    // Asked for now: a call made before `dispose` is answered, however long it waits.
    const session = this.#opened();
    const result = this.#queue.then(() => session.forward(x, n));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /**
   * The most probable classes of one image, best first.
   *
   * @param image decoded pixels of any size, which are scaled, cut and normalised as the
   *   configuration says; or what that would give, [in_chans, h, w] as for `forward`
   * @throws DataError, ShapeError for an image that is none, ParamError for one that the
   *   network does not take, and all that `forward` throws
   */
  async classify(
    image: PixelImage | FloatArray,
    { topK: k = 5 }: { readonly topK?: number } = {},
  ): Promise<Prediction[]> {
    const x = 'data' in image ? this.#preprocess(image) : image;
    return topK(await this.forward(x), k, this.config.class_names);
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

  #preprocess(image: PixelImage): FloatArray {
    const { in_chans, input_size, crop_pct, interpolation, mean, std } = this.config;
    if (in_chans !== 3) {
      throw new ParamError({ op: 'classify', expected: 'a network for RGB images', got: `in_chans ${in_chans}` });
    }
    return preprocess(image, { size: input_size, crop_pct, interpolation, mean, std });
  }

  #opened(): Session {
    if (this.#session === null) {
      throw new ParamError({ op: 'forward', expected: 'a model in use', got: 'one that was disposed of' });
    }
    return this.#session;
  }
}
