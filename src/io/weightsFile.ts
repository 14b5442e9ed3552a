import type { ModelConfigInput, ModelConfig } from '../core/config.js';
import { checkKeys, checkObject } from '../core/check.js';
import { checkStateDict, checkText } from '../core/checkState.js';
import { WeightsError } from '../core/errors.js';
import { checkParameter, checkShapes, checkState } from '../core/parameters.js';
import { sizeOf, type FloatArray, type StateDict } from '../core/tensor.js';
import { atomicWrite } from './atomicWrite.js';
import { configOf, writeConfig } from './configMetadata.js';
import { displayName, isFileUrl, isUrl } from './location.js';
import { openWeights, resolveWeightsOptions, type OpenedWeights } from './openWeights.js';
import type { LoadProgress } from './progress.js';
import type { WeightsSource } from './weightsSource.js';
import { encodeSafetensors, type EncodeOptions } from './safetensors.js';
import { streamSafetensors, type StreamedWeights } from './safetensorsStream.js';

export interface LoadedWeights {
  readonly state: StateDict;
  readonly config: ModelConfig;
  readonly metadata: ReadonlyMap<string, string>;
  /** The files: one, or an index and its shards. */
  readonly files: readonly string[];
  /** Bytes of the weights; of shards, their sum. */
  readonly size: number;
}

/** The tensors of opened weights, in the order of the header; memory is allocated as their bytes arrive. */
async function readTensors(weights: StreamedWeights): Promise<StateDict> {
  const arrays = new Map<string, FloatArray>();
  for await (const { name, offset, data } of weights.parts()) {
    const size = sizeOf(weights.shapes.get(name) ?? []);
    const array = arrays.get(name) ?? (data instanceof Float64Array ? new Float64Array(size) : new Float32Array(size));
    array.set(data, offset);
    arrays.set(name, array);
  }
  return new Map(
    [...weights.shapes].map(([name, shape]) => [name, { data: arrays.get(name) ?? new Float32Array(0), shape }]),
  );
}

/** Reads weights whose configuration and shapes have been checked. */
async function readOpened(
  { name, chunks, total }: OpenedWeights,
  input: ModelConfigInput | undefined,
): Promise<Omit<LoadedWeights, 'files' | 'size'>> {
  const op = name ?? 'weights';
  const weights = await streamSafetensors(chunks, op, total);
  try {
    const { metadata, shapes } = weights;
    const config = configOf({ names: shapes, metadata }, input, op);
    checkShapes(shapes, config, op);
    const state = await readTensors(weights);
    for (const [tensor, value] of state) checkParameter(tensor, value, op);
    return { state, config, metadata };
  } finally {
    await weights.close();
  }
}

/** @throws WeightsError for a URL of another scheme than file: */
function refuseUrl(path: string): void {
  if (isFileUrl(path) || !isUrl(path)) return;
  const hint = 'Download the file first, and pass its path: only loadModel and the commands take URLs.';
  throw new WeightsError({ op: displayName(path), expected: 'a path', got: 'a URL', hint });
}

/**
 * Reads a safetensors file, or shards by the path of their index (.json), and checks the tensors.
 *
 * @param options `config`: keys of `ModelConfig`, for files without metadata or to change how the network is used
 * @throws WeightsError for a missing or damaged file, or one of another format or network
 * @throws ParamError for an invalid configuration
 */
export async function readWeights(
  path: string,
  options: { readonly config?: ModelConfigInput | undefined } = {},
): Promise<LoadedWeights> {
  checkText('path', path);
  checkKeys(checkObject('options', options), ['config'], (key) => key);
  const { config: input } = options;
  if (input !== undefined) checkObject('config', input);
  refuseUrl(path);
  return readWeightsFrom(path, path, { config: input });
}

/**
 * As `readWeights`, of any source.
 *
 * @param location for `files`
 * @param options `timeout`: as of `loadModel`
 */
export async function readWeightsFrom(
  source: WeightsSource,
  location: string,
  { config, timeout }: { readonly config?: ModelConfigInput | undefined; readonly timeout?: number } = {},
): Promise<LoadedWeights> {
  let size = 0;
  const onProgress = ({ loaded }: LoadProgress): void => {
    size = loaded;
  };
  const opened = await openWeights(source, resolveWeightsOptions({ onProgress, timeout }));
  try {
    const weights = await readOpened(opened, config);
    return { ...weights, files: [location, ...opened.shards], size };
  } catch (error) {
    throw await opened.explain(error);
  } finally {
    await opened.close();
  }
}

/**
 * Writes weights and their configuration atomically.
 *
 * @throws WeightsError if the state does not fit the configuration; nothing is written
 * @throws ParamError if the file cannot be written
 */
export async function writeWeights(
  path: string,
  state: StateDict,
  config: ModelConfig,
  options: Pick<EncodeOptions, 'dtype'> = {},
): Promise<void> {
  checkText('path', path);
  checkKeys(checkObject('options', options), ['dtype'], (key) => key);
  const metadata = writeConfig(config);
  checkState(checkStateDict('state', state), config);
  await atomicWrite(path, encodeSafetensors(state, { ...options, metadata }));
}
