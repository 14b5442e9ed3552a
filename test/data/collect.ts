import type { Batch } from '../../src/data/loader/batch.js';

/** Copies of all batches: a loader reuses its arrays. */
export async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const { x, targets, labels } of batches) {
    all.push({ x: Float32Array.from(x), targets: Float32Array.from(targets), labels: Int32Array.from(labels) });
  }
  return all;
}
