/** NumPy's arrays in pickles of weights: one that is stated wrongly is kept, as only the network's need to be sound. */
import { WeightsError } from '../core/errors.js';
import type { Vocabulary } from '../io/pickle/pickleMachine.js';
import { NUMBER_CODES, NumpyValues } from '../io/pickle/numpyValues.js';
import { PickleArray } from '../io/pickle/pickleValues.js';

/** The constructor of arrays with their elements, in protocol 5. */
const FROM_BUFFER = 'numpy.core.numeric._frombuffer';

/** Makes the values of NumPy's constructors, and keeps what is wrong with arrays. */
export class NumpyArrays {
  private readonly values = new NumpyValues(NUMBER_CODES, 'a type of numbers', true);
  private readonly damage = new WeakMap<PickleArray, WeightsError>();

  readonly call: NonNullable<Vocabulary['call']> = (name, args, reader) => {
    const make = () => this.values.call(name, args, reader);
    if (name !== FROM_BUFFER) return make();
    const empty = new PickleArray();
    let array: ReturnType<typeof make> = empty;
    this.attempt(empty, () => {
      array = make();
    });
    return array;
  };

  readonly build: NonNullable<Vocabulary['build']> = (target, state, reader) => {
    if (!(target instanceof PickleArray)) return this.values.build(target, state, reader);
    let isBuilt = true;
    this.attempt(target, () => {
      isBuilt = this.values.build(target, state, reader);
    });
    return isBuilt;
  };

  /** @param op the name of the array @throws WeightsError if the file states it wrongly */
  check(array: PickleArray, op: string): void {
    const damage = this.damage.get(array);
    if (damage === undefined) return;
    const { expected, got, hint } = damage;
    throw new WeightsError({ op, expected, got, hint }, { cause: damage });
  }

  private attempt(array: PickleArray, make: () => void): void {
    try {
      make();
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error;
      this.damage.set(array, error);
    }
  }
}
