import type { ModelConfigInput, ModelConfig } from '../core/config.js';
import { checkKeys, checkObject } from '../core/check.js';
import { checkStateDict, checkText } from '../core/checkState.js';
import { WeightsError } from '../core/errors.js';
import { checkState } from '../core/parameters.js';
import type { StateDict } from '../core/tensor.js';
import { atomicWrite } from './atomicWrite.js';
import { resolveShard } from './resolveShard.js';
import { configOf, writeConfig } from './configMetadata.js';
import { Shards } from './openShards.js';
import { readBytes } from './readFile.js';
import { decodeSafetensors, encodeSafetensors, type EncodeOptions } from './safetensors.js';
import { readShardIndex } from './shardIndex.js';

export interface LoadedWeights {
  readonly state: StateDict;
  readonly config: ModelConfig;
  readonly metadata: ReadonlyMap<string, string>;
  /** The files: one, or an index and its shards. */
  readonly files: readonly string[];
  /** Bytes of the weights; of shards, their sum. */
  readonly size: number;
}

async function readFiles(path: string): Promise<{ bytes: Uint8Array; files: readonly string[] }> {
  const bytes = await readBytes(path, WeightsError);
  if (!path.endsWith('.json')) return { bytes, files: [path] };
  const index = readShardIndex(new TextDecoder().decode(bytes), path);
  const locationOf = (file: string): string => resolveShard(path, file, true);
  const chunks: Uint8Array[] = [];
  // A chunk is valid until the next is requested.
  for await (const chunk of new Shards(index, locationOf)) chunks.push(chunk.slice());
  return { bytes: Buffer.concat(chunks), files: [path, ...index.shards.map(({ file }) => locationOf(file))] };
}

/**
 * Reads a safetensors file, or shards by the path of their index (.json), and checks the tensors.
 *
 * @param config keys of `ModelConfig`, for files without metadata or to change how the network is used
 * @throws WeightsError for a missing or damaged file, or one of another format or network
 * @throws ParamError for an invalid configuration
 */
export async function readWeights(
  path: string,
  options: { readonly config?: ModelConfigInput | undefined } = {},
): Promise<LoadedWeights> {
  checkText('path', path);
  checkKeys(checkObject('options', options), ['config'], (key) => key);
  const { config: input } = options;
  if (input !== undefined) checkObject('config', input);
  const { bytes, files } = await readFiles(path);
  const { tensors: state, metadata } = decodeSafetensors(bytes, path);
  const config = configOf({ names: state, metadata }, input, path);
  checkState(state, config, path);
  return { state, config, metadata, files, size: bytes.length };
}

/**
 * Writes weights and their configuration atomically.
 *
 * @throws WeightsError if the state does not fit the configuration; nothing is written
 * @throws ParamError if the file cannot be written
 */
export async function writeWeights(
  path: string,
  state: StateDict,
  config: ModelConfig,
  options: Pick<EncodeOptions, 'dtype'> = {},
): Promise<void> {
  checkText('path', path);
  checkKeys(checkObject('options', options), ['dtype'], (key) => key);
  const metadata = writeConfig(config);
  checkState(checkStateDict('state', state), config);
  await atomicWrite(path, encodeSafetensors(state, { ...options, metadata }));
}
