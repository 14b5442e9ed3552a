import type { Backend } from '../core/backend.js';
import type { ModelConfigInput } from '../core/config.js';
import { ParamError, WeightsError } from '../core/errors.js';
import { CONFIG_HINT } from '../io/configMetadata.js';
import { readWeights, type LoadedWeights } from '../io/weightsFile.js';
import { loadModel } from '../model/loadModel.js';
import type { Model } from '../model/model.js';
import { readJsonObject } from './jsonFile.js';
import { checkWeightsPath } from './weightsPath.js';

export interface WeightsOptions {
  /** A JSON file that describes weights without metadata. */
  readonly config?: string;
  /** Overrides the lambda of the weights. */
  readonly lambda?: number;
}

export const CONFIG_HELP = 'network as JSON, for weights without metadata';

/** The error of weights without a configuration, with the name of the flag; other errors as they are. */
function nameConfigFlag(error: unknown): unknown {
  if (!(error instanceof WeightsError) || error.hint !== CONFIG_HINT) return error;
  const { op, expected, got } = error;
  const hint = 'Add --config FILE, with the network as JSON: {"variant": "vanillanet_5"}, or dims and strides.';
  return new WeightsError({ op, expected, got, hint }, { cause: error });
}

/** Loads weights, a path or URL, whose configuration a file may complete. @throws as `loadModel` */
export async function loadNetwork(
  weights: string,
  { backend, config }: { readonly backend: Backend; readonly config?: ModelConfigInput | undefined },
): Promise<Model> {
  try {
    return await loadModel(await checkWeightsPath(weights), { backend, ...(config === undefined ? {} : { config }) });
  } catch (error) {
    throw nameConfigFlag(error);
  }
}

/**
 * Reads weights and their configuration, which --config and --lambda may complete.
 *
 * @throws WeightsError for a file that is missing, damaged or of another network
 * @throws ParamError for a lambda with the deploy form
 */
export async function readNetworkWeights(path: string, { config, lambda }: WeightsOptions): Promise<LoadedWeights> {
  await checkWeightsPath(path);
  const options = config === undefined ? {} : { config: await readJsonObject(config) };
  const loaded = await readWeights(path, options).catch((error: unknown) => {
    throw nameConfigFlag(error);
  });
  if (lambda === undefined) return loaded;
  if (loaded.config.form === 'train') return { ...loaded, config: { ...loaded.config, lambda } };
  throw new ParamError({
    op: path,
    expected: 'no --lambda for the deploy form',
    got: `--lambda ${lambda}`,
    hint: 'Omit --lambda, which is for weights of the train form.',
  });
}
