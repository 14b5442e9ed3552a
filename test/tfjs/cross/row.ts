import type { FloatArray } from '../../../src/core/tensor.js';
import type { Verdict } from '../../wasm/judge.js';

/** What one check of one network found. */
export interface Row {
  readonly check: string;
  readonly network: string;
  /** The largest |difference|/bound: at most 1 where the engine is right. */
  readonly worst: number;
  readonly ok: boolean;
  /** Where that is, or what else is wrong. */
  readonly at: string;
}

function largest(values: FloatArray): number {
  let most = 0;
  for (const v of values) most = Math.max(most, Math.abs(v));
  return most;
}

export interface Held {
  readonly got: FloatArray;
  readonly verdict: Pick<Verdict, 'exact' | 'bound'>;
  /** Whether what is computed may be nothing but rounding. */
  readonly mayVanish?: boolean;
  readonly at: string;
}

/** The worst of several outputs. Nothing is granted for underflow: what is drawn is far from it. */
export function rowOf(check: string, network: string, all: Iterable<Held>): Row {
  let [worst, at] = [0, ''];
  const found = (ratio: number, where: string): void => {
    if (ratio > worst || at === '') [worst, at] = [ratio, where];
  };
  for (const { got, verdict, mayVanish = false, at: where } of all) {
    const { exact, bound } = verdict;
    if (got.length !== exact.length) found(Infinity, `${where}: ${got.length} values, not ${exact.length}`);
    else if (!mayVanish && largest(bound) > 0 && largest(bound) >= largest(exact)) {
      found(Infinity, `${where}: a bound as large as the signal`);
    } else {
      exact.forEach((value, i) => {
        const off = Math.abs(got[i] - value);
        const ratio = off === 0 ? 0 : off / bound[i];
        found(Number.isNaN(ratio) ? Infinity : ratio, `${where} [${i}]: ${got[i]}, not ${value}`);
      });
    }
  }
  return at === '' ? failed(check, network, 'nothing to compare') : { check, network, worst, ok: worst <= 1, at };
}

export const failed = (check: string, network: string, at: string): Row => ({
  check,
  network,
  worst: Infinity,
  ok: false,
  at,
});
