import { createRequire } from 'node:module';
import { relative } from 'node:path';
import { checkWeightsPath } from './weightsPath.js';

/** The path of the weights in this package, relative to the working directory. */
const shippedPath = (): string =>
  relative(process.cwd(), createRequire(import.meta.url).resolve('vanillanet/models/vanillanet-cifar10.safetensors'));

/**
 * The weights of an option, or those of the package if it is missing.
 *
 * @param note called with a line about the weights of the package
 * @throws WeightsError for a missing file, with the nearest existing one
 */
export async function weightsOrShipped(weights: string | undefined, note: (text: string) => void): Promise<string> {
  if (weights !== undefined) return checkWeightsPath(weights);
  const path = shippedPath();
  note(`weights ${path} (of this package; choose others with --weights)`);
  return path;
}

export const WEIGHTS_HELP = 'file, URL, or name of official ones: vanillanet_5 (default: CIFAR-10, of this package)';
