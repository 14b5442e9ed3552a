import { ParamError } from '../core/errors.js';
import { readWeights, type LoadedWeights } from '../io/weightsFile.js';
import { readJsonObject } from './jsonFile.js';
import { checkWeightsPath } from './weightsPath.js';

export interface WeightsOptions {
  /** A JSON file that describes weights without metadata. */
  readonly config?: string;
  /** Overrides the lambda of the weights. */
  readonly lambda?: number;
}

export const CONFIG_HELP = 'network as JSON, for weights without metadata';

/**
 * Reads weights and their configuration, which --config and --lambda may complete.
 *
 * @throws WeightsError for a file that is missing, damaged or of another network
 * @throws ParamError for a lambda with the deploy form
 */
export async function readNetworkWeights(path: string, { config, lambda }: WeightsOptions): Promise<LoadedWeights> {
  await checkWeightsPath(path);
  const loaded = await readWeights(path, config === undefined ? {} : { config: await readJsonObject(config) });
  if (lambda === undefined) return loaded;
  if (loaded.config.form === 'train') return { ...loaded, config: { ...loaded.config, lambda } };
  throw new ParamError({
    op: path,
    expected: 'no --lambda for the deploy form',
    got: `--lambda ${lambda}`,
    hint: 'Omit --lambda, which is for weights of the train form.',
  });
}
