/** Micro-batches: the gradients are the mean of those that PyTorch's loop of backward() adds up. */
import { describe, expect, test } from '@jest/globals';
import {
  accumulate,
  bceWithLogits,
  bceWithLogitsBackward,
  crossEntropy,
  crossEntropyBackward,
  forward,
  initialize,
  ParamError,
  startTraining,
  tensor,
  trainStep,
  uniform,
  valuesOf,
  variant,
  type State,
  type Tensor,
} from '../../reference/index.js';

const config = variant('vanillanet_5', { dims: [3, 4, 4, 5], num_classes: 4, drop_rate: 0.5 });
const state = initialize(config, { seed: 1 });
const drawn = (shape: number[], stream: number): Tensor =>
  tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => uniform(7, stream, i)),
    shape,
  );
const x = drawn([6, 3, 32, 32], 1);
const shares = drawn([6, 4], 2);
const options = { lambda: 0.5, loss: 'cross-entropy', seed: 9, step: 5, parts: 3 } as const;

/** Two images, beginning with `first`. */
const pair = (of: Tensor, first: number): Tensor => {
  const length = of.size / 6;
  return tensor(valuesOf(of).subarray(first * length, (first + 2) * length), [2, ...of.shape.slice(1)]);
};

describe.each([
  ['cross-entropy', crossEntropy, crossEntropyBackward],
  ['bce', bceWithLogits, bceWithLogitsBackward],
] as const)('%s', (kind, loss, slope) => {
  test('gradients, loss, logits and statistics equal those of consecutive parts', () => {
    const got = accumulate(config, state, x, shares, { ...options, loss: kind });
    let now: State = state;
    const parts = [0, 2, 4].map((first, k) => {
      const step = 15 + k;
      const made = forward(config, now, pair(x, first), { training: true, lambda: 0.5, seed: 9, step });
      now = new Map([...now, ...made.buffers]);
      const q = pair(shares, first);
      return { loss: loss(made.logits, q), logits: made.logits, ...made.backward(slope(made.logits, q)) };
    });
    const mean = (values: number[]): number => values.reduce((a, b) => a + b) / 3;
    expect(got.loss).toBe(mean(parts.map((part) => part.loss)));
    expect([...valuesOf(got.logits)]).toEqual(parts.flatMap(({ logits }) => [...valuesOf(logits)]));
    expect([...got.grads.keys()]).toEqual([...parts[0].grads.keys()]);
    for (const [name, grad] of got.grads) {
      const each = parts.map(({ grads }) => valuesOf(grads.get(name) ?? tensor([], [0])));
      expect([name, ...valuesOf(grad)]).toEqual([name, ...each[0].map((_, i) => mean(each.map((part) => part[i])))]);
    }
    for (const [name, value] of now) {
      if (name.endsWith('num_batches_tracked')) expect(got.state.get(name)?.data[0]).toBe(value.data[0] + 3);
      else expect(got.state.get(name)).toEqual(value);
    }
  });
});

test('every part has its own dropout mask', () => {
  // The same two images three times.
  const twice = tensor(
    [0, 2, 4].flatMap(() => [...valuesOf(pair(x, 0))]),
    x.shape,
  );
  const values = valuesOf(accumulate(config, state, twice, shares, options).logits);
  const parts = [0, 1, 2].map((k) => values.subarray(8 * k, 8 * (k + 1)).join());
  expect(new Set(parts).size).toBe(3);
});

test('a training step uses the mean of the gradients', () => {
  const step = { lambda: 0.5, lr: 0.1, optimizer: 'sgd', seed: 9 } as const;
  const { training } = trainStep(config, startTraining(state), x, shares, { ...step, gradAccumSteps: 3 });
  const { grads } = accumulate(config, state, x, shares, { ...options, step: 0 });
  for (const [name, grad] of grads) {
    const [before, after] = [state, training.state].map((of) => valuesOf(of.get(name) ?? tensor([], [0])));
    expect([name, ...after]).toEqual([name, ...valuesOf(grad).map((g, i) => before[i] - 0.1 * g)]);
  }
  expect(training.step).toBe(1);
});

test.each([0, 4, 1.5, NaN])('refuses %d parts of six images', (parts) => {
  expect(() => accumulate(config, state, x, shares, { ...options, parts })).toThrow(ParamError);
});
