import type { Backend } from '../core/backend.js';
import type { GivenConfig } from '../core/config.js';
import { configOf } from '../io/configMetadata.js';
import { streamSafetensors } from '../io/safetensorsStream.js';
import { openSource, type WeightsSource } from '../io/source.js';
import { Model } from './model.js';

export interface ReadOptions {
  /** For weights that do not describe themselves, or not in full; keys as in `ModelConfig`. */
  readonly config?: GivenConfig;
}

/** A model on a backend, from a safetensors file wherever it is. @throws as `loadModel` */
export async function readModel(
  weights: WeightsSource,
  backend: Backend,
  { config }: ReadOptions = {},
): Promise<Model> {
  const { name, chunks } = openSource(weights);
  const stream = await streamSafetensors(chunks, name ?? 'weights');
  try {
    const found = configOf({ names: stream.shapes, metadata: stream.metadata }, config, name ?? 'loadModel');
    return await Model.load({ ...stream, file: name ?? undefined }, found, backend);
  } finally {
    await stream.close();
  }
}
