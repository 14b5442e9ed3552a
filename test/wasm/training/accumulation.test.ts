/** Gradient accumulation over several passes, in WebAssembly. */
import { describe, expect, test } from '@jest/globals';
import { ParamError } from '../../../src/core/errors.js';
import { gammaOf, WASM } from '../../judges/arithmetic.js';
import { planTraining } from '../../../src/wasm/training/layout.js';
import { TrainingSession } from '../../../src/wasm/training/session.js';
import { BUILDS } from '../builds.js';
import { refusal } from '../../io/refusal.js';
import { draw, uniform } from '../draw.js';
import { drawState } from '../networks.js';
import { NETWORKS, trainConfig } from './chain.js';

const PASSES = 3;
/** Odd numbers of channels; tensors of many panels; the deploy form. */
const SOME = [NETWORKS[0], NETWORKS[6], NETWORKS[7]];

const open = (network: (typeof NETWORKS)[number], gradAccumSteps: number, more: object = {}) => {
  // Without dropout, a pass does not depend on the number of passes before it.
  const config = trainConfig({ ...network.sizes, drop_rate: 0 }, network.form);
  const options = { batchSize: network.n, build: 'plain', gradAccumSteps, ...more } as const;
  return TrainingSession.open(drawState(config), config, options);
};

function batch({ sizes, n, form }: (typeof NETWORKS)[number], k: number) {
  const { in_chans, input_size, num_classes } = trainConfig(sizes, form);
  const q = draw([n, num_classes], uniform(70 + k)).data.map((v) => Math.abs(v) / num_classes);
  return { x: draw([n, in_chans, ...input_size], uniform(60 + k)).data, q };
}

describe.each(SOME)('$label', (network) => {
  test.each(BUILDS)('gradients are the mean of the passes so far, %s', async (build) => {
    const [several, single] = [await open(network, PASSES, { build }), await open(network, 1, { build })];
    const before: ReturnType<TrainingSession['gradients']>[] = [];
    // One pass more than a step has, to test that the sum restarts.
    for (let k = 0; k < 2 * PASSES; k++) {
      if (k === PASSES) before.length = 0;
      const { x, q } = batch(network, k);
      expect(several.pass(x, q, 0.25)).toEqual(single.pass(x, q, 0.25));
      before.push(single.gradients());
      for (const [name, { data }] of several.gradients()) {
        // k sums and quotients, each rounded once: γ_k of the mean of the magnitudes.
        const off = [...data].findIndex((got, i) => {
          const each = before.map((gradients) => gradients.get(name)?.data[i] ?? NaN);
          const mean = each.reduce((a, b) => a + b, 0) / each.length;
          const size = each.reduce((a, b) => a + Math.abs(b), 0) / each.length;
          return !(Math.abs(got - mean) <= gammaOf(WASM)(each.length) * size);
        });
        expect([k, name, off]).toEqual([k, name, -1]);
      }
    }
    several.dispose();
    single.dispose();
  });
});

test('two and three threads give the same bits as one', async () => {
  const trained = async (threads: number) => {
    const session = await open(NETWORKS[6], PASSES, { threads });
    for (let step = 0; step < 2; step++) {
      for (let k = 0; k < PASSES; k++) {
        const { x, q } = batch(NETWORKS[6], PASSES * step + k);
        session.pass(x, q, 0.5);
      }
      session.optimize({ kind: 'lamb', lr: 1e-2, weightDecay: 0.1 });
    }
    const left = session.snapshot();
    session.dispose();
    return left;
  };
  const one = await trained(1);
  for (const threads of [2, 3]) expect(await trained(threads)).toEqual(one);
});

test('every pass has its own dropout mask, and updates the running statistics of the norms', async () => {
  const config = trainConfig({ ...NETWORKS[0].sizes, drop_rate: 0.5 });
  const session = await TrainingSession.open(drawState(config), config, { batchSize: 4, gradAccumSteps: PASSES });
  const { x, q } = batch(NETWORKS[0], 0);
  const before = session.batches;
  // With a learning rate of 0, the passes of three steps differ only by their masks.
  const logits: string[] = [];
  for (let step = 0; step < 3; step++) {
    for (let k = 0; k < PASSES; k++) logits.push(session.pass(x, q, 0.5).logits.join());
    session.optimize({ kind: 'sgd', lr: 0 });
  }
  expect(new Set(logits).size).toBe(3 * PASSES);
  expect([session.batches - before, session.steps]).toEqual([3 * PASSES, 3]);
  session.dispose();
});

test('a snapshot in the middle of a step is refused', async () => {
  const session = await open(NETWORKS[0], 2);
  const { x, q } = batch(NETWORKS[0], 0);
  session.pass(x, q, 0.5);
  expect(() => session.snapshot()).toThrow(refusal(ParamError, 'snapshot', 'a finished step', 'a step of 1 passes'));
  session.pass(x, q, 0.5);
  session.optimize({ kind: 'adam', lr: 1e-2 });
  expect(session.snapshot().steps).toBe(1);
  session.dispose();
});

test('memory for the sum of gradients is allocated only with several passes', () => {
  const config = trainConfig(NETWORKS[6].sizes);
  const plan = (gradAccumSteps?: number) => planTraining(config, 3, { threads: 1, gradAccumSteps });
  const [none, one, several] = [plan(), plan(1), plan(2)];
  expect([one.arena.end, one.blocks.sum, one.accumulation]).toEqual([none.arena.end, null, null]);
  // The block and its descriptor.
  const more = several.arena.end - one.arena.end - 4 * one.blocks.parameters;
  expect(more).toBeGreaterThanOrEqual(0);
  expect(more).toBeLessThanOrEqual(32);
});

test.each([0, 1.5, NaN])('%d passes per step are refused', async (passes) => {
  await expect(open(NETWORKS[0], passes)).rejects.toThrow(
    refusal(ParamError, 'gradAccumSteps', 'an integer >= 1', String(passes)),
  );
});
