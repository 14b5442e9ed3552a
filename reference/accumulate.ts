import { bceWithLogits, bceWithLogitsBackward } from './bceWithLogits.js';
import type { Config } from './config.js';
import { crossEntropy, crossEntropyBackward } from './crossEntropy.js';
import { ParamError } from './errors.js';
import type { State } from './layers.js';
import { map, tensor, valuesOf, zip, type Tensor } from './tensor.js';
import { forward } from './vanillaNet.js';

export interface AccumulateOptions {
  readonly lambda: number;
  readonly loss: 'cross-entropy' | 'bce';
  /** Of the dropout masks, with the steps made before. */
  readonly seed: number;
  readonly step: number;
  /** Micro-batches that the batch is passed in; they divide it. */
  readonly parts: number;
}

/** What a batch comes to before the optimizer. */
export interface Accumulated {
  readonly grads: ReadonlyMap<string, Tensor>;
  /** The state with its running statistics after the batch. */
  readonly state: State;
  readonly loss: number;
  readonly logits: Tensor;
}

/** The k-th of so many equal parts of a batch. */
function part(x: Tensor, parts: number, k: number): Tensor {
  const [n, ...rest] = x.shape;
  const values = valuesOf(x);
  const length = values.length / parts;
  return tensor(values.subarray(k * length, (k + 1) * length), [n / parts, ...rest]);
}

/** The state with these running statistics, and one batch more in the counters. */
function withStatistics(state: State, buffers: ReadonlyMap<string, Tensor>): State {
  const next = new Map(state);
  for (const [name, statistic] of buffers) {
    next.set(name, statistic);
    const counter = name.replace(/running_(mean|var)$/, 'num_batches_tracked');
    const batches = state.get(counter);
    if (batches !== undefined)
      next.set(
        counter,
        map(batches, (count) => count + 1),
      );
  }
  return next;
}

/**
 * Passes a batch forward and backward, in parts that need less memory one after the other
 * than the batch at once. As the parts are equal, the mean of their losses is the batch's
 * loss, and so
 *
 *     dL/dw = 1/k · Σ dLᵢ/dw
 *
 * but for the batch norms: they see each part alone, and their running statistics move
 * once a part, as in PyTorch. Every part has dropout masks of its own.
 *
 * @param shares [n, num_classes]
 * @throws ParamError where the parts do not divide the batch
 */
export function accumulate(
  config: Config,
  state: State,
  x: Tensor,
  shares: Tensor,
  { lambda, loss: kind, seed, step, parts }: AccumulateOptions,
): Accumulated {
  const [n] = x.shape;
  if (!Number.isInteger(parts) || parts < 1 || n % parts !== 0) {
    throw new ParamError('accumulate', `a number of micro-batches that divides ${n} images`, `${parts}`);
  }
  const [value, slope] = kind === 'bce' ? [bceWithLogits, bceWithLogitsBackward] : [crossEntropy, crossEntropyBackward];
  const sums = new Map<string, Tensor>();
  const logits: number[] = [];
  let [now, loss] = [state, 0];
  for (let k = 0; k < parts; k++) {
    const mode = { training: true, lambda, seed, step: step * parts + k } as const;
    const passed = forward(config, now, part(x, parts, k), mode);
    const q = part(shares, parts, k);
    for (const [name, grad] of passed.backward(slope(passed.logits, q)).grads) {
      const before = sums.get(name);
      sums.set(name, before === undefined ? grad : zip(before, grad, (a, b) => a + b));
    }
    loss += value(passed.logits, q);
    logits.push(...valuesOf(passed.logits));
    now = withStatistics(now, passed.buffers);
  }
  const grads = [...sums].map(([name, sum]) => [name, map(sum, (v) => v / parts)] as const);
  return { grads: new Map(grads), state: now, loss: loss / parts, logits: tensor(logits, [n, config.num_classes]) };
}
