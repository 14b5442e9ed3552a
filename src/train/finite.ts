import { TrainingError, WeightsError } from '../core/errors.js';
import { checkValues } from '../core/parameters.js';
import type { FloatArray, StateDict } from '../core/tensor.js';

const ADVICE = 'try a smaller learning rate or a longer warm-up';

/** @param first the layer in which it began, where that is known */
export function requireFiniteLoss(where: string, loss: number, first: string | null): never {
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

/**
 * Refuses moments that a run could not go on with. A square may be no number where no weight is: its parameter
 * stands still from then on. They are kept as they are, so that those of float64 may be larger than float32 can be.
 *
 * @throws TrainingError that names the first tensor
 */
export function requireFiniteMoments(where: string, moments: StateDict): void {
  for (const [name, { data }] of moments) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    const got = `${data[at]} at element ${at} of ${name}; ${ADVICE}`;
    throw new TrainingError({ op: where, expected: 'finite moments', got });
  }
}
