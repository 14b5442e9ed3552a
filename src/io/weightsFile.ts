import type { ModelConfigInput, ModelConfig } from '../core/config.js';
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
  /** All files that were read: an index and its shards, or the one. */
  readonly files: readonly string[];
  /** Bytes of the weights, of shards all together. */
  readonly size: number;
}

async function readWhole(path: string): Promise<{ bytes: Uint8Array; files: readonly string[] }> {
  const bytes = await readBytes(path, WeightsError);
  if (!path.endsWith('.json')) return { bytes, files: [path] };
  const index = readShardIndex(new TextDecoder().decode(bytes), path);
  const placeOf = (file: string): string => resolveShard(path, file, true);
  const chunks: Uint8Array[] = [];
  // Each chunk is good until the next.
  for await (const chunk of new Shards(index, placeOf)) chunks.push(chunk.slice());
  return { bytes: Buffer.concat(chunks), files: [path, ...index.shards.map(({ file }) => placeOf(file))] };
}

/**
 * Reads a safetensors file, or its shards by their index (.json), and holds its tensors against its configuration, which
 * is what `configOf` says.
 *
 * @throws WeightsError for a missing, damaged or foreign file, or one of another network.
 * @throws ParamError for a description in the file that does not hold.
 */
export async function readWeights(
  path: string,
  { config: given }: { readonly config?: ModelConfigInput } = {},
): Promise<LoadedWeights> {
  const { bytes, files } = await readWhole(path);
  const { tensors: state, metadata } = decodeSafetensors(bytes, path);
  const config = configOf({ names: state, metadata }, given, path);
  checkState(state, config, path);
  return { state, config, metadata, files, size: bytes.length };
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
