/** What the tensors of a network do not show of its configuration. */
import type { ModelConfig, ModelConfigInput } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import { parameterShapes } from '../core/parameters.js';
import { architectureOf } from './architecture.js';

/** The keys that a variant determines. */
const SIZES: ReadonlySet<string> = new Set(['dims', 'strides', 'ada_pool']);

/** The configuration that a reader finds without any facts; with the variant if the shapes are those of two. */
function recognizedConfig(config: ModelConfig): { readonly config: ModelConfig; readonly stated: ModelConfigInput } {
  const shapes = parameterShapes(config);
  try {
    return { config: architectureOf(shapes, {}, {}, 'weights').config, stated: {} };
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    const { variant, strides, ada_pool } = config;
    const stated = variant === undefined ? { strides, ada_pool } : { variant };
    return { config: architectureOf(shapes, {}, stated, 'weights').config, stated };
  }
}

/**
 * The keys that a reader of the tensors alone must be given, as in a file for `--config`, to have the same configuration;
 * empty if it is found by the shapes.
 */
export function unstatedConfig(config: ModelConfig): ModelConfigInput {
  const recognized = recognizedConfig(config);
  const keys: Record<string, unknown> = { ...recognized.stated };
  if (config.variant !== undefined && config.variant !== recognized.config.variant) keys.variant = config.variant;
  for (const [key, value] of Object.entries(config)) {
    if (key === 'variant' || (keys.variant !== undefined && SIZES.has(key))) continue;
    // What is unknown cannot be stated.
    if (key === 'lambda' && value === null) continue;
    const other = recognized.config[key as keyof ModelConfig];
    if (JSON.stringify(value) !== JSON.stringify(other)) keys[key] = value;
  }
  return keys;
}
