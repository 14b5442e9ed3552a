import { BackendUnavailableError } from '../core/errors.js';
import type { Tf } from './tf.js';

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

  /** Makes this engine the one at work: what follows without waiting is computed by it. */
  async select(): Promise<void> {
    // Whoever else waits may have chosen another in the meantime.
    while (this.tf.getBackend() !== this.name) {
      if (await this.tf.setBackend(this.name)) continue;
      throw new BackendUnavailableError({ op: 'tfjs', expected: `the engine ${this.name}`, got: 'one that is gone' });
    }
  }
}
