import { checkVariantName, type ModelConfigInput } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { readJsonObject } from './jsonFile.js';

/** The options that name a network, besides a variant. */
export interface NetworkOptions {
  readonly weights?: string;
  readonly config?: string;
}

/**
 * The configuration of a network that the command line names; vanillanet_5 by default.
 *
 * @param op the command, for messages
 * @throws ParamError for two networks, or an unknown variant
 */
export async function networkConfig(
  op: string,
  variant: string | undefined,
  { weights, config }: NetworkOptions,
): Promise<ModelConfigInput> {
  const sources = [variant, weights, config].filter((source) => source !== undefined);
  if (variant !== undefined && sources.length > 1) {
    throw new ParamError({ op, expected: 'a variant, --weights or --config', got: sources.join(' and ') });
  }
  if (config !== undefined) return readJsonObject(config);
  return { variant: checkVariantName('variant', variant ?? 'vanillanet_5') };
}
