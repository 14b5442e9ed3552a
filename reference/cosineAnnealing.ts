import { requireNonNegative, requireOptions, requirePositive, requireRange } from './require.js';

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
export function cosineAnnealing(t: number, options: CosineAnnealingOptions): number {
  const {
    baseLr,
    tMax,
    etaMin = 0,
  } = requireOptions('cosineAnnealing', 'options', options, ['baseLr', 'tMax', 'etaMin']);
  requirePositive('cosineAnnealing', 'tMax', tMax);
  requireNonNegative('cosineAnnealing', 'baseLr', baseLr);
  requireNonNegative('cosineAnnealing', 'etaMin', etaMin);
  requireRange('cosineAnnealing', 't', t, 0, tMax);
  return etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * t) / tMax))) / 2;
}
