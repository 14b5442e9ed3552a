/** A batch that is passed in equal parts, and what the parts come to. */
import type { FloatArray } from '../core/tensor.js';
import type { Outcome } from './trainer.js';

/** Of a batch with this in it: views. */
export const microBatches = (
  x: FloatArray,
  targets: FloatArray,
  parts: number,
): readonly { readonly x: FloatArray; readonly targets: FloatArray }[] => {
  const part = (values: FloatArray, k: number): FloatArray =>
    values.subarray((k * values.length) / parts, ((k + 1) * values.length) / parts);
  return Array.from({ length: parts }, (_, k) => ({ x: part(x, k), targets: part(targets, k) }));
};

/** Loss and logits of the batch: as the parts are equal, its loss is the mean of theirs. */
export function joinPasses(parts: readonly Outcome[]): Outcome {
  if (parts.length === 1) return parts[0];
  const loss = parts.reduce((sum, part) => sum + part.loss, 0) / parts.length;
  const length = parts.reduce((sum, part) => sum + part.logits.length, 0);
  // Of the oracle they are float64.
  const logits = parts[0].logits instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    logits.set(part.logits, at);
    at += part.logits.length;
  }
  return { loss, logits };
}
