import { resolveConfig, type GivenConfig, type ModelConfig } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import { checkState, formOf } from '../core/parameters.js';
import type { StateDict } from '../core/tensor.js';
import { atomicWrite } from './atomicWrite.js';
import { readConfig, writeConfig } from './configMetadata.js';
import { readBytes } from './readFile.js';
import { decodeSafetensors, encodeSafetensors, type EncodeOptions } from './safetensors.js';

export interface LoadedWeights {
  readonly state: StateDict;
  readonly config: ModelConfig;
  readonly metadata: ReadonlyMap<string, string>;
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

function agree(given: ModelConfig | undefined, stored: ModelConfig | null, op: string): ModelConfig {
  if (stored === null) {
    if (given !== undefined) return given;
    throw new WeightsError({
      op,
      expected: "a configuration: in the file's metadata, or passed by the caller",
      got: 'neither; pass a config or name the variant',
    });
  }
  if (given === undefined) return stored;
  checkAgreement(given, stored, op);
  return {
    ...stored,
    lambda: stored.lambda ?? given.lambda,
    class_names: stored.class_names ?? given.class_names,
  };
}

/** `checkState`, with the file in front of the tensor's name. */
function checkContent(state: StateDict, config: ModelConfig, path: string): void {
  try {
    checkState(state, config);
  } catch (cause) {
    if (!(cause instanceof WeightsError)) throw cause;
    const { op, expected, got } = cause;
    throw new WeightsError({ op: `${path}: ${op}`, expected, got }, { cause });
  }
}

/**
 * Reads a safetensors file and holds its tensors against its configuration.
 *
 * The configuration is the file's own, completed with the caller's λ and class
 * names where the file has none; or the caller's, where the file has none at all.
 *
 * @throws WeightsError for a missing, damaged or foreign file, or one of another network.
 * @throws ParamError for a description in the file that does not hold.
 */
export async function readWeights(
  path: string,
  { config: given }: { readonly config?: GivenConfig } = {},
): Promise<LoadedWeights> {
  const { tensors: state, metadata } = decodeSafetensors(await readBytes(path, WeightsError), path);
  const form = formOf(state) ?? 'train';
  const described = given === undefined ? undefined : resolveConfig({ form, ...given });
  const config = agree(described, readConfig(metadata, path), path);
  checkContent(state, config, path);
  return { state, config, metadata };
}

/**
 * Writes weights with their configuration, whole or not at all.
 *
 * @throws WeightsError where state and configuration do not fit; nothing is written.
 * @throws ParamError where the path cannot be written.
 */
export async function writeWeights(
  path: string,
  state: StateDict,
  config: ModelConfig,
  { dtype }: Pick<EncodeOptions, 'dtype'> = {},
): Promise<void> {
  checkState(state, config);
  const options = { metadata: writeConfig(config), ...(dtype === undefined ? {} : { dtype }) };
  await atomicWrite(path, encodeSafetensors(state, options));
}
