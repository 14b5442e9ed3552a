/** The reference against the official code (huawei-noah/VanillaNet) in float64; see test/reference/golden/README.md. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import * as reference from '../../reference/index.js';
import { config as completeConfig, tensor, valuesOf, type Tensor } from '../../reference/index.js';
import { pick } from '../../reference/layers.js';
import { requireClose } from '../judges/golden.js';
import { sineState } from '../judges/ruledState.js';

const FILE = new URL('golden/official-plain.json', import.meta.url);

interface Official {
  readonly kw: { num_classes: number; dims: number[]; strides: number[]; act_num: number };
  readonly tensors: number;
  readonly [key: `eval_act_${number}`]: number[][];
  readonly deploy: number[][];
  readonly deploy_stem_w_sum: number;
  readonly deploy_stem_b: number[];
  readonly deploy_cls_b: number[];
  readonly 'train_logits_act_0.25': number[][];
  readonly ls_loss: number;
  /** Binary cross-entropy against targets smoothed by 0.1: on = 1 − s + s/C, off = s/C. */
  readonly bce: number;
  readonly grad_l2: Readonly<Record<string, number>>;
  readonly stem1_bn_running_mean_after: number[];
  readonly stem1_bn_running_var_after: number[];
}

const rows = (values: readonly (readonly number[])[]): Tensor =>
  tensor(values.flat(), [values.length, values[0].length]);
const row = (values: readonly number[]): Tensor => tensor(values, [values.length]);
const norm = (x: Tensor): number => Math.sqrt(valuesOf(x).reduce((sum, v) => sum + v * v, 0));

describe('the official code', () => {
  const { plain: official } = JSON.parse(readFileSync(FILE, 'utf8')) as { plain: Official };
  const config = completeConfig({ dims: [4, 6, 8], strides: [2, 1], num_classes: 5, act_num: 3 });
  const state = sineState(config);
  const x = tensor(
    Float64Array.from({ length: 4 * 3 * 32 * 32 }, (_, j) => Math.sin(0.05 * j)),
    [4, 3, 32, 32],
  );
  const targets = [1, 3, 0, 4];

  test('was run with this network', () => {
    expect(official.kw).toEqual({ num_classes: 5, dims: [4, 6, 8], strides: [2, 1], act_num: 3 });
    const counted = [...state.keys()].filter((name) => !name.endsWith('.num_batches_tracked'));
    expect(counted).toHaveLength(official.tensors);
  });

  test.each([0, 0.25, 1])('has our logits at λ = %d', (lambda) => {
    const { logits } = reference.forward(config, state, x, { training: false, lambda });
    requireClose('logits', logits, rows(official[`eval_act_${lambda}`]));
  });

  test('fuses to our weights and logits', () => {
    const fused = reference.fuse(config, state, { lambda: 1, probe: x });
    requireClose('logits', fused.logits.fused, rows(official.deploy));
    requireClose('stem.0.bias', pick(fused.state, 'stem.0.bias'), row(official.deploy_stem_b));
    requireClose('cls.2.bias', pick(fused.state, 'cls.2.bias'), row(official.deploy_cls_b));
    const sum = valuesOf(pick(fused.state, 'stem.0.weight')).reduce((a, b) => a + b, 0);
    requireClose('Σ stem.0.weight', sum, row([official.deploy_stem_w_sum]));
  });

  test('trains to our logits, loss, gradients and running statistics', () => {
    const { logits, buffers, backward } = reference.forward(config, state, x, { training: true, lambda: 0.25 });
    requireClose('logits', logits, rows(official['train_logits_act_0.25']));
    requireClose('loss', reference.labelSmoothingCrossEntropy(logits, targets), row([official.ls_loss]));
    const smoothed = targets.flatMap((target) => [0, 1, 2, 3, 4].map((c) => (c === target ? 0.9 : 0) + 0.1 / 5));
    requireClose('bce', reference.bceWithLogits(logits, tensor(smoothed, [4, 5])), row([official.bce]));
    const { grads } = backward(reference.labelSmoothingCrossEntropyBackward(logits, targets));
    expect([...grads.keys()].sort()).toEqual(Object.keys(official.grad_l2).sort());
    for (const [name, want] of Object.entries(official.grad_l2)) {
      // Biases before a normalization have no gradient: both sides are rounding noise.
      const vanishes = want < 1e-12;
      requireClose(`‖${name}‖`, norm(pick(grads, name)), row([vanishes ? 0 : want]));
    }
    requireClose('running mean', pick(buffers, 'stem1.1.running_mean'), row(official.stem1_bn_running_mean_after));
    requireClose('running var', pick(buffers, 'stem1.1.running_var'), row(official.stem1_bn_running_var_after));
  });
});
