import { bceWithLogits, bceWithLogitsBackward } from './bceWithLogits.js';
import { checkConfig, type Config } from './config.js';
import { crossEntropy, crossEntropyBackward } from './crossEntropy.js';
import { ParamError } from './errors.js';
import type { RunningVar, State } from './layers.js';
import { map, tensor, valuesOf, zip, type Tensor } from './tensor.js';
import { forward } from './vanillaNet.js';
import { requireInteger, requireNames, requireOneOf, requireOptions, requireShape, show } from './require.js';

export interface AccumulateOptions {
  readonly lambda: number;
  readonly loss: 'cross-entropy' | 'bce';
  /** Seed of the dropout masks. */
  readonly seed: number;
  /** Number of training steps before this one: each step and part has its own masks. */
  readonly step: number;
  /** Number of micro-batches; divides the batch. */
  readonly parts: number;
  /** The variance that updates the running statistics. Default 'unbiased'. */
  readonly runningVar?: RunningVar;
  /** Names of tensors that stay as they are. Default none. */
  readonly frozen?: ReadonlySet<string>;
}

const ACCUMULATE_KEYS = ['lambda', 'loss', 'seed', 'step', 'parts', 'runningVar', 'frozen'];

/** Gradients and loss of a batch, before the optimizer's step. */
export interface AccumulateResult {
  /** The gradient of the loss by the name of each parameter that is not frozen. */
  readonly grads: ReadonlyMap<string, Tensor>;
  /** The state with the running statistics after the batch; the parameters are unchanged. */
  readonly state: State;
  /** In nats, averaged over the batch. */
  readonly loss: number;
  /** [n, num_classes] */
  readonly logits: Tensor;
}

/** Part k of a batch that is divided into equal parts. */
function part(x: Tensor, parts: number, k: number): Tensor {
  const [n, ...rest] = x.shape;
  const values = valuesOf(x);
  const length = values.length / parts;
  return tensor(values.subarray(k * length, (k + 1) * length), [n / parts, ...rest]);
}

/** The state with new running statistics, and with the counters of batches incremented. */
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
 * Runs a batch forward and backward in k equal micro-batches, which need less memory than the
 * whole batch. The loss of the batch is the mean of their losses, and therefore
 *
 *     dL/dw = 1/k · Σ dLᵢ/dw
 *
 * The result differs from that of the whole batch in the batch normalizations, which use the
 * statistics of each micro-batch and update their running statistics k times, as in PyTorch, and
 * in the dropout masks, which are drawn for each micro-batch.
 *
 * @param x [n, in_chans, h, w]
 * @param shares the share of each class in each image [n, num_classes]
 * @throws ParamError if `parts` does not divide the batch
 */
export function accumulate(
  config: Config,
  state: State,
  x: Tensor,
  shares: Tensor,
  options: AccumulateOptions,
): AccumulateResult {
  const {
    lambda,
    loss: kind,
    seed,
    step,
    parts,
    runningVar = 'unbiased',
    frozen = new Set<string>(),
  } = requireOptions('accumulate', 'options', options, ACCUMULATE_KEYS);
  checkConfig(config);
  requireOneOf('accumulate', 'loss', kind, ['cross-entropy', 'bce']);
  requireInteger('accumulate', 'step', step, 0);
  requireNames('accumulate', 'frozen', frozen);
  requireShape('accumulate', 'x', x, ['n', config.in_chans, 'h', 'w']);
  requireShape('accumulate', 'targets', shares, [x.shape[0], config.num_classes]);
  const [n] = x.shape;
  if (!Number.isInteger(parts) || parts < 1 || n % parts !== 0) {
    throw new ParamError('accumulate', `a number of micro-batches that divides ${n} images`, show(parts));
  }
  const [value, slope] = kind === 'bce' ? [bceWithLogits, bceWithLogitsBackward] : [crossEntropy, crossEntropyBackward];
  const sums = new Map<string, Tensor>();
  const logits: number[] = [];
  let [now, loss] = [state, 0];
  for (let k = 0; k < parts; k++) {
    const mode = { training: true, lambda, seed, step: step * parts + k, runningVar, frozen } as const;
    const pass = forward(config, now, part(x, parts, k), mode);
    const q = part(shares, parts, k);
    for (const [name, grad] of pass.backward(slope(pass.logits, q)).grads) {
      if (frozen.has(name)) continue;
      const before = sums.get(name);
      sums.set(name, before === undefined ? grad : zip(before, grad, (a, b) => a + b));
    }
    loss += value(pass.logits, q);
    logits.push(...valuesOf(pass.logits));
    now = withStatistics(now, pass.buffers);
  }
  const grads = [...sums].map(([name, sum]) => [name, map(sum, (v) => v / parts)] as const);
  return { grads: new Map(grads), state: now, loss: loss / parts, logits: tensor(logits, [n, config.num_classes]) };
}
