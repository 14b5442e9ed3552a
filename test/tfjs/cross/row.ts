import type { FloatArray } from '../../../src/core/tensor.js';
import type { Verdict } from '../../wasm/judge.js';

/** The result of one check of one network. */
export interface Row {
  readonly check: string;
  readonly network: string;
  /** The largest |difference|/bound: at most 1 if the engine is correct. */
  readonly worst: number;
  readonly ok: boolean;
  /** Where the largest ratio is, or another error. */
  readonly at: string;
}

function largest(values: FloatArray): number {
  let most = 0;
  for (const v of values) most = Math.max(most, Math.abs(v));
  return most;
}

/** An output of the engine, and the value and bound to compare it with. */
export interface Comparison {
  readonly got: FloatArray;
  readonly verdict: Pick<Verdict, 'exact' | 'bound'>;
  /** Whether the exact value is 0, so that the output is rounding only. */
  readonly mayVanish?: boolean;
  readonly at: string;
}

/** The worst of several outputs. The bounds do not cover underflow, because the random values are far from it. */
export function rowOf(check: string, network: string, all: Iterable<Comparison>): Row {
  let [worst, at] = [0, ''];
  const update = (ratio: number, where: string): void => {
    if (ratio > worst || at === '') [worst, at] = [ratio, where];
  };
  for (const { got, verdict, mayVanish = false, at: where } of all) {
    const { exact, bound } = verdict;
    if (got.length !== exact.length) update(Infinity, `${where}: ${got.length} values, not ${exact.length}`);
    else if (!mayVanish && largest(bound) > 0 && largest(bound) >= largest(exact)) {
      update(Infinity, `${where}: a bound as large as the signal`);
    } else {
      exact.forEach((value, i) => {
        const off = Math.abs(got[i] - value);
        const ratio = off === 0 ? 0 : off / bound[i];
        update(Number.isNaN(ratio) ? Infinity : ratio, `${where} [${i}]: ${got[i]}, not ${value}`);
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
