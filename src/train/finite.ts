import { TrainingError, WeightsError } from '../core/errors.js';
import { checkValues } from '../core/parameters.js';
import type { FloatArray, StateDict } from '../core/tensor.js';

const ADVICE = 'try a smaller learning rate or a longer warm-up';

/** @param first the layer in which it began, where that is known */
export function refuseLoss(where: string, loss: number, first: string | null): never {
  const got = first === null ? `${loss}; ${ADVICE}` : `${loss}, first at ${first}; ${ADVICE}`;
  throw new TrainingError({ op: where, expected: 'a loss that is a number', got });
}

export const allFinite = (values: FloatArray): boolean => values.every((value) => Number.isFinite(value));

/**
 * Refuses a state that no file may hold, in float32, for nobody could read it again. The loss does not tell: it is
 * that before the step, and what is no number may be lost in a ReLU.
 *
 * @returns the state
 * @throws TrainingError that names the first tensor
 */
export function requireFinite<T extends StateDict>(where: string, state: T): T {
  for (const [name, { data }] of state) {
    try {
      checkValues(name, Float32Array.from(data), 0, undefined);
    } catch (cause) {
      if (!(cause instanceof WeightsError)) throw cause;
      const got = `${cause.got} of ${name}; ${ADVICE}`;
      throw new TrainingError({ op: where, expected: cause.expected, got }, { cause });
    }
  }
  return state;
}
