import type { Backend } from '../core/backend.js';
import { checkConfigInput, type ModelConfigInput } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { configOf } from '../io/configMetadata.js';
import { validateOrCancel } from '../io/cancelSource.js';
import { openWeights, type OpenWeightsOptions } from '../io/openWeights.js';
import { streamSafetensors } from '../io/safetensorsStream.js';
import type { WeightsSource } from '../io/source.js';
import { Model } from './model.js';

export interface ReadOptions extends OpenWeightsOptions {
  /** For weights that do not describe themselves, or not in full; keys as in `ModelConfig`. */
  readonly config?: ModelConfigInput;
}

/** Whether an error is of what the caller said, whatever has come: nothing more has to be read to know it. */
const isCallers = (error: unknown, config: ModelConfigInput | undefined): boolean =>
  error instanceof ParamError &&
  [...['build', 'threads', 'memoryLimit'], ...Object.keys(config ?? {}).map((key) => `config.${key}`)].includes(
    error.op,
  );

/**
 * A model on a backend, from a safetensors file wherever it is.
 *
 * @param check looks at what is asked of the backend: before the file is waited for
 * @throws as `loadModel`
 */
export async function readModel(
  weights: WeightsSource,
  backend: Backend,
  check: () => void,
  { config, ...how }: ReadOptions,
): Promise<Model> {
  validateOrCancel(weights, () => {
    check();
    if (config !== undefined) checkConfigInput(config);
  });
  const source = await openWeights(weights, how);
  const name = source.name ?? 'weights';
  try {
    const stream = await streamSafetensors(source.chunks, name);
    try {
      const found = configOf({ names: stream.shapes, metadata: stream.metadata }, config, source.name ?? 'loadModel');
      return await Model.load({ ...stream, file: source.name ?? undefined }, found, backend);
    } finally {
      await stream.close();
    }
  } catch (error) {
    throw isCallers(error, config) ? error : await source.blame(error);
  } finally {
    await source.close();
  }
}
