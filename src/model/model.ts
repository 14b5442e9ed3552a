import { checkSignal, throwIfAborted, type AbortOptions } from '../core/abort.js';
import type { Backend, Session } from '../core/backend.js';
import { checkFunction, checkInteger, checkKeys, checkObject, show, tagOf } from '../core/check.js';
import { resolveConfig, type ModelConfigInput, type ModelConfig } from '../core/config.js';
import { DETACHED, DETACHED_HINT, isDetached } from '../core/detached.js';
import { BackendUnavailableError, DataError, ParamError, ShapeError } from '../core/errors.js';
import { checkFiniteInput, checkFiniteLogits, checkFiniteOutputs } from '../core/finite.js';
import { checkShapes, checkState } from '../core/parameters.js';
import { checkInputSize, featureNames } from '../core/network.js';
import type { FloatArray, StateDict, Tensor } from '../core/tensor.js';
import { checkStream, withValueChecks, streamOf, type WeightStream } from '../core/weights.js';
import type { ImageInput } from '../image/imageInput.js';
import type { RgbImage } from '../image/pixelImage.js';
import { fit, fitOptions } from '../image/preprocess.js';
import { normalize } from '../image/normalize.js';
import { createJobQueue, turnIfDue } from '../runtime/turns.js';
import { readInput } from './readInput.js';
import { topK, type Prediction } from './topK.js';

/** An image, or an input [in_chans, h, w], normalized. */
export type ModelInput = ImageInput | FloatArray;

/** A list of a page: the `files` of an input, or the result of `querySelectorAll`. */
export interface ImageList {
  readonly length: number;
  readonly [index: number]: ModelInput;
  item(index: number): unknown;
}

/** An image or several. */
export type ModelInputs = ModelInput | readonly ModelInput[] | ImageList;

export interface ClassifyOptions extends AbortOptions {
  /** The number of classes. Default 5. */
  readonly topK?: number | undefined;
}

function isFloats(input: unknown): input is FloatArray {
  const tag = tagOf(input);
  return tag === 'Float32Array' || tag === 'Float64Array';
}

/** The options of a call whose number of images may be omitted. @throws ParamError */
function callOptions(
  op: string,
  nOrOptions: number | AbortOptions,
  rest: AbortOptions | undefined,
): { n: number | null; signal: AbortSignal | undefined } {
  const n = typeof nOrOptions === 'number' ? nOrOptions : null;
  if (n !== null && (!Number.isSafeInteger(n) || n < 1)) {
    throw new ParamError({ op, expected: 'n an integer >= 1', got: `n = ${show(n)}` });
  }
  const options = checkObject(op, rest ?? (typeof nOrOptions === 'number' ? {} : nOrOptions));
  checkKeys(options, ['signal'], (key) => key);
  return { n, signal: checkSignal('signal', options.signal) };
}

/** The images of a call. */
interface Batch {
  readonly inputs: readonly ModelInput[];
  /** Whether the caller passed a list; otherwise one image. */
  readonly isList: boolean;
  /** The name of an image in errors. */
  readonly opOf: (index: number) => string;
}

/** The lists of pages by their tags, which are the same in every realm. */
const PAGE_LISTS = ['FileList', 'NodeList', 'HTMLCollection'];

/** The images of a list, or one image. @throws ParamError if their number is not n */
function batchOf(op: string, input: ModelInputs, n: number | null): Batch {
  const isList = Array.isArray(input) || PAGE_LISTS.includes(tagOf(input));
  const inputs = isList ? Array.from(input as ArrayLike<ModelInput>) : [input as ModelInput];
  if (n === null || n === inputs.length) return { inputs, isList, opOf: (i) => (isList ? `${op}: input[${i}]` : op) };
  throw new ParamError({ op, expected: `n = ${inputs.length}, the number of images`, got: `n = ${show(n)}` });
}

/** In float64 if any of them is. */
function concatenate(parts: readonly FloatArray[]): FloatArray {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = parts.some((part) => tagOf(part) === 'Float64Array')
    ? new Float64Array(length)
    : new Float32Array(length);
  parts.reduce((at, part) => {
    all.set(part, at);
    return at + part.length;
  }, 0);
  return all;
}

/**
 * A loaded network. Concurrent calls are queued and run one after the other.
 */
export class Model {
  readonly config: ModelConfig;
  /** The name of the backend. */
  readonly backend: string;
  readonly #session: Session;
  readonly #queue = createJobQueue();
  #isDisposed = false;
  #isFreed = false;
  /** Calls that have not ended. */
  #calls = 0;

  private constructor(config: ModelConfig, backend: string, session: Session) {
    this.config = config;
    this.backend = backend;
    this.#session = session;
  }

  /**
   * Details of the backend: for WebAssembly `build`, `memory` in bytes, and `threads`, the number of those that run now:
   * fewer than were asked for if the machine has fewer cores, or if some were lost.
   */
  get info(): Readonly<Record<string, string | number>> {
    return this.#session.info ?? {};
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
    checkStream(weights);
    checkShapes(weights.shapes, resolved, weights.file);
    return Model.#open(withValueChecks(weights), resolved, backend);
  }

  static async #open(weights: WeightStream, config: ModelConfig, backend: Backend): Promise<Model> {
    checkInputSize(config);
    // A caller without types may pass anything.
    checkFunction('backend.open', (backend as Partial<Backend> | null)?.open);
    const session = await backend.open(weights, config);
    checkFunction('backend.open: forward of its session', (session as Partial<Session> | null)?.forward);
    return new Model(config, backend.name, session);
  }

  /**
   * Logits of a batch.
   *
   * @param input x [n, in_chans, h, w] of `input_size`, normalized, row-major, which may be overwritten once this returns: n,
   *   the number of its images, is 1 unless it is passed. Or an image or a list of images, prepared as by `classify`
   * @param options `signal`: when it is aborted, the call rejects with its reason
   * @returns logits [n, num_classes], row-major
   * @throws ShapeError if x does not have the size of n images; DataError if its buffer is detached; ParamError after `dispose`; and all errors of `classify`
   */
  async forward(input: ModelInputs, options?: AbortOptions): Promise<FloatArray>;
  async forward(input: ModelInputs, n?: number, options?: AbortOptions): Promise<FloatArray>;
  async forward(input: ModelInputs, nOrOptions: number | AbortOptions = {}, rest?: AbortOptions): Promise<FloatArray> {
    const { n, signal } = callOptions('forward', nOrOptions, rest);
    return this.#call('forward', signal, async () =>
      isFloats(input)
        ? this.#forwardFloats('forward', input, n ?? 1, signal)
        : concatenate(await this.#forwardEach('forward', batchOf('forward', input, n), signal)),
    );
  }

  /**
   * Outputs of modules, to use the network as a backbone.
   *
   * @param input as for `forward`
   * @param layers names of modules in the deploy form: `stem`, `stages.0`, …, and `cls.0`, the pooled features
   *   [n, c, 1, 1]. Modules after the last of them are not computed.
   * @param options as for `forward`
   * @returns [n, c, h, w] by name, in the order of the network
   * @throws ParamError for an unknown name; BackendUnavailableError if the backend does not support it; and all
   *   errors of `forward`
   */
  async features(input: ModelInputs, layers: readonly string[], options?: AbortOptions): Promise<Map<string, Tensor>>;
  async features(
    input: ModelInputs,
    layers: readonly string[],
    n?: number,
    options?: AbortOptions,
  ): Promise<Map<string, Tensor>>;
  async features(
    input: ModelInputs,
    layers: readonly string[],
    nOrOptions: number | AbortOptions = {},
    rest?: AbortOptions,
  ): Promise<Map<string, Tensor>> {
    this.#checkLayers(layers);
    const { n, signal } = callOptions('features', nOrOptions, rest);
    return this.#call('features', signal, async () => {
      if (isFloats(input)) return this.#featuresOf(input, layers, n ?? 1, signal);
      const batch = batchOf('features', input, n);
      const x = await this.#stack(batch, signal);
      return this.#featuresOf(x, layers, batch.inputs.length, signal);
    });
  }

  /**
   * The most probable classes of an image, best first; of each image of a list.
   *
   *     const [best] = await model.classify('cat.jpg');
   *
   * Images are resized, cropped and normalized by the configuration, in the same way in every runtime. Files are decoded as
   * Pillow does: color profiles are ignored and alpha is dropped, but the EXIF orientation is applied.
   *
   * Of concurrent calls, four images are decoded at a time, and the event loop gets its turns between them.
   *
   * @param input an image of any size (see `ImageInput`), or an input [in_chans, h, w] as for `forward`; or a list,
   *   also the `FileList` of an input or a `NodeList`; errors then name the image, such as `input[3]`. The bytes
   *   of a file, and the images of a list, must not change before the promise settles
   * @param options `topK`: the number of classes, 5 by default; `signal`: when it is aborted, the call rejects with its reason
   * @throws DataError, ShapeError for an invalid image; ParamError if the network does not take RGB or grayscale images, or for
   *   an invalid option; BackendUnavailableError if the runtime cannot decode or draw the image; ParamError after `dispose`
   */
  async classify(input: readonly ModelInput[] | ImageList, options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(input: ModelInput, options?: ClassifyOptions): Promise<Prediction[]>;
  async classify(input: ModelInputs, options: ClassifyOptions = {}): Promise<Prediction[] | Prediction[][]> {
    checkKeys(checkObject('options', options), ['topK', 'signal'], (key) => key);
    const k = checkInteger('topK', options.topK ?? 5, { min: 1 });
    const signal = checkSignal('signal', options.signal);
    const best = (logits: FloatArray): Prediction[] => topK(logits, k, this.config.class_names);
    const batch = batchOf('classify', input, null);
    const logits = await this.#call('classify', signal, () => this.#forwardEach('classify', batch, signal));
    return batch.isList ? logits.map(best) : best(logits[0]);
  }

  /** Frees the memory of the network, after the calls that have begun; later calls throw a ParamError. */
  dispose(): void {
    this.#isDisposed = true;
    this.#disposeIfIdle();
  }

  #disposeIfIdle(): void {
    if (!this.#isDisposed || this.#calls > 0 || this.#isFreed) return;
    this.#isFreed = true;
    this.#session.dispose();
  }

  /** Runs a call, until whose end the session is not disposed of. @throws ParamError after `dispose` */
  async #call<T>(op: string, signal: AbortOptions['signal'], run: () => Promise<T>): Promise<T> {
    this.#checkInUse(op);
    throwIfAborted(signal);
    this.#calls++;
    try {
      return await run();
    } finally {
      this.#calls--;
      this.#disposeIfIdle();
    }
  }

  /** Logits of x [n, in_chans, h, w]. */
  async #forwardFloats(op: string, x: FloatArray, n: number, signal: AbortOptions['signal']): Promise<FloatArray> {
    this.#checkBatch(op, x, n);
    const own = this.#ownOf(x, n);
    return this.#finite(op, await this.#queue.add(() => this.#session.forward(own, n, { signal }), signal));
  }

  async #featuresOf(
    x: FloatArray,
    layers: readonly string[],
    n: number,
    signal: AbortOptions['signal'],
  ): Promise<Map<string, Tensor>> {
    this.#checkBatch('features', x, n);
    const session = this.#session;
    if (session.features === undefined) {
      throw new BackendUnavailableError({
        op: 'features',
        expected: 'a backend with features',
        got: this.backend,
        hint: "Use the backend 'wasm'.",
      });
    }
    const own = this.#ownOf(x, n);
    const outputs = await this.#queue.add(
      async () => session.features?.(own, n, layers, { signal }) ?? new Map<string, Tensor>(),
      signal,
    );
    checkFiniteOutputs('features', outputs);
    return outputs;
  }

  /** Logits of each image, one after the other; together if the backend takes no pixels. */
  async #forwardEach(op: string, batch: Batch, signal: AbortOptions['signal']): Promise<FloatArray[]> {
    const { inputs, opOf } = batch;
    const n = inputs.length;
    if (this.#session.forwardPixels === undefined && n > 1) {
      const all = await this.#forwardFloats(op, await this.#stack(batch, signal), n, signal);
      return inputs.map((_, i) => all.slice((i * all.length) / n, ((i + 1) * all.length) / n));
    }
    const logits: FloatArray[] = [];
    for (const [i, input] of inputs.entries()) logits.push(await this.#forwardOne(opOf(i), input, signal));
    return logits;
  }

  async #forwardOne(op: string, input: ModelInput, signal: AbortOptions['signal']): Promise<FloatArray> {
    if (isFloats(input)) return this.#forwardFloats(op, input, 1, signal);
    const pixels = await this.#prepare(op, input, signal);
    const { in_chans, mean, std } = this.config;
    const run = async (): Promise<FloatArray> => {
      // `normalize` converts to grayscale.
      const logits = in_chans === 1 ? undefined : this.#session.forwardPixels?.(pixels.data, 3);
      return logits ?? this.#session.forward(normalize(pixels, mean, std), 1, { signal });
    };
    return this.#finite(op, await this.#queue.add(run, signal));
  }

  /** Resizes and crops an image to the input. A decoded image may be overwritten once this returns. */
  #prepare(op: string, input: ImageInput, signal: AbortOptions['signal']): Promise<RgbImage> {
    const { in_chans } = this.config;
    if (in_chans !== 3 && in_chans !== 1) {
      throw new ParamError({ op, expected: 'a network for RGB or grayscale images', got: `in_chans ${in_chans}` });
    }
    return readInput(op, input, (pixels) => fit(pixels, fitOptions(this.config)), signal);
  }

  /** Images as one x [n, in_chans, h, w]. */
  async #stack({ inputs, opOf }: Batch, signal: AbortOptions['signal']): Promise<FloatArray> {
    const { mean, std } = this.config;
    const parts: FloatArray[] = [];
    for (const [i, input] of inputs.entries()) {
      if (isFloats(input)) this.#checkBatch(opOf(i), input, 1);
      parts.push(isFloats(input) ? input : normalize(await this.#prepare(opOf(i), input, signal), mean, std));
      await turnIfDue();
    }
    return concatenate(parts);
  }

  /** @throws ParamError */
  #checkLayers(layers: readonly string[]): void {
    const names = featureNames(this.config);
    // A caller without types may pass anything.
    const value: unknown = layers;
    if (Array.isArray(value) && layers.every((layer) => names.includes(layer))) return;
    const unknown = Array.isArray(value) ? layers.find((layer) => !names.includes(layer)) : value;
    throw new ParamError({
      op: 'features',
      expected: `layers of ${names.join(', ')}`,
      got: typeof unknown === 'string' ? unknown : show(unknown),
      hint: typeof value === 'string' ? `Pass a list: ['${names.includes(value) ? value : names[0]}'].` : undefined,
    });
  }

  /** x itself if it is read before this function's caller returns; otherwise a copy, because the caller may overwrite x. */
  #ownOf(x: FloatArray, n: number): FloatArray {
    return n === 1 && this.#queue.isIdle ? x : x.slice();
  }

  /** @throws ParamError after `dispose` */
  #checkInUse(op: string): void {
    if (this.#isDisposed) throw new ParamError({ op, expected: 'a model in use', got: 'a disposed model' });
  }

  #checkBatch(op: string, x: FloatArray, n: number): void {
    const { in_chans, input_size } = this.config;
    const [h, w] = input_size;
    if (isDetached(x)) {
      throw new DataError({ op, expected: 'x with its values', got: DETACHED, hint: DETACHED_HINT });
    }
    if (x.length !== n * in_chans * h * w) {
      const expected = `x of ${n * in_chans * h * w} values, [${n},${in_chans},${h},${w}]`;
      throw new ShapeError({ op, expected, got: `${x.length} values` });
    }
    checkFiniteInput(op, x);
  }

  /** The logits. @throws WeightsError if one is not finite */
  #finite(op: string, logits: FloatArray): FloatArray {
    checkFiniteLogits(op, logits, this.config);
    return logits;
  }
}
