import { BackendUnavailableError } from '../core/errors.js';
import type { Tf } from './tf.js';

/** The last call in the queue of each TensorFlow.js: two calls at once would switch the backend back and forth. */
const queues = new WeakMap<object, Promise<unknown>>();

/**
 * One backend of a `tf`. Which backend is active is global state of TensorFlow.js; a tensor must not move from one
 * backend to another unnoticed.
 */
export class Engine {
  /** @throws BackendUnavailableError if no backend is active */
  constructor(
    readonly tf: Tf,
    /** `cpu`, `wasm`, `webgl`, `webgpu` or `tensorflow`. */
    readonly name: string = tf.getBackend(),
  ) {
    // A caller without types may pass anything, and may not have set a backend yet.
    if (typeof name !== 'string' || name === '') {
      throw new BackendUnavailableError({
        op: 'tfjs',
        expected: 'an active engine',
        got: 'none',
        hint: "Call await tf.setBackend('…') first.",
      });
    }
  }

  /** Calls `compute` with this backend active. What `compute` does after its first await is not protected. */
  async use<T>(compute: (tf: Tf) => T): Promise<T> {
    const owner = this.tf.engine();
    const result = (queues.get(owner) ?? Promise.resolve()).then(() => this.#activateAndRun(compute));
    queues.set(
      owner,
      result.catch(() => undefined),
    );
    return result;
  }

  async #activateAndRun<T>(compute: (tf: Tf) => T): Promise<T> {
    // Other code may switch the backend during the await. So `compute` is called here, synchronously after the check:
    // even a return from this function would leave a gap.
    while (this.tf.getBackend() !== this.name) {
      if (await this.tf.setBackend(this.name)) continue;
      const got = 'a backend that does not start any more';
      throw new BackendUnavailableError({ op: 'tfjs', expected: `the engine ${this.name}`, got });
    }
    return compute(this.tf);
  }
}
