import { ParamError } from '../core/errors.js';
import { readWeights, type LoadedWeights } from '../io/weightsFile.js';
import { readJsonObject } from './jsonFile.js';

export interface WeightsOptions {
  /** A JSON file, for weights that do not describe themselves. */
  readonly config?: string;
  /** Overrides what the weights say. */
  readonly lambda?: number;
}

export const CONFIG_HELP = 'JSON file that describes weights without metadata: variant or dims, strides, act_num, …';

/** Weights with the configuration that file and flags make together. @throws ParamError for a λ that nothing asks for */
export async function openWeights(path: string, { config, lambda }: WeightsOptions): Promise<LoadedWeights> {
  const given = config === undefined ? {} : { config: await readJsonObject(config) };
  const loaded = await readWeights(path, given);
  if (lambda === undefined) return loaded;
  if (loaded.config.form === 'train') return { ...loaded, config: { ...loaded.config, lambda } };
  const got = `--lambda ${lambda}`;
  throw new ParamError({ op: path, expected: 'no --lambda: the deploy form has no such activation', got });
}
