/** Losses, weights, moments and evaluations that are not finite. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { TrainingError } from '../../src/core/errors.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import { allFinite, refuseLoss, requireFinite, requireFiniteMoments } from '../../src/train/finite.js';
import { initialState, normalQuantile } from '../../src/train/initialState.js';
import { resolveRecipe } from '../../src/train/recipe.js';
import type { OpenTrainer } from '../../src/train/runOptions.js';
import { train } from '../../src/train/train.js';
import { refusal } from '../io/refusal.js';
import { collect } from './collect.js';
import { scripted, type Script } from './scriptedTrainer.js';

const HINT = 'Try a smaller learning rate or a longer warm-up.';

test.each([
  [null, 'NaN'],
  ['stem1.0', 'NaN, first at stem1.0'],
])('a loss: layer %p', (layer, got) => {
  expect(() => refuseLoss('epoch 1', NaN, layer)).toThrow(
    expect.objectContaining({ op: 'epoch 1', expected: 'a finite loss', got, hint: HINT }),
  );
});

test('values are finite if all are', () => {
  expect([[], [1, 2], [1, NaN], [NaN, 1], [Infinity]].map((values) => allFinite(Float64Array.from(values)))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('weights are named; those beyond float32 count as infinite', () => {
  const state = new Map([['a', { data: Float64Array.of(1, 1e39), shape: [2] }]]);
  expect(() => requireFinite('epoch 1', state)).toThrow(
    refusal(TrainingError, 'epoch 1', 'finite', 'at element 1 of a'),
  );
  expect(() => requireFinite('epoch 1', state)).toThrow(
    expect.objectContaining({ hint: HINT, cause: expect.objectContaining({ name: 'WeightsError' }) }),
  );
  const finite = new Map([['a', { data: Float64Array.of(1, 1e38), shape: [2] }]]);
  expect(requireFinite('epoch 1', finite)).toBe(finite);
});

test('moments may exceed float32', () => {
  const moments = (value: number) => new Map([['exp_avg.a', { data: Float64Array.of(0, value), shape: [2] }]]);
  const check = (value: number) => () => {
    requireFiniteMoments('epoch 1', moments(value));
  };
  expect(check(1e300)).not.toThrow();
  expect(check(-Infinity)).toThrow(
    expect.objectContaining({ expected: 'finite moments', got: '-Infinity at element 1 of exp_avg.a', hint: HINT }),
  );
});

describe('a run', () => {
  const data = { train: drawShapes(12, { seed: 3, size: 8 }), validation: drawShapes(20, { seed: 4, size: 8 }) };
  const config = resolveConfig({ dims: [2, 3], strides: [1], act_num: 0, num_classes: 10, input_size: 8 });
  const recipe = { epochs: 2, batchSize: 4, decayEpochs: 1, seed: 1, ema: 0.9 } as const;
  const nan = () => new Map([['a', { data: Float32Array.of(NaN), shape: [1] }]]);

  /** A scripted trainer of which something is replaced. */
  const open =
    (more: Partial<Awaited<ReturnType<OpenTrainer>>>, script?: Script): OpenTrainer =>
    async (network, options) => ({ ...(await scripted(script).open(network, options)), ...more });

  /** The checkpoints after each step. */
  async function checkpoints(): Promise<Checkpoint[]> {
    const saved: Checkpoint[] = [];
    for await (const { kind, checkpoint } of train(data, config, recipe, { openTrainer: scripted().open })) {
      if (kind === 'step') saved.push(await checkpoint());
    }
    return saved;
  }

  test('names where it starts if it cannot take a step', async () => {
    const saved = await checkpoints();
    const position = async (resume?: Checkpoint): Promise<string> => {
      const steps = train(data, config, recipe, {
        openTrainer: open({ snapshot: () => ({ state: nan(), optimizer: new Map(), steps: 0 }), state: nan }),
        onResumePoint: async ({ checkpoint }) => {
          await checkpoint();
        },
        ...(resume === undefined ? {} : { resume }),
      });
      return collect(steps).then(
        () => 'no error',
        (error: unknown) => (error as TrainingError).op,
      );
    };
    // The last step of an epoch is done, and its evaluation is still to come.
    expect(await position({ ...saved[2] })).toBe('epoch 1, step 3');
    expect(await position({ ...saved[5] })).toBe('epoch 2, step 3');
    // All epochs are done: there are only the final weights.
    expect(await position({ ...saved[5], epoch: 2, step: 0 })).toBe('the end of epoch 2');
    // Before the first step, the network is fused at once if λ does not rise.
    const fuse = async (resume?: Checkpoint) => {
      const values = { ...recipe, decayEpochs: 0, fuseAtDecay: true };
      const options = { openTrainer: open({ state: nan }) };
      return collect(
        train(data, config, values, {
          ...options,
          ...(resume === undefined ? {} : { resume: { ...resume, recipe: resolveRecipe(values) } }),
        }),
      );
    };
    const start = { ...saved[0], epoch: 0, step: 0, globalStep: 0 };
    for (const resume of [undefined, start]) {
      await expect(fuse(resume)).rejects.toThrow(refusal(TrainingError, 'before the first step', 'finite', 'NaN'));
    }
  });

  test('refuses a checkpoint whose average is not finite', async () => {
    const state = initialState(config, 1);
    const snapshot = () => ({ state, optimizer: new Map(), steps: 1, ema: nan() });
    const steps = train(data, config, recipe, { openTrainer: open({ snapshot }) });
    const { value } = await steps.next();
    if (!('checkpoint' in value)) throw new Error('there are more steps than one');
    await expect(value.checkpoint()).rejects.toThrow(refusal(TrainingError, 'epoch 1, step 1', 'finite', 'NaN'));
    await steps.return(undefined as never);
  });

  test.each([
    ['network', NaN],
    ['average', NaN],
    // The cross-entropy of an image is finite if only a wrong class has −∞.
    ['network', -Infinity],
  ])('refuses an evaluation whose logits are not finite: of the %s, %p', async (of, value) => {
    const openTrainer: OpenTrainer = async (network, options) => {
      const trainer = await scripted().open(network, options);
      return {
        ...trainer,
        async evaluate(x, targets, more) {
          const { loss, logits } = await trainer.evaluate(x, targets, more);
          // The first image has the logit 1 for its own class or for the next one.
          if (more.useEma === (of === 'average')) logits[(logits.indexOf(1) + 2) % 10] = value;
          return { loss, logits };
        },
      };
    };
    await expect(collect(train(data, config, recipe, { openTrainer }))).rejects.toThrow(
      refusal(TrainingError, `the ${of} on held-out images, after epoch 1, step 3`, 'a finite loss', 'NaN'),
    );
  });
});

/** By mpmath with 40 digits, rounded to 15. */
test.each([
  [0.5, 0],
  [0.025, -1.95996398454005],
  [0.075, -1.43953147093846],
  [0.0749, -1.44023826752796],
  [0.3, -0.524400512708041],
  [0.9, 1.2815515655446],
  [1 - 2 ** -17, 4.32491904082605],
  [2e-11, -6.60407759040563],
  [1.3e-11, -6.66761145651074],
  [1e-12, -7.03448382530113],
  [1e-20, -9.26234008979841],
])('the normal quantile of %p is %p', (p, z) => {
  expect(Math.abs(normalQuantile(p) - z)).toBeLessThanOrEqual(5e-15 * Math.max(1, Math.abs(z)));
});

test('counters of initial weights are float64 zeros, biases 0, scales and variances 1', () => {
  const state = initialState(resolveConfig({ dims: [2, 3], strides: [1], num_classes: 2, input_size: 8 }), 1);
  for (const [name, { data }] of state) {
    if (name.endsWith('num_batches_tracked')) expect(data).toEqual(Float64Array.of(0));
    else if (/\.(bias|running_mean)$/.test(name)) expect(new Set(data)).toEqual(new Set([0]));
    else if (name.endsWith('.running_var')) expect(new Set(data)).toEqual(new Set([1]));
  }
});
