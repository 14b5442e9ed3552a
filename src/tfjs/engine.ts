import { BackendUnavailableError } from '../core/errors.js';
import type { Tf } from './tf.js';

/** The last in each queue: two at once would take their engines from each other for ever. */
const turns = new WeakMap<object, Promise<unknown>>();

/**
 * One engine of a `tf`: which of them is at work is a global of TensorFlow.js, and a
 * tensor of one must not wander to another unnoticed.
 */
export class Engine {
  constructor(
    readonly tf: Tf,
    /** `cpu`, `wasm`, `webgl`, `webgpu`, `tensorflow`. */
    readonly name: string = tf.getBackend(),
  ) {
    // A caller without types, or one who has set no engine yet.
    if (typeof name !== 'string' || name === '') {
      throw new BackendUnavailableError({
        op: 'tfjs',
        expected: "an engine at work: await tf.setBackend('…') first",
        got: 'none',
      });
    }
  }

  /** Computes with this engine at work. Only what `compute` does without waiting is computed by it. */
  async use<T>(compute: (tf: Tf) => T): Promise<T> {
    const whole = this.tf.engine();
    const turn = (turns.get(whole) ?? Promise.resolve()).then(() => this.#atWork(compute));
    turns.set(
      whole,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async #atWork<T>(compute: (tf: Tf) => T): Promise<T> {
    // Somebody else may choose another in the meantime, so that nothing may come between the last look and `compute`:
    // not even the return from here.
    while (this.tf.getBackend() !== this.name) {
      if (await this.tf.setBackend(this.name)) continue;
      throw new BackendUnavailableError({ op: 'tfjs', expected: `the engine ${this.name}`, got: 'one that is gone' });
    }
    return compute(this.tf);
  }
}
