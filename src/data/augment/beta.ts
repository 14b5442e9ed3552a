import { exp, log } from '../../core/elementary.js';
import type { Draws } from './draws.js';

/** Of Gamma(α, 1) for α ≥ 1: Marsaglia and Tsang, ACM TOMS 26 (2000). */
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
 * Of Beta(α, α), α > 0: for α ≤ 1 after Jöhnk (1964), in logarithms, as U^(1/α) would
 * vanish for a small α.
 */
export function beta(alpha: number, draws: Draws): number {
  if (alpha > 1) {
    const x = gamma(alpha, draws);
    return x / (x + gamma(alpha, draws));
  }
  for (;;) {
    const x = log(1 - draws.uniform()) / alpha;
    const y = log(1 - draws.uniform()) / alpha;
    const most = Math.max(x, y);
    const [ex, ey] = [exp(x - most), exp(y - most)];
    if (most + log(ex + ey) <= 0) return ex / (ex + ey);
  }
}
