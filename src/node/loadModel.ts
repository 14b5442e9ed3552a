import { checkBoolean, checkFunction, checkKeys, checkNumber, checkObject, checkOneOf, tagOf } from '../core/check.js';
import { checkText } from '../core/checkState.js';
import { VARIANTS, type ModelConfigInput } from '../core/config.js';
import { ParamError, WeightsError } from '../core/errors.js';
import { cancelOnError } from '../io/cancelSource.js';
import { CONFIG_HINT } from '../io/configMetadata.js';
import { foreignScheme, isFileUrl, isUrl } from '../io/location.js';
import type { OnProgress } from '../io/progress.js';
import type { WeightsSource } from '../io/weightsSource.js';
import {
  loadModel as loadSafetensors,
  LOAD_KEYS,
  type LoadModelOptions as PortableOptions,
} from '../model/loadModel.js';
import type { Model } from '../model/model.js';
import type { ForeignOptions, ReadableAgain } from './foreignOptions.js';

export interface LoadModelOptions extends PortableOptions, ForeignOptions {}

const FOREIGN_KEYS = [
  ...(['variant', 'lambda', 'ema', 'key', 'onRemark'] as const satisfies readonly (keyof ForeignOptions)[]),
];

/** @returns null for a source that can be read only once, and for what is no source */
function readableAgain(source: WeightsSource | null): ReadableAgain | null {
  if (typeof source === 'string') return source;
  // A caller without types may pass anything.
  if (typeof source !== 'object' || source === null) return null;
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (['ArrayBuffer', 'SharedArrayBuffer'].includes(tagOf(source))) return new Uint8Array(source as ArrayBuffer);
  return 'href' in source && typeof source.href === 'string' ? source.href : null;
}

/** @throws ParamError */
function checkForeign({ variant, lambda, ema, key, onRemark }: ForeignOptions): void {
  if (variant !== undefined) checkOneOf('variant', variant, Object.keys(VARIANTS));
  if (lambda !== undefined) checkNumber('lambda', lambda, { min: 0, max: 1 });
  if (ema !== undefined) checkBoolean('ema', ema);
  if (key !== undefined) checkText('key', key);
  if (onRemark !== undefined) checkFunction('onRemark', onRemark);
}

/** The options of the portable `loadModel`, the others, and the source. @throws ParamError */
function resolve(weights: WeightsSource, options: LoadModelOptions) {
  checkKeys(checkObject('options', options), [...LOAD_KEYS, ...FOREIGN_KEYS], (key) => key);
  const { variant, lambda, ema, key, onRemark, ...portable } = options;
  const foreign: ForeignOptions = { variant, lambda, ema, key, onRemark };
  checkForeign(foreign);
  const source = readableAgain(weights);
  if (source === null && key !== undefined) {
    const hint = 'Omit key: only a file has several weights.';
    throw new ParamError({ op: 'key', expected: 'weights by path, URL or bytes', got: 'another source', hint });
  }
  return { portable: portable satisfies PortableOptions, foreign, source };
}

/** The caller's configuration, with the keys that are options. */
function statedConfig(config: ModelConfigInput | undefined, { variant, lambda }: ForeignOptions): ModelConfigInput {
  return {
    ...config,
    ...(variant === undefined ? {} : { variant }),
    ...(lambda === undefined ? {} : { lambda }),
  };
}

const isRemote = (source: ReadableAgain): boolean =>
  typeof source === 'string' && !isFileUrl(source) && (isUrl(source) || foreignScheme(source) !== null);

/** Whether an error may be that of weights of another framework. What is remote is requested again only if it is. */
const mayBeForeign = (error: unknown, source: ReadableAgain): error is WeightsError =>
  error instanceof WeightsError &&
  (!isRemote(source) || error.hint === CONFIG_HINT || error.hint?.includes('vanillanet convert') === true);

/** Reports that never go back: a source that is read again begins anew. */
function ascending(onProgress: OnProgress | undefined): OnProgress | undefined {
  if (typeof onProgress !== 'function') return onProgress;
  let most = -1;
  return (progress) => {
    if (progress.loaded < most) return;
    most = progress.loaded;
    onProgress(progress);
  };
}

/**
 * Loads a model, as in other runtimes; in Node, paths, URLs and bytes may also be weights of other frameworks: checkpoints
 * of PyTorch, parameters of PaddlePaddle, ONNX graphs, and safetensors of any names, as `vanillanet convert` reads them.
 *
 *     const model = await loadModel('vanillanet_5.pth', { onRemark: console.warn });
 *
 * Of those, the train form with λ = 1 is fused in memory: VanillaNet-5 in seconds, VanillaNet-13 in a minute. λ that is not
 * known is taken to be 1, as in the official evaluation. URLs are copied into a temporary file first. Their readers are
 * imported when they are needed.
 *
 * @throws ParamError for an invalid or unknown option or configuration
 * @throws WeightsError for weights that cannot be read, are damaged, or are of another network, or have λ below 1
 * @throws ShapeError if `input_size` is too small for the network
 * @throws BackendUnavailableError if this runtime cannot run the backend
 */
export async function loadModel(weights: WeightsSource, options: LoadModelOptions = {}): Promise<Model> {
  const { portable, foreign, source } = cancelOnError(weights, () => resolve(weights, options));
  const config = statedConfig(portable.config, foreign);
  const stated: PortableOptions = {
    ...portable,
    ...(portable.config === undefined && Object.keys(config).length === 0 ? {} : { config }),
    ...(portable.onProgress === undefined ? {} : { onProgress: ascending(portable.onProgress) }),
  };
  if (source === null) return loadSafetensors(weights, stated);
  let refusal: WeightsError | null = null;
  if (foreign.key === undefined) {
    try {
      return await loadSafetensors(weights, stated);
    } catch (error) {
      if (!mayBeForeign(error, source)) throw error;
      refusal = error;
    }
  }
  const { loadForeign } = await import('./loadForeign.js');
  return loadForeign(source, { ...stated, config }, foreign, refusal);
}
