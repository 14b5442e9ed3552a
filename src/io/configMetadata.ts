import { resolveConfig, type ModelConfigInput, type ModelConfig } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import { messageOf } from '../core/messageOf.js';
import { formOf } from '../core/parameters.js';
import { isRecord, show } from '../core/check.js';

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
    const expected = `JSON under the metadata key '${KEY}'`;
    throw new WeightsError({ op: name, expected, got: messageOf(cause) }, { cause });
  }
  if (!isRecord(given)) {
    const expected = `a JSON object under the metadata key '${KEY}'`;
    throw new WeightsError({ op: name, expected, got: show(given) });
  }
  return resolveConfig(given);
}

/**
 * What makes two configurations two networks. Shapes cannot tell all of it: an
 * ada checkpoint has the tensors of a plain one, and a 4x4 stem those of a stem
 * with stride 3, so where a file says what it is, that is held against the caller's word.
 */
const NETWORK = [
  'variant',
  'dims',
  'strides',
  'ada_pool',
  'article_stem',
  'in_chans',
  'num_classes',
  'act_num',
  'form',
] as const satisfies readonly (keyof ModelConfig)[];

function checkAgreement(given: ModelConfig, stored: ModelConfig, op: string): void {
  for (const key of NETWORK) {
    // Sizes of one's own have no name; the sizes themselves are compared below.
    if (key === 'variant' && (given.variant === undefined || stored.variant === undefined)) continue;
    const [expected, got] = [JSON.stringify(given[key]), JSON.stringify(stored[key])];
    if (expected !== got) {
      throw new WeightsError({
        op,
        expected: `${key} ${expected}`,
        got: `${key} ${got} in the file's own description`,
      });
    }
  }
}

/** What weights say of themselves. */
export interface DescribedWeights {
  /** Those of the tensors. */
  readonly names: { has(name: string): boolean };
  readonly metadata: ReadonlyMap<string, string>;
}

/** The keys that a variant's name stands for: a caller who gives the name means these, and not the file's. */
const NAMED = ['variant', 'dims', 'strides', 'ada_pool'] as const satisfies readonly (keyof ModelConfig)[];

/** The file's own description with what the caller gives in its place, where that leaves the network what it is. */
function merge(stored: ModelConfig, given: ModelConfigInput, name: string): ModelConfig {
  const kept: ModelConfigInput = Object.fromEntries(
    Object.entries(stored).filter(([key]) => given.variant === undefined || !NAMED.some((each) => each === key)),
  );
  const told: ModelConfigInput = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  // Names of as many classes as the file has would be refused before the count that contradicts it.
  const names = {
    class_names: (told.num_classes ?? stored.num_classes) === stored.num_classes ? stored.class_names : null,
  };
  const merged = resolveConfig({ ...kept, ...names, ...told });
  checkAgreement(merged, stored, name);
  if (stored.lambda !== null && merged.lambda !== stored.lambda) {
    const [expected, got] = [`lambda ${merged.lambda ?? 'null'}`, `lambda ${stored.lambda}`];
    throw new WeightsError({ op: name, expected, got: `${got} in the file's own description` });
  }
  return merged;
}

/**
 * The configuration of weights: their own, with the caller's keys in the place of those
 * that say how it is used (input_size, mean, class_names, …); or the caller's, where
 * they have none. What the network is cannot be said anew, only λ where nobody said it
 * yet. The form is the tensors' where the caller does not name one.
 *
 * @param name how errors call the weights.
 * @throws WeightsError where there is no configuration, or two that contradict
 *   each other; ParamError for a key that does not hold.
 */
export function configOf(
  { names, metadata }: DescribedWeights,
  config: ModelConfigInput | undefined,
  name: string,
): ModelConfig {
  const form = formOf(names) ?? 'train';
  const stored = readConfig(metadata, name);
  if (stored !== null) return config === undefined ? stored : merge(stored, config, name);
  if (config !== undefined) return resolveConfig({ form, ...config });
  throw new WeightsError({
    op: name,
    expected: "a configuration: in the file's metadata, or passed by the caller",
    got: 'neither; pass a config or name the variant',
  });
}
