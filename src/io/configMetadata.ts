import { resolveConfig, type ModelConfigInput, type ModelConfig } from '../core/config.js';
import { checkMap, checkText } from '../core/checkState.js';
import { WeightsError } from '../core/errors.js';
import { parseJsonObject } from '../core/json.js';
import { formOf } from '../core/parameters.js';
import { RUN_HINT } from './fileKind.js';

const KEY = 'vanillanet';

/** The key of a checkpoint's metadata: the run, whose tensors have the prefixes `model.`, `optimizer.` and `ema.`. */
export const CHECKPOINT_KEY = 'vanillanet.training';

/** The hint for weights without a configuration. On the command line, another one names the flag. */
export const CONFIG_HINT = "Pass { config: { variant: 'vanillanet_5' } } or other sizes.";

/**
 * Metadata for a weight file: the configuration as JSON under the key `vanillanet`, and `format: pt`, which
 * PyTorch's tools expect.
 *
 * @throws ParamError for an invalid configuration
 */
export function writeConfig(config: ModelConfig): Map<string, string> {
  resolveConfig(config);
  return new Map([
    ['format', 'pt'],
    [KEY, JSON.stringify(config)],
  ]);
}

/**
 * The configuration in the metadata of a weight file; null if there is none.
 *
 * @param name of the file in errors
 * @throws WeightsError if the entry is not a JSON object; ParamError for an invalid key
 */
export function readConfig(metadata: ReadonlyMap<string, string>, name = 'metadata'): ModelConfig | null {
  const text = checkMap(checkText('name', name), metadata).get(KEY);
  if (text === undefined) return null;
  const expected = `a JSON object under the metadata key '${KEY}'`;
  return resolveConfig(parseJsonObject(checkText(name, text), { op: name, Refused: WeightsError, expected }));
}

/**
 * The keys that determine the network. Shapes do not show all of them: `ada_pool` and the stride of the stem change
 * no tensor. So the configuration of the file is compared with that of the caller.
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

const AGREEMENT_HINT = 'Omit what the file describes itself, or pass the weights of that network.';

function checkAgreement(mergedConfig: ModelConfig, fileConfig: ModelConfig, op: string): void {
  for (const key of NETWORK) {
    // Other sizes have no variant; the sizes themselves are compared.
    if (key === 'variant' && (mergedConfig.variant === undefined || fileConfig.variant === undefined)) continue;
    const [expected, got] = [JSON.stringify(mergedConfig[key]), JSON.stringify(fileConfig[key])];
    if (expected !== got) {
      throw new WeightsError({
        op,
        expected: `${key} ${expected}`,
        got: `${key} ${got} in the file's own description`,
        hint: AGREEMENT_HINT,
      });
    }
  }
}

/** The names and metadata of weights. */
export interface DescribedWeights {
  /** The names of the tensors. */
  readonly names: { has(name: string): boolean };
  readonly metadata: ReadonlyMap<string, string>;
}

/** The keys that a variant determines: if the caller passes a variant, those of the file are ignored. */
const VARIANT_KEYS = ['variant', 'dims', 'strides', 'ada_pool'] as const satisfies readonly (keyof ModelConfig)[];

/** The configuration of the file, overridden by the caller's. @throws WeightsError if that changes the network */
function merge(fileConfig: ModelConfig, input: ModelConfigInput, name: string): ModelConfig {
  const base: ModelConfigInput = Object.fromEntries(
    Object.entries(fileConfig).filter(
      ([key]) => input.variant === undefined || !VARIANT_KEYS.some((each) => each === key),
    ),
  );
  const overrides: ModelConfigInput = Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== undefined),
  );
  // Without the names of the file, a different number of classes is the error, and not the number of names.
  const names = {
    class_names:
      (overrides.num_classes ?? fileConfig.num_classes) === fileConfig.num_classes ? fileConfig.class_names : null,
  };
  const mergedConfig = resolveConfig({ ...base, ...names, ...overrides });
  checkAgreement(mergedConfig, fileConfig, name);
  if (fileConfig.lambda !== null && mergedConfig.lambda !== fileConfig.lambda) {
    const [expected, got] = [`lambda ${mergedConfig.lambda ?? 'null'}`, `lambda ${fileConfig.lambda}`];
    const description = `${got} in the file's own description`;
    throw new WeightsError({ op: name, expected, got: description, hint: AGREEMENT_HINT });
  }
  return mergedConfig;
}

/** @throws WeightsError if the metadata are those of a checkpoint of a training run */
export function refuseCheckpoint(metadata: ReadonlyMap<string, string>, name: string): void {
  if (!metadata.has(CHECKPOINT_KEY)) return;
  const expected = 'the weights of a network';
  throw new WeightsError({ op: name, expected, got: 'a checkpoint of a training run', hint: RUN_HINT });
}

/**
 * The configuration of weights: that of their metadata, or the caller's if they have none. If there are both, the
 * caller may override how the network is used (`input_size`, `mean`, `class_names`, …) and pass a `lambda` that
 * the metadata lack, but not change the network. The default of `form` is that of the tensors.
 *
 * @param name of the weights in errors
 * @throws WeightsError for a checkpoint, if there is no configuration, or if the two disagree; ParamError for an invalid key
 */
export function configOf(
  { names, metadata }: DescribedWeights,
  config: ModelConfigInput | undefined,
  name: string,
): ModelConfig {
  refuseCheckpoint(metadata, name);
  const form = formOf(names) ?? 'train';
  const fileConfig = readConfig(metadata, name);
  if (fileConfig !== null) return config === undefined ? fileConfig : merge(fileConfig, config, name);
  if (config !== undefined) return resolveConfig({ form, ...config });
  throw new WeightsError({
    op: name,
    expected: "a configuration in the file's metadata, or from the caller",
    got: 'neither',
    hint: CONFIG_HINT,
  });
}
