import { createRequire } from 'node:module';
import { relative } from 'node:path';

/** As whoever stands here would name it. */
const shipped = (): string =>
  relative(process.cwd(), createRequire(import.meta.url).resolve('vanillanet/models/vanillanet-cifar10.safetensors'));

/**
 * The weights that were given, or else those that came with the package.
 *
 * @param note told which, where nobody said
 */
export function weightsOr(given: string | undefined, note: (text: string) => void): string {
  if (given !== undefined) return given;
  const path = shipped();
  note(`weights ${path}, which came with the package: none were given`);
  return path;
}

export const SHIPPED_HELP = 'the network for CIFAR-10 that comes with the package, if not given';
