/** Refuses losses, weights and moments that are not finite. */
import { TrainingError, WeightsError } from '../core/errors.js';
import { checkValues } from '../core/parameters.js';
import type { FloatArray, StateDict } from '../core/tensor.js';

const HINT = 'Try a smaller learning rate or a longer warm-up.';

/**
 * Throws the error of a loss that is not finite.
 *
 * @param op the step or evaluation, for the error
 * @param layer the first layer whose output is not finite; null if it is not known
 */
export function refuseLoss(op: string, loss: number, layer: string | null): never {
  const got = layer === null ? `${loss}` : `${loss}, first at ${layer}`;
  throw new TrainingError({ op, expected: 'a finite loss', got, hint: HINT });
}

export const allFinite = (values: FloatArray): boolean => values.every((value) => Number.isFinite(value));

/**
 * Requires weights that are finite in float32, because files store float32. The loss does not show this: it is
 * computed before the step changes the weights, and a ReLU can turn a NaN into 0.
 *
 * @returns the state
 * @throws TrainingError with the first tensor that is not finite
 */
export function requireFinite<T extends StateDict>(op: string, state: T): T {
  for (const [name, { data }] of state) {
    try {
      checkValues(name, Float32Array.from(data), 0, undefined);
    } catch (cause) {
      if (!(cause instanceof WeightsError)) throw cause;
      const { expected } = cause;
      throw new TrainingError({ op, expected, got: `${cause.got} of ${name}`, hint: HINT }, { cause });
    }
  }
  return state;
}

/**
 * Requires finite moments. A second moment can overflow while all weights are finite; its parameter would then never
 * change again. Moments are checked in their own precision: those of the reference, in float64, may exceed float32.
 *
 * @throws TrainingError with the first tensor that is not finite
 */
export function requireFiniteMoments(op: string, moments: StateDict): void {
  for (const [name, { data }] of moments) {
    const index = data.findIndex((value) => !Number.isFinite(value));
    if (index < 0) continue;
    const got = `${data[index]} at element ${index} of ${name}`;
    throw new TrainingError({ op, expected: 'finite moments', got, hint: HINT });
  }
}
