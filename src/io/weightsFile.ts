import type { GivenConfig, ModelConfig } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import { checkState } from '../core/parameters.js';
import type { StateDict } from '../core/tensor.js';
import { atomicWrite } from './atomicWrite.js';
import { configOf, writeConfig } from './configMetadata.js';
import { readBytes } from './readFile.js';
import { decodeSafetensors, encodeSafetensors, type EncodeOptions } from './safetensors.js';

export interface LoadedWeights {
  readonly state: StateDict;
  readonly config: ModelConfig;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads a safetensors file and holds its tensors against its configuration, which
 * is what `configOf` says.
 *
 * @throws WeightsError for a missing, damaged or foreign file, or one of another network.
 * @throws ParamError for a description in the file that does not hold.
 */
export async function readWeights(
  path: string,
  { config: given }: { readonly config?: GivenConfig } = {},
): Promise<LoadedWeights> {
  const { tensors: state, metadata } = decodeSafetensors(await readBytes(path, WeightsError), path);
  const config = configOf({ names: state, metadata }, given, path);
  checkState(state, config, path);
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
