import { exp } from '../core/elementary.js';
import { ParamError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';

export interface Prediction {
  /** Position of the class in the logits. */
  readonly index: number;
  /** The class's name, or its index where the weights name none. */
  readonly label: string;
  /** Softmax of the logits, in [0, 1]. */
  readonly probability: number;
}

/**
 * The k most probable classes, best first; equals in the order of their indices.
 *
 * @param logits of one image [num_classes]
 * @param k an integer ≥ 1; more than there are classes is all of them
 */
export function topK(logits: FloatArray, k: number, classNames: readonly string[] | null): Prediction[] {
  if (!Number.isSafeInteger(k) || k < 1) {
    throw new ParamError({ op: 'topK', expected: 'an integer >= 1', got: `${k}` });
  }
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
