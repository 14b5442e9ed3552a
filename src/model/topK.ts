import { checkInteger } from '../core/check.js';
import { exp } from '../core/elementary.js';
import type { FloatArray } from '../core/tensor.js';

export interface Prediction {
  /** The index of the class in the logits. */
  readonly index: number;
  /** The name of the class, or its index if the configuration has no names. */
  readonly label: string;
  /** The softmax of the logits, in [0, 1]. */
  readonly probability: number;
}

/**
 * The k most probable classes, best first; ties in the order of their indices.
 *
 * @param logits [num_classes] of one image
 * @param k an integer >= 1; values above num_classes return all classes
 * @param classNames as `class_names` of the configuration
 * @throws ParamError if k is not a positive integer
 */
export function topK(logits: FloatArray, k: number, classNames: readonly string[] | null): Prediction[] {
  checkInteger('topK', k, { min: 1 });
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const exponentials = values.map((v) => exp(v - largest));
  const total = exponentials.reduce((a, b) => a + b, 0);
  return [...exponentials.keys()]
    .sort((a, b) => exponentials[b] - exponentials[a] || a - b)
    .slice(0, k)
    .map((index) => ({
      index,
      label: classNames === null ? `${index}` : classNames[index],
      probability: exponentials[index] / total,
    }));
}
