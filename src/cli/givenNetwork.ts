import { isVariantName, VARIANTS, type ModelConfigInput } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { readJsonObject } from './jsonFile.js';

/** What a command line may say of a network: a variant, or files; VanillaNet-5 where it says nothing. */
export interface NetworkOptions {
  readonly weights?: string;
  readonly config?: string;
}

/** @param op the command @throws ParamError for two networks, and for a variant that there is not */
export async function givenNetwork(
  op: string,
  variant: string | undefined,
  { weights, config }: NetworkOptions,
): Promise<ModelConfigInput> {
  const named = [variant, weights, config].filter((given) => given !== undefined);
  if (variant !== undefined && named.length > 1) {
    throw new ParamError({ op, expected: 'a variant or a network of its own', got: named.join(' and ') });
  }
  if (config !== undefined) return readJsonObject(config);
  const name = variant ?? 'vanillanet_5';
  if (!isVariantName(name)) {
    throw new ParamError({ op: 'variant', expected: `one of ${Object.keys(VARIANTS).join(', ')}`, got: name });
  }
  return { variant: name };
}
