import { createRequire } from 'node:module';
import { relative } from 'node:path';

/** The path of the weights in this package, relative to the working directory. */
const shippedPath = (): string =>
  relative(process.cwd(), createRequire(import.meta.url).resolve('vanillanet/models/vanillanet-cifar10.safetensors'));

/**
 * The weights of an option, or those of the package if it is missing.
 *
 * @param note called with a line about the weights of the package
 */
export function weightsOrShipped(weights: string | undefined, note: (text: string) => void): string {
  if (weights !== undefined) return weights;
  const path = shippedPath();
  note(`weights ${path} (of this package; choose others with --weights)`);
  return path;
}

export const SHIPPED_HELP = 'default: CIFAR-10 network of this package';
