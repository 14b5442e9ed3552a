import type { StateDict } from '../../src/core/tensor.js';
import type { Progress } from '../../src/train/train.js';

/** A run to its end: what it said after every step, and the network it made. */
export function collect(run: Generator<Progress, StateDict>): { records: Progress[]; state: StateDict } {
  const records: Progress[] = [];
  for (;;) {
    const next = run.next();
    if (next.done) return { records, state: next.value };
    records.push(next.value);
  }
}
