/** A training session: the same bits on any number of threads, the steps of Adam, and its errors. */
import { describe, expect, test } from '@jest/globals';
import { adam, tensor, valuesOf, zeros } from '../../../reference/index.js';
import { ParamError, ShapeError, WeightsError } from '../../../src/core/errors.js';
import type { StateDict } from '../../../src/core/tensor.js';
import { TrainingSession } from '../../../src/wasm/training/session.js';
import { refusal } from '../../io/refusal.js';
import { draw, uniform } from '../draw.js';
import { drawState } from '../networks.js';
import { NETWORKS, trainConfig } from './chain.js';

const [{ sizes, n }] = NETWORKS;
const config = trainConfig(sizes);
const state = drawState(config);
const x = draw([n, config.in_chans, ...config.input_size], uniform(21)).data;
const targets = Float32Array.from({ length: n * config.num_classes }, (_, i) => (i % 6 === 0 ? 1 : 0));

const open = (threads = 1): Promise<TrainingSession> =>
  TrainingSession.open(state, config, { batchSize: n, build: 'plain', threads });

/** Some steps, with increasing λ and decreasing learning rate. */
function train(session: TrainingSession, steps: number): StateDict {
  for (let i = 0; i < steps; i++) {
    session.pass(x, targets, i / steps);
    session.optimize({ kind: 'adam', lr: 1e-2 / (i + 1), weightDecay: 1e-3 });
  }
  return session.state();
}

test.each(NETWORKS.slice(0, 4))('any number of threads gives the same bits as one: $label', async (network) => {
  const own = trainConfig(network.sizes);
  const images = draw([network.n, own.in_chans, ...own.input_size], uniform(22)).data;
  const shares = new Float32Array(network.n * own.num_classes).fill(1 / own.num_classes);
  const run = async (threads: number): Promise<StateDict> => {
    const session = await TrainingSession.open(drawState(own), own, { batchSize: network.n, build: 'plain', threads });
    for (let i = 0; i < 5; i++) {
      session.pass(images, shares, i / 4);
      session.optimize({ kind: 'adam', lr: 1e-2 });
    }
    const trained = session.state();
    session.dispose();
    return trained;
  };
  const one = await run(1);
  for (const threads of [2, 3]) expect(await run(threads)).toEqual(one);
});

test('a session opened with the state of another session continues with the same bits', async () => {
  const session = await open();
  const read = session.state();
  for (const [name, { data, shape }] of state) {
    expect(read.get(name)?.shape).toEqual(shape);
    if (!name.endsWith('num_batches_tracked')) expect(Array.from(read.get(name)?.data ?? [])).toEqual(Array.from(data));
  }
  session.pass(x, targets, 0.5);
  const counted = session.state().get('stem1.1.num_batches_tracked')?.data[0];
  expect(counted).toBe((read.get('stem1.1.num_batches_tracked')?.data[0] ?? NaN) + 1);
  session.dispose();
});

/**
 * Adam on known gradients: every quantity is computed from a few products and sums of float32 numbers and a quotient
 * with a root. None is rounded more than sixteen times; if the decay cancels the gradient, the error is relative to
 * their magnitudes.
 */
describe.each([0.01, 0])('Adam with a weight decay of %d', (weightDecay) => {
  test('moves every parameter like the reference', async () => {
    const session = await open();
    session.pass(x, targets, 0.5);
    const gradients = session.gradients();
    session.optimize({ kind: 'adam', lr: 1e-2, weightDecay });
    const after = session.state();
    const u = 2 ** -24;
    for (const [name, { data: grad, shape }] of gradients) {
      const [param, g] = [tensor(state.get(name)?.data ?? [], shape), tensor(grad, shape)];
      const before = { m: zeros(shape), v: zeros(shape) };
      const exact = valuesOf(adam(param, g, before, 1, { lr: 1e-2, weightDecay }).param);
      const [p, got] = [valuesOf(param), after.get(name)?.data ?? []];
      const far = [...exact].filter((value, i) => {
        // In the first step m/√v is the sign of the decayed gradient, as long as that is well above eps.
        const decayed = grad[i] + weightDecay * p[i];
        const lost = (16 * u * (Math.abs(grad[i]) + Math.abs(decayed - grad[i]))) / (Math.abs(decayed) + 1e-8);
        return !(Math.abs(got[i] - value) <= u * Math.abs(value) + 1e-2 * (lost + 16 * u));
      });
      expect([name, far]).toEqual([name, []]);
    }
    session.dispose();
  });
});

test('evaluation changes nothing, and is repeatable', async () => {
  const session = await open();
  train(session, 3);
  const before = session.state();
  const first = session.evaluate(x, targets, 1);
  expect(session.evaluate(x, targets, 1)).toEqual(first);
  expect(session.state()).toEqual(before);
  session.dispose();
});

test('a step lowers the loss of its batch', async () => {
  const session = await open();
  const loss = (): number => session.pass(x, targets, 1).losses.reduce((a, b) => a + b, 0);
  const first = loss();
  for (let i = 0; i < 20; i++) {
    session.optimize({ kind: 'adam', lr: 1e-3 });
    loss();
  }
  expect(loss()).toBeLessThan(0.9 * first);
  session.dispose();
});

describe('an error leaves the session usable', () => {
  test('an invalid batch', async () => {
    const session = await open();
    expect(() => session.pass(x.subarray(1), targets, 0)).toThrow(refusal(ShapeError, 'training', 'x [4,3,32,32]', ''));
    expect(() => session.pass(x, targets.subarray(1), 0)).toThrow(refusal(ShapeError, 'training', 'targets [4,5]', ''));
    for (const lambda of [-0.1, 1.1, NaN]) {
      expect(() => session.pass(x, targets, lambda)).toThrow(refusal(ParamError, 'lambda', '[0, 1]', String(lambda)));
    }
    expect(session.pass(x, targets, 0).losses).toHaveLength(n);
    session.dispose();
  });

  test.each([0, 1, 1.5, NaN])('a batch of %d', async (batchSize) => {
    await expect(TrainingSession.open(state, config, { batchSize })).rejects.toThrow(
      refusal(ParamError, 'batchSize', 'at least 2 images', String(batchSize)),
    );
  });

  test('weights of the other form, and invalid weights', async () => {
    await expect(TrainingSession.open(state, { ...config, form: 'deploy' }, { batchSize: n })).rejects.toThrow(
      refusal(WeightsError, 'weights', 'the deploy form', 'the train form'),
    );
    const bad = new Map([...state, ['stem1.0.bias', { shape: [4], data: new Float32Array(4).fill(NaN) }]]);
    await expect(TrainingSession.open(bad, config, { batchSize: n })).rejects.toThrow(WeightsError);
  });
});
