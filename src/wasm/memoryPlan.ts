import { resolveConfig, type GivenConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { sizeOf } from '../core/tensor.js';
import { planLayout, type MemoryUse } from './layout.js';
import { threadCount } from './team.js';

/** What a network needs, in bytes. */
export interface MemoryPlan extends MemoryUse {
  /** Outside of the linear memory: a batch of float32 images and their logits, as `forward` takes and gives them. */
  readonly batch: number;
}

/**
 * Bytes that the WebAssembly backend needs for a network in the deploy form, before
 * anything is loaded. Images are worked on one by one: a larger batch needs no more
 * linear memory.
 *
 *     total = weights + activations + scratch, and some 64 kB for the module and its program
 *
 * @param batch images a call @param threads each has a scratch of its own
 * @throws ParamError for what is no configuration, and beyond 4 GiB; ShapeError where `input_size` is too small
 */
export function memoryPlan(
  given: GivenConfig,
  { batch = 1, threads = 1 }: { readonly batch?: number; readonly threads?: number | 'auto' } = {},
): MemoryPlan {
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new ParamError({ op: 'memoryPlan', expected: 'batch an integer >= 1', got: String(batch) });
  }
  const config = resolveConfig({ ...given, form: 'deploy' });
  const { use } = planLayout(config, { threads: threadCount(threads) });
  return { ...use, batch: 4 * batch * (sizeOf([config.in_chans, ...config.input_size]) + config.num_classes) };
}
