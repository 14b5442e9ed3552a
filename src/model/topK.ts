import { checkInteger, show, tagOf } from '../core/check.js';
import { DataError, ParamError, ShapeError } from '../core/errors.js';
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

const LISTS = ['Float32Array', 'Float64Array', 'Array'];

const isTexts = (names: unknown): boolean => Array.isArray(names) && names.every((name) => typeof name === 'string');

function checkLogits(logits: FloatArray, classNames: readonly string[] | null): void {
  const op = 'topK';
  if (!LISTS.includes(tagOf(logits)) || logits.length === 0) {
    const got = LISTS.includes(tagOf(logits)) ? 'none' : tagOf(logits);
    throw new ShapeError({ op, expected: 'logits, one for each class', got });
  }
  if (classNames !== null && !isTexts(classNames)) {
    throw new ParamError({ op, expected: 'class names in a list, or null', got: show(classNames) });
  }
  if (classNames !== null && classNames.length !== logits.length) {
    throw new ParamError({
      op,
      expected: `${logits.length} class names, one for each logit`,
      got: `${classNames.length}`,
    });
  }
  const invalid = logits.findIndex((value) => !Number.isFinite(value));
  if (invalid < 0) return;
  throw new DataError({ op, expected: 'finite logits', got: `${show(logits[invalid])} for class ${invalid}` });
}

/**
 * The k most probable classes, best first; ties in the order of their indices.
 *
 * @param logits [num_classes] of one image
 * @param k an integer >= 1; values above num_classes return all classes
 * @param classNames as `class_names` of the configuration
 * @throws ParamError if k is not a positive integer, or for another number of names than of logits
 * @throws ShapeError for no logits, DataError for a logit that is not finite
 */
export function topK(logits: FloatArray, k: number, classNames: readonly string[] | null): Prediction[] {
  checkInteger('topK', k, { min: 1 });
  checkLogits(logits, classNames);
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
