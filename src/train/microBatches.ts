/** Divides a batch into micro-batches, and joins their results. */
import type { FloatArray } from '../core/tensor.js';
import type { Outcome } from './trainer.js';

/** The micro-batches of a batch, as views. @param parts a divisor of the number of images */
export const microBatches = (
  x: FloatArray,
  targets: FloatArray,
  parts: number,
): readonly { readonly x: FloatArray; readonly targets: FloatArray }[] => {
  const part = (values: FloatArray, k: number): FloatArray =>
    values.subarray((k * values.length) / parts, ((k + 1) * values.length) / parts);
  return Array.from({ length: parts }, (_, k) => ({ x: part(x, k), targets: part(targets, k) }));
};

/** Loss and logits of a batch. Its loss is the mean over the micro-batches, which have equal sizes. */
export function joinPasses(parts: readonly Outcome[]): Outcome {
  if (parts.length === 1) return parts[0];
  const loss = parts.reduce((sum, part) => sum + part.loss, 0) / parts.length;
  const length = parts.reduce((sum, part) => sum + part.logits.length, 0);
  // The reference returns float64.
  const logits = parts[0].logits instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
  let offset = 0;
  for (const part of parts) {
    logits.set(part.logits, offset);
    offset += part.logits.length;
  }
  return { loss, logits };
}
