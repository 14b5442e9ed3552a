import type { OpSpec, Reference } from './opSpec.js';

/** Exact values: every fact holds to the last bit (and NaN is NaN). */
export function judgeFacts(ref: Reference, { op, facts = [] }: OpSpec): void {
  for (const { name, got, want } of facts) {
    const is = got(ref);
    if (is.length !== want.length || is.some((v, i) => v !== want[i] && !(Number.isNaN(v) && Number.isNaN(want[i])))) {
      throw new Error(`${op} ${name}: ${is.join(', ')}, not ${want.join(', ')}`);
    }
  }
}
