import type { OpSpec, Reference } from './opSpec.js';

/** Checks exact values, bit for bit; NaN equals NaN. */
export function judgeFacts(ref: Reference, { op, facts = [] }: OpSpec): void {
  for (const { name, got, want } of facts) {
    const is = got(ref);
    if (is.length !== want.length || is.some((v, i) => v !== want[i] && !(Number.isNaN(v) && Number.isNaN(want[i])))) {
      throw new Error(`${op} ${name}: ${is.join(', ')}, not ${want.join(', ')}`);
    }
  }
}
