/** A training that diverges: weights, checkpoints and losses that are not finite are refused. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { TrainingError } from '../../src/core/errors.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import { initialState } from '../../src/train/initialState.js';
import type { OpenTrainer } from '../../src/train/runOptions.js';
import { train } from '../../src/train/train.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { refusal } from '../io/refusal.js';
import { collect } from './collect.js';
import { on } from './everything.js';

const set = drawShapes(30, { seed: 3, size: 16 });
const heldOut = drawShapes(12, { seed: 4, size: 16 });
const config = resolveConfig({ dims: [4, 6], strides: [2], act_num: 1, num_classes: 10, input_size: 16 });
/** Three steps per epoch. */
const recipe = { epochs: 2, decayEpochs: 1, batchSize: 10, seed: 1 } as const;

/** Opens a trainer that uses another learning rate in one step, counted from 1. */
const withRateAt =
  (wildStep: number, lr: number, open: OpenTrainer): OpenTrainer =>
  async (network, options) => {
    const trainer = await open(network, options);
    let count = options.resume?.steps ?? 0;
    return {
      ...trainer,
      step: (x, targets, { optimizer, ...rest }) =>
        trainer.step(x, targets, { ...rest, optimizer: ++count === wildStep ? { ...optimizer, lr } : optimizer }),
    };
  };

test('refuses moments that are not finite although all weights are finite', async () => {
  // Features of 1e25, whose squared gradients overflow float32, and classifier weights that scale them back.
  const spoiled = new Map(initialState(config, 1));
  const fillTensor = (name: string, value: number): void => {
    const { data, shape } = spoiled.get(name) ?? { data: [], shape: [] };
    spoiled.set(name, { data: new Float32Array(data.length).fill(value), shape });
  };
  fillTensor('cls1.3.weight', 1e25);
  fillTensor('cls2.0.weight', 1e-25);
  const openTrainer: OpenTrainer = (network, options) => on(1)(network, { ...options, state: spoiled });
  const still = { ...recipe, weightDecay: 0 };
  const steps = train({ train: set, validation: null }, config, still, { openTrainer });
  const { value } = await steps.next();
  if (!('loss' in value)) throw new Error('there are more steps than one');
  expect(Number.isFinite(value.loss)).toBe(true);
  await value.weights();
  await expect(value.checkpoint()).rejects.toThrow(
    refusal(TrainingError, 'epoch 1, step 1', 'finite moments', 'of exp_avg_sq.cls2.0.weight'),
  );
  await steps.return(undefined as never);
});

describe.each([
  ['wasm', on(1)],
  ['the reference', oracleTrainer],
] as const)('by %s', (_, open) => {
  const run = (openTrainer: OpenTrainer, validation: typeof heldOut | null, resume?: Checkpoint) =>
    train({ train: set, validation }, config, recipe, { openTrainer, ...(resume === undefined ? {} : { resume }) });

  test.each([
    ['without held-out images', null],
    ['with held-out images', heldOut],
  ])('names the weights that the last step of an epoch makes infinite, %s', async (__, validation) => {
    // Overflows float32, in which weights are stored; the loss of that step is still finite.
    const steps = run(withRateAt(6, 1e300, open), validation);
    const [checkpoints, epochs]: [Checkpoint[], number[]] = [[], []];
    const follow = async (): Promise<void> => {
      for await (const progress of steps) {
        if (progress.kind === 'epoch') epochs.push(progress.epoch);
        if (progress.global_step < 6) checkpoints.push(await progress.checkpoint());
        else expect(Number.isFinite(progress.kind === 'step' ? progress.loss : NaN)).toBe(true);
      }
    };
    await expect(follow()).rejects.toThrow(
      refusal(TrainingError, 'epoch 2, step 3', 'finite', 'at element 0 of stem1.0.weight'),
    );
    expect(epochs).toEqual([1]);
    // The last finite checkpoint can be resumed.
    const again = await collect(run(open, validation, checkpoints[checkpoints.length - 1]));
    expect(again.state).toEqual((await collect(run(open, validation))).state);
  });

  test('refuses a checkpoint or weights between two steps', async () => {
    const steps = run(withRateAt(2, 1e300, open), null);
    await steps.next();
    const { value } = await steps.next();
    if (!('checkpoint' in value)) throw new Error('there are more steps than two');
    const expected = refusal(TrainingError, 'epoch 1, step 2', 'finite weights', 'of stem1.0.weight');
    await expect(value.checkpoint()).rejects.toThrow(expected);
    await expect(value.weights()).rejects.toThrow(expected);
    await steps.return(undefined as never);
  });

  test('names the evaluation whose loss is not finite', async () => {
    // Weights that are finite in float32, with logits that are not.
    const steps = run(withRateAt(6, 1e30, open), heldOut);
    const expected = refusal(
      TrainingError,
      'the network on held-out images, after epoch 2, step 3',
      'a finite loss',
      'NaN, first at st',
    );
    await expect(collect(steps)).rejects.toThrow(expected);
  });

  test('names the step whose loss is not finite', async () => {
    await expect(collect(run(withRateAt(1, 1e307, open), null))).rejects.toThrow(
      refusal(TrainingError, 'epoch 1, step 2', 'a finite loss', 'first at stem1.0'),
    );
  });
});
