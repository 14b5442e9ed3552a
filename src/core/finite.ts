/** Refuses numbers that are not finite, in what goes into a network and in what comes out. */
import type { ModelConfig } from './config.js';
import { DataError, WeightsError } from './errors.js';
import type { FloatArray } from './tensor.js';

/**
 * The index of the first value that is NaN, infinite or beyond float32; −1 if there is none.
 *
 * v − v is 0 for a finite v and NaN for others, so that one sum without branches shows whether there is one.
 */
export function firstNonFinite(values: FloatArray): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = Math.fround(values[i]);
    sum += value - value;
  }
  return sum === 0 ? -1 : values.findIndex((value) => !Number.isFinite(Math.fround(value)));
}

/**
 * Checks the input of a network. Its ReLUs can turn a NaN into 0, so that the logits would not show it.
 *
 * @throws DataError with the first value that is not finite
 */
export function checkFiniteInput(op: string, x: FloatArray): void {
  const index = firstNonFinite(x);
  if (index < 0) return;
  throw new DataError({ op, expected: 'x of finite numbers', got: `${x[index]} at element ${index}` });
}

const HINT =
  'The weights are finite, but their products are not: use weights that were trained and fused without errors.';

/**
 * Checks the logits [n, classes] of a network.
 *
 * @throws WeightsError with the first logit that is not finite: its input is, so that the weights are to blame
 */
export function checkFiniteLogits(
  op: string,
  logits: FloatArray,
  { num_classes, class_names }: Pick<ModelConfig, 'num_classes' | 'class_names'>,
): void {
  const index = logits.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  const [image, k] = [Math.floor(index / num_classes), index % num_classes];
  const name = class_names === null ? '' : ` (${class_names[k]})`;
  const where = logits.length > num_classes ? ` of image ${image}` : '';
  throw new WeightsError({
    op,
    expected: 'finite logits',
    got: `${logits[index]} for class ${k}${name}${where}`,
    hint: HINT,
  });
}

/** Checks outputs of modules by name. @throws WeightsError with the first that is not finite */
export function checkFiniteOutputs(op: string, outputs: ReadonlyMap<string, { readonly data: FloatArray }>): void {
  for (const [name, { data }] of outputs) {
    const index = firstNonFinite(data);
    if (index < 0) continue;
    const got = `${data[index]} at element ${index} of ${name}`;
    throw new WeightsError({ op, expected: 'finite outputs', got, hint: HINT });
  }
}
