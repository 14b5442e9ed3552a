/** Compares the variants of the reference with what PyTorch computes. */
import { expect, test } from '@jest/globals';
import * as reference from '../../reference/index.js';
import { tensor, uniform, valuesOf, type State, type Tensor } from '../../reference/index.js';
import { pick } from '../../reference/layers.js';
import { resolveConfig } from '../../src/core/config.js';
import { toOracleConfig } from '../../src/oracle/backend.js';
import { GOLDEN_TOLERANCE, readGolden, requireClose } from '../judges/golden.js';
import { goldenState } from '../judges/ruledState.js';

interface VariantCase {
  readonly config: Record<string, unknown>;
  readonly seed: number;
  readonly batch: number;
  readonly targets: readonly number[];
  readonly smoothing: number;
  readonly lambda: number;
  readonly adam: { lr: number; betas: [number, number]; eps: number; weight_decay: number; steps: number };
  readonly sampled: number | null;
  readonly vanishing: readonly string[];
  readonly grad_names: readonly string[];
  readonly after_names: readonly string[];
  readonly adam3_names: readonly string[];
}

function open(name: string) {
  const [{ scalars, tensors }] = readGolden<VariantCase>('variants', name);
  const golden = scalars;
  const resolved = resolveConfig(golden.config);
  const config = toOracleConfig(resolved);
  const [h, w] = resolved.input_size;
  const shape = [golden.batch, config.in_chans, h, w];
  const pixels = Float64Array.from(
    { length: shape.reduce((a, b) => a * b) },
    (_, j) => Math.sqrt(3) * (2 * uniform(golden.seed, 1000, j) - 1),
  );
  const state = goldenState(config, golden.seed, golden.vanishing);
  return { golden, tensors, config, state, x: tensor(pixels, shape) };
}

/** Compares the stored elements of each tensor, with a tolerance relative to the tensor's largest magnitude. */
function requireAll(
  set: 'grad' | 'after' | 'adam3',
  got: ReadonlyMap<string, Tensor>,
  { golden, tensors }: ReturnType<typeof open>,
): void {
  const stored = valuesOf(tensors[set]);
  const largest = valuesOf(tensors[`${set}_max`]);
  const norms = valuesOf(tensors[`${set}_norm`]);
  let position = 0;
  golden[`${set}_names`].forEach((name, k) => {
    const values = valuesOf(pick(got, name));
    const count = Math.min(golden.sampled ?? values.length, values.length);
    const sampled = Float64Array.from(
      { length: count },
      (_, i) => values[count === 1 ? 0 : Math.floor((i * (values.length - 1)) / (count - 1))],
    );
    const want = tensor(stored.subarray(position, position + count), [count]);
    requireClose(`${set} ${name}`, tensor(sampled, [count]), want, largest[k]);
    const norm = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
    requireClose(`‖${set} ${name}‖`, norm, tensor([norms[k]], [1]));
    position += count;
  });
  expect(position).toBe(stored.length);
}

/** Tests a variant of the reference: logits, fusion, gradients, and three steps of Adam. */
export function testVariant(name: string): void {
  const opened = open(name);
  const { golden, tensors, config, state, x } = opened;
  const evaluate = (lambda: number): Tensor => reference.forward(config, state, x, { training: false, lambda }).logits;

  test.each([0, 0.25, 1])('has PyTorch’s logits at λ = %d', (lambda) => {
    requireClose(`logits at ${lambda}`, evaluate(lambda), tensors[`logits_eval_${lambda}`]);
  });

  test('has PyTorch’s logits when fused', () => {
    const fused = reference.fuse(config, state, { lambda: 1, probe: x, boundedLogits: 1 });
    const { logits } = reference.forward(fused.config, fused.state, x, { training: false });
    requireClose('fused logits', logits, tensors.logits_deploy);
    expect(fused.report.maxDifference).toBeLessThanOrEqual(GOLDEN_TOLERANCE * fused.report.maxLogit);
  });

  test('has PyTorch’s logits, loss, gradients and running statistics in training', () => {
    const { lambda, targets, smoothing } = golden;
    const { logits, buffers, backward } = reference.forward(config, state, x, { training: true, lambda });
    requireClose('logits', logits, tensors.logits_train);
    requireClose('loss', reference.labelSmoothingCrossEntropy(logits, targets, smoothing), tensors.loss_train);
    const { grads } = backward(reference.labelSmoothingCrossEntropyBackward(logits, targets, smoothing));
    requireAll('grad', grads, opened);
    requireAll('after', buffers, opened);
  });

  test('has PyTorch’s parameters after three steps of Adam', () => {
    const { lambda, targets, smoothing, adam } = golden;
    const { steps, weight_decay: weightDecay, ...rest } = adam;
    let training = reference.startTraining(state);
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) {
      const result = reference.trainStep(config, training, x, targets, { lambda, smoothing, weightDecay, ...rest });
      losses.push(result.loss);
      training = result.training;
    }
    requireClose('losses', tensor(losses, [steps]), tensors.losses);
    requireAll('adam3', training.state, opened);
    expect(counters(training.state)).toEqual(counters(state).map(() => steps));
  });
}

/** All `num_batches_tracked`. */
const counters = (state: State): number[] =>
  [...state].filter(([name]) => name.endsWith('.num_batches_tracked')).map(([, count]) => count.get());
