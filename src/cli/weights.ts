import type { GivenConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { readBytes } from '../io/readFile.js';
import { readWeights, type LoadedWeights } from '../io/weightsFile.js';

export interface WeightsOptions {
  /** A JSON file, for weights that do not describe themselves. */
  readonly config?: string;
  /** Overrides what the weights say. */
  readonly lambda?: number;
}

export const CONFIG_HELP = 'JSON file that describes weights without metadata: variant or dims, strides, act_num, …';

/** The object in a JSON file. @throws ParamError naming the file */
export async function readConfigFile(path: string): Promise<GivenConfig> {
  const text = new TextDecoder().decode(await readBytes(path, ParamError));
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : 'other text';
    throw new ParamError({ op: path, expected: 'JSON', got }, { cause });
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ParamError({ op: path, expected: 'a JSON object', got: JSON.stringify(given) });
  }
  return given;
}

/** Weights with the configuration that file and flags make together. @throws ParamError for a λ that nothing asks for */
export async function openWeights(path: string, { config, lambda }: WeightsOptions): Promise<LoadedWeights> {
  const given = config === undefined ? {} : { config: await readConfigFile(config) };
  const loaded = await readWeights(path, given);
  if (lambda === undefined) return loaded;
  if (loaded.config.form === 'train') return { ...loaded, config: { ...loaded.config, lambda } };
  const got = `--lambda ${lambda}`;
  throw new ParamError({ op: path, expected: 'no --lambda: the deploy form has no such activation', got });
}
