import { ParamError } from './errors.js';
import { requireRange } from './require.js';

export interface CosineAnnealingOptions {
  /** Learning rate at step 0. */
  readonly baseLr: number;
  /** Step (or epoch) of the last learning rate. */
  readonly tMax: number;
  /** Learning rate at step tMax. Default 0. */
  readonly etaMin?: number;
}

/**
 * The learning rate at step t (Loshchilov & Hutter, arXiv 1608.03983):
 *
 *     lr(t) = etaMin + ½·(baseLr − etaMin)·(1 + cos(π·t/tMax))
 *
 * @param t in [0, tMax]
 * @throws ParamError
 */
export function cosineAnnealing(t: number, { baseLr, tMax, etaMin = 0 }: CosineAnnealingOptions): number {
  if (!(tMax > 0 && tMax < Infinity)) throw new ParamError('cosineAnnealing', 'tMax > 0', `tMax = ${tMax}`);
  for (const [name, value] of Object.entries({ baseLr, etaMin })) {
    if (!(value >= 0 && value < Infinity))
      throw new ParamError('cosineAnnealing', `${name} >= 0`, `${name} = ${value}`);
  }
  requireRange('cosineAnnealing', 't', t, 0, tMax);
  return etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * t) / tMax))) / 2;
}
