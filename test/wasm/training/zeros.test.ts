/**
 * Gradients at exactly 0, as in PyTorch: a ReLU passes none, a leaky ReLU passes its negative slope. Random inputs never
 * reach this point; weights of 0 do, as in channels that a network does not use.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { crossEntropyBackward, forward, tensor } from '../../../reference/index.js';
import { resolveConfig, type Form, type ModelConfig } from '../../../src/core/config.js';
import type { StateDict } from '../../../src/core/tensor.js';
import { createTfjsBackend } from '../../../src/entries/tfjs.js';
import { toOracleConfig } from '../../../src/oracle/backend.js';
import { fromOracle, stateToOracle } from '../../../src/oracle/state.js';
import { initialState } from '../../../src/train/initialState.js';
import { TrainingSession } from '../../../src/wasm/training/session.js';
import { draw, uniform } from '../draw.js';

const N = 2;
const LAMBDA = 0.25;
const configFor = (form: Form): ModelConfig =>
  resolveConfig({ dims: [4, 8], strides: [2], num_classes: 3, input_size: 16, act_num: 1, form });

const x = draw([N, 3, 16, 16], uniform(1)).data;
const targets = Float32Array.of(1, 0, 0, 0, 0.5, 0.5);

/**
 * Initial weights that are large enough for gradients, with those of some tensors replaced by 0: of batch norms, only
 * channel 0, because the next batch norm takes constants out.
 */
function stateWithZeros(config: ModelConfig, zeros: RegExp): StateDict {
  return new Map(
    [...initialState(config, 1)].map(([name, { data, shape }]) => {
      const values = Float32Array.from(data, (value) => (shape.length === 4 ? 20 * value : value));
      // Positive, so that the ReLUs after these pass gradients on.
      if (/(conv|act|conv2\.1)\.bias$/.test(name)) values.fill(0.5);
      return [
        name,
        { shape, data: zeros.test(name) ? values.fill(0, 0, config.form === 'train' ? 1 : undefined) : values },
      ];
    }),
  );
}

type Gradients = (state: StateDict, config: ModelConfig) => Promise<StateDict>;

const BACKENDS: Readonly<Record<string, Gradients>> = {
  async wasm(state, config) {
    const session = await TrainingSession.open(state, config, { batchSize: N, build: 'plain' });
    session.pass(x, targets, LAMBDA);
    const gradients = session.gradients();
    session.dispose();
    return gradients;
  },
  async tfjs(state, config) {
    const training = await createTfjsBackend(tf).train(state, config);
    await training.pass(x, targets, LAMBDA);
    const gradients = await training.gradients();
    training.dispose();
    return gradients;
  },
};

function referenceGradients(state: StateDict, config: ModelConfig): StateDict {
  const network = toOracleConfig(config);
  const images = tensor(x, [N, 3, 16, 16]);
  const { logits, backward } = forward(network, stateToOracle(state), images, { training: true, lambda: LAMBDA });
  const { grads } = backward(crossEntropyBackward(logits, tensor(targets, [N, 3])));
  return new Map([...grads].map(([name, grad]) => [name, fromOracle(grad)]));
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const most = (values: ArrayLike<number> | undefined): number => Math.max(...Array.from(values ?? [NaN], Math.abs));

describe.each(Object.entries(BACKENDS))('%s', (_, gradientsBy) => {
  test.each<[string, Form, RegExp, string, string, number]>([
    ['a ReLU', 'deploy', /^stem\.0\./, 'stem.0.bias', 'stem.1.bias', 0],
    ['a ReLU after a pool', 'deploy', /^stages\.0\.conv\./, 'stages.0.conv.bias', 'stages.0.act.bias', 0],
    [
      'a leaky ReLU after a batch norm',
      ...(['train', /^stages\.0\.conv1\.1\.(weight|bias)/, 'stages.0.conv1.1.weight'] as const),
      ...(['stages.0.conv2.1.bias', LAMBDA] as const),
    ],
  ])('%s at 0', async (__, form, zeros, name, next, slope) => {
    const config = configFor(form);
    const state = stateWithZeros(config, zeros);
    const expected = referenceGradients(state, config);
    const gradients = await gradientsBy(state, config);
    // The layer after it has gradients, so that an open one would pass some on.
    expect(most(gradients.get(next)?.data)).toBeGreaterThan(1e-4);
    if (slope === 0) expect(most(gradients.get(name)?.data)).toBe(0);
    else expect(Math.abs(gradients.get(name)?.data[0] ?? NaN)).toBeGreaterThan(1e-5);
    for (const [each, { data }] of expected) {
      const off = Array.from(data, (value, i) => Math.abs(value - (gradients.get(each)?.data[i] ?? NaN)));
      expect(Math.max(...off)).toBeLessThan(1e-6 + 1e-3 * most(data));
    }
  });
});
