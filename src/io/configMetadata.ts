import { resolveConfig, type ModelConfig } from '../core/config.js';
import { WeightsError } from '../core/errors.js';

const KEY = 'vanillanet';

/**
 * Metadata that lets a weight file describe its own network: the configuration
 * as JSON, and the format mark that PyTorch's users expect.
 */
export const writeConfig = (config: ModelConfig): Map<string, string> =>
  new Map([
    ['format', 'pt'],
    [KEY, JSON.stringify(config)],
  ]);

/**
 * The configuration in a weight file's metadata; null where there is none.
 *
 * @param name how errors call the file.
 * @throws WeightsError where the entry is not JSON; ParamError for a key that does not hold.
 */
export function readConfig(metadata: ReadonlyMap<string, string>, name = 'metadata'): ModelConfig | null {
  const text = metadata.get(KEY);
  if (text === undefined) return null;
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : text;
    throw new WeightsError({ op: name, expected: `JSON under the metadata key '${KEY}'`, got }, { cause });
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const got = text.length > 80 ? `${text.slice(0, 80)}…` : text;
    throw new WeightsError({ op: name, expected: `a JSON object under the metadata key '${KEY}'`, got });
  }
  return resolveConfig(given);
}
