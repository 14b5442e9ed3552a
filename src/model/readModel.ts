import type { Backend } from '../core/backend.js';
import { checkConfigInput, type ModelConfigInput } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { configOf } from '../io/configMetadata.js';
import {
  openWeights,
  resolveWeightsOptions,
  type OpenedWeights,
  type OpenWeightsOptions,
  type ResolvedWeightsOptions,
} from '../io/openWeights.js';
import { streamSafetensors } from '../io/safetensorsStream.js';
import type { WeightsSource } from '../io/weightsSource.js';
import { Model } from './model.js';

export interface ReadOptions extends OpenWeightsOptions {
  /** Keys of `ModelConfig`, for weights without metadata or to change how the network is used. */
  readonly config?: ModelConfigInput;
}

/** `ReadOptions`, checked and with defaults. */
export interface ResolvedReadOptions {
  readonly config: ModelConfigInput | undefined;
  readonly options: ResolvedWeightsOptions;
}

/** @throws ParamError */
export function resolveReadOptions({ config, ...options }: ReadOptions): ResolvedReadOptions {
  if (config !== undefined) checkConfigInput(config);
  return { config, options: resolveWeightsOptions(options) };
}

/** Whether an error is about a key of the caller's configuration, and so does not depend on the weights. */
const isAboutConfig = (error: unknown, config: ModelConfigInput = {}): boolean =>
  error instanceof ParamError && Object.keys(config).some((key) => error.op === `config.${key}`);

async function modelFrom(
  { name, chunks }: OpenedWeights,
  backend: Backend,
  input: ModelConfigInput | undefined,
): Promise<Model> {
  const weights = await streamSafetensors(chunks, name ?? 'weights');
  try {
    const config = configOf({ names: weights.shapes, metadata: weights.metadata }, input, name ?? 'loadModel');
    return await Model.load({ ...weights, file: name ?? undefined }, config, backend);
  } finally {
    await weights.close();
  }
}

/**
 * Reads a safetensors file from any source into a model. The options are already checked, before
 * anything is read or allocated.
 *
 * @throws as `loadModel`
 */
export async function readModel(
  source: WeightsSource,
  backend: Backend,
  { config, options }: ResolvedReadOptions,
): Promise<Model> {
  const openedWeights = await openWeights(source, options);
  try {
    return await modelFrom(openedWeights, backend, config);
  } catch (error) {
    throw isAboutConfig(error, config) ? error : await openedWeights.explain(error);
  } finally {
    await openedWeights.close();
  }
}
