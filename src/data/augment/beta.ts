import { exp, log } from '../../core/elementary.js';
import type { Draws } from './draws.js';

/** A random number of Gamma(α, 1), α ≥ 1 (Marsaglia and Tsang, ACM TOMS 26, 2000). */
function gamma(alpha: number, draws: Draws): number {
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = draws.normal();
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root * root * root;
    if (log(1 - draws.uniform()) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
  }
}

/**
 * A random number of Beta(α, α), α > 0. For α ≤ 1 by the method of Jöhnk (1964), in logarithms, because U^(1/α)
 * underflows for a small α.
 */
export function beta(alpha: number, draws: Draws): number {
  if (alpha > 1) {
    const x = gamma(alpha, draws);
    return x / (x + gamma(alpha, draws));
  }
  for (;;) {
    const x = log(1 - draws.uniform()) / alpha;
    const y = log(1 - draws.uniform()) / alpha;
    const max = Math.max(x, y);
    const [ex, ey] = [exp(x - max), exp(y - max)];
    if (max + log(ex + ey) <= 0) return ex / (ex + ey);
  }
}
