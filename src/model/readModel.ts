import { throwIfAborted, untilAborted } from '../core/abort.js';
import type { Backend } from '../core/backend.js';
import { checkConfigInput, type ModelConfigInput } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { cancelSource } from '../io/cancelSource.js';
import { configOf } from '../io/configMetadata.js';
import {
  WEIGHTS_KEYS,
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

export const READ_KEYS = [...WEIGHTS_KEYS, 'config'] as const satisfies readonly (keyof ReadOptions)[];

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
  { name, chunks, total }: OpenedWeights,
  backend: Backend,
  input: ModelConfigInput | undefined,
): Promise<Model> {
  const weights = await streamSafetensors(chunks, name ?? 'weights', total);
  try {
    const config = configOf({ names: weights.shapes, metadata: weights.metadata }, input, name ?? 'loadModel');
    return await Model.load({ ...weights, file: name ?? undefined }, config, backend);
  } finally {
    await weights.close();
  }
}

/** The model, unless the signal is aborted meanwhile; a model that comes later is disposed. */
async function modelUntilAborted(signal: AbortSignal | undefined, loading: Promise<Model>): Promise<Model> {
  try {
    return await untilAborted(signal, loading);
  } catch (error) {
    loading.then(
      (model) => {
        model.dispose();
      },
      () => undefined,
    );
    throw error;
  }
}

async function read(source: WeightsSource, backend: Backend, { config, options }: ResolvedReadOptions): Promise<Model> {
  const openedWeights = await openWeights(source, options);
  try {
    return await modelFrom(openedWeights, backend, config);
  } catch (error) {
    throw isAboutConfig(error, config) ? error : await openedWeights.explain(error);
  } finally {
    await openedWeights.close();
  }
}

/**
 * Reads a safetensors file from any source into a model. The options are already checked, before
 * anything is read or allocated.
 *
 * @throws as `loadModel`
 */
export async function readModel(source: WeightsSource, backend: Backend, options: ResolvedReadOptions): Promise<Model> {
  const { signal } = options.options;
  if (signal?.aborted === true) cancelSource(source);
  throwIfAborted(signal);
  return modelUntilAborted(signal, read(source, backend, options));
}
