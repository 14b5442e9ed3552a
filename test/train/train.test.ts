import { describe, expect, test } from '@jest/globals';
import { forward, labelSmoothingCrossEntropy, tensor } from '../../reference/index.js';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { ParamError, ShapeError } from '../../src/core/errors.js';
import { checkState } from '../../src/core/parameters.js';
import type { StateDict } from '../../src/core/tensor.js';
import { subset, type ImageSet } from '../../src/data/sets/dataset.js';
import { batchOf } from '../../src/data/sets/batchOf.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import { toOracleConfig } from '../../src/oracle/backend.js';
import { stateToOracle } from '../../src/oracle/state.js';
import { initialState } from '../../src/train/initialState.js';
import type { Recipe } from '../../src/train/recipe.js';
import type { OpenTrainer } from '../../src/train/runOptions.js';
import { train } from '../../src/train/train.js';
import { oracleTrainer } from '../../src/train/oracleTrainer.js';
import { refusal } from '../io/refusal.js';
import { collect, type Step } from './collect.js';

const set = drawShapes(45, { seed: 3, size: 16 });
const config = resolveConfig({ dims: [4, 6], strides: [2], act_num: 1, num_classes: 10, input_size: 16 });
/** Four steps per epoch: five of the 45 images are left out. */
const options = {
  epochs: 3,
  decayEpochs: 2,
  lambdaSchedule: 'linear',
  batchSize: 10,
  lr: 5e-3,
  weightDecay: 1e-5,
  smoothing: 0.1,
  seed: 1,
} as const satisfies Partial<Recipe>;
const STEPS = 4;

const run = (more: Partial<Recipe> = {}, network: ModelConfig = config) =>
  collect(train({ train: set, validation: null }, network, { ...options, ...more }));
const losses = (records: readonly Step[]): number[] => records.map(({ loss }) => loss);

const trained = await run();

test('counts epochs from 1 and leaves out incomplete batches', () => {
  const steps = [1, 2, 3].flatMap((epoch) => [1, 2, 3, 4].map((step) => [epoch, step, STEPS]));
  expect(trained.steps.map(({ epoch, step, steps: of }) => [epoch, step, of])).toEqual(steps);
});

describe('λ', () => {
  const EIGHTHS = [0, 1, 2, 3, 4, 5, 6, 7];
  test.each([
    ['linear', EIGHTHS.map((t) => t / 8)],
    ['cosine', EIGHTHS.map((t) => (1 - Math.cos((Math.PI * t) / 8)) / 2)],
  ] as const)('rises from 0 to exactly 1, %s', async (lambdaSchedule, rising) => {
    const lambdas = (await run({ lambdaSchedule })).steps.map(({ lambda }) => lambda);
    [...rising, 1, 1, 1, 1].forEach((lambda, i) => {
      expect(lambdas[i]).toBeCloseTo(lambda, 15);
    });
    expect(lambdas.slice(8)).toEqual([1, 1, 1, 1]);
  });

  test('is always 1 with decayEpochs 0', async () => {
    const { steps: records } = await run({ epochs: 1, decayEpochs: 0 });
    expect(records.map(({ lambda }) => lambda)).toEqual([1, 1, 1, 1]);
  });

  test('may reach 1 as late as the last step', async () => {
    const { steps: records } = await run({ epochs: 1, decayEpochs: 0.75 });
    expect(records.map(({ lambda }) => lambda)).toEqual([0, 1 / 3, expect.closeTo(2 / 3, 15), 1]);
  });
});

test('the learning rate falls along a cosine, step by step', () => {
  const { lr } = options;
  trained.steps.forEach((record, t) => {
    expect(record.lr).toBeCloseTo((lr * (1 + Math.cos((Math.PI * t) / 12))) / 2, 15);
  });
  expect(trained.steps[0].lr).toBe(lr);
  expect(trained.steps[6].lr).toBeCloseTo(lr / 2, 15);
});

test('passes the recipe to the optimizer and the loader', async () => {
  const optimizers: unknown[] = [];
  const openTrainer: OpenTrainer = (network, trainerOptions) => {
    const trainer = oracleTrainer(network, trainerOptions);
    return {
      ...trainer,
      step: (x, targets, step) => {
        optimizers.push(step.optimizer);
        return trainer.step(x, targets, step);
      },
    };
  };
  const once = { ...options, epochs: 1, decayEpochs: 0 };
  const trainWith = (more: Partial<Recipe>) =>
    collect(train({ train: set, validation: null }, config, { ...once, ...more }, { openTrainer }));
  await trainWith({ betas: [0.8, 0.99], eps: 1e-3 });
  expect(optimizers[0]).toMatchObject({ kind: 'adam', betas: [0.8, 0.99], eps: 1e-3 });
  await trainWith({ optimizer: 'sgd', nesterov: true });
  expect(optimizers[STEPS]).toMatchObject({ kind: 'sgd', nesterov: true, momentum: 0.9 });

  const both = { mixup: 0.5, cutmix: 1 };
  const plain = losses((await trainWith({})).steps);
  expect(losses((await trainWith({ ...both, mixupProb: 0 })).steps)).toEqual(plain);
  const [mixed, cut] = [
    await trainWith({ ...both, mixupSwitchProb: 0 }),
    await trainWith({ ...both, mixupSwitchProb: 1 }),
  ];
  const all = [plain, losses(mixed.steps), losses(cut.steps)];
  expect(new Set(all.map((values) => values.join())).size).toBe(3);
});

test('micro-batches: norms use the statistics of each, and the loss is their mean', async () => {
  const { steps, state } = await run({ gradAccumSteps: 5 });
  expect(steps).toHaveLength(3 * STEPS);
  expect(state.get('stem1.1.num_batches_tracked')?.data[0]).toBe(5 * 3 * STEPS);
  // Statistics of two images differ from those of ten.
  expect(losses(steps)[0]).not.toBe(losses(trained.steps)[0]);
  expect(steps[0].top1 * options.batchSize).toBe(Math.round(steps[0].top1 * options.batchSize));
});

describe('a seed', () => {
  test('determines the run bit for bit', async () => {
    const again = await run();
    expect(losses(again.steps)).toEqual(losses(trained.steps));
    expect(again.state).toEqual(trained.state);
  });

  test('determines the dropout masks', async () => {
    const dropping = { ...config, drop_rate: 0.5 };
    const once = { epochs: 1, decayEpochs: 0 };
    const [one, two] = [await run(once, dropping), await run(once, dropping)];
    expect(losses(two.steps)).toEqual(losses(one.steps));
    expect(losses((await run({ epochs: 1, decayEpochs: 0 })).steps)).not.toEqual(losses(one.steps));
  });

  test('yields another run if it changes', async () => {
    const other = await run({ seed: 2 });
    other.steps.forEach(({ loss }, i) => {
      expect(loss).not.toBe(trained.steps[i].loss);
    });
  });

  test('yields another order in every epoch', async () => {
    // At this learning rate the weights do not change: the losses differ only by the batches.
    const { steps: records } = await run({ lr: 1e-300, weightDecay: 0, decayEpochs: 0 });
    const firsts = records.filter(({ step }) => step === 1).map(({ loss }) => loss);
    expect(new Set(firsts).size).toBe(3);
  });
});

describe('the network', () => {
  test('is in the train form after each step', async () => {
    expect(() => {
      checkState(trained.state, config);
    }).not.toThrow();
    const last = trained.epochs[trained.epochs.length - 1];
    expect((await last.weights()).state).toEqual(trained.state);
    // The generator is suspended after the first step: the weights are those of that step.
    const first = train({ train: set, validation: null }, config, options);
    const next = await first.next();
    if (next.done) throw new Error('no first step');
    expect((await next.value.weights()).state.get('stem1.1.num_batches_tracked')?.data[0]).toBe(1);
    await first.return(undefined as never);
    expect(trained.state.get('stem1.1.num_batches_tracked')?.data[0]).toBe(12);
  });

  test('memorizes a small set', async () => {
    const ten = subset(set, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const { steps } = await collect(
      train({ train: ten, validation: null }, resolveConfig({ ...config, dims: [8, 16] }), {
        ...options,
        epochs: 30,
        decayEpochs: 20,
        lr: 0.02,
      }),
    );
    const [first, last] = [steps[0], steps[steps.length - 1]];
    // ln 10 is the loss of a uniform guess; with smoothing the loss stays above 0.5.
    expect(first.loss).toBeGreaterThan(2.2);
    expect(last.loss).toBeLessThan(1.5);
    expect(last.top1).toBeGreaterThanOrEqual(0.8);
  });
});

describe('metrics', () => {
  const logitsOf = (images: ImageSet, state: StateDict, training: boolean) => {
    const everything = Array.from({ length: images.n }, (_, i) => i);
    const { mean, std } = config;
    const x = tensor(batchOf(images, everything, { mean, std, dtype: 'float64' }), [images.n, 3, 16, 16]);
    const lambda = training ? 0 : 1;
    return forward(toOracleConfig(config), stateToOracle(state), x, { training, lambda }).logits;
  };
  /** Top-1 accuracy. */
  const accuracyOf = (images: ImageSet, logits: ReturnType<typeof logitsOf>): number => {
    const right = Array.from(images.labels).filter((label, i) => {
      const row = Array.from({ length: 10 }, (_, c) => logits.get(i, c));
      return row.indexOf(Math.max(...row)) === label;
    });
    return right.length / images.n;
  };

  test('are means over images: 130 held-out images in batches score as in one batch', async () => {
    const heldOut = drawShapes(130, { seed: 3, size: 16, first: 1000 });
    // Large enough for logits that differ from 0, where every loss would be ln 10.
    const learning = { ...options, epochs: 6, lr: 0.05 };
    const { epochs, state } = await collect(train({ train: set, validation: heldOut }, config, learning));
    expect(epochs).toHaveLength(6);
    const logits = logitsOf(heldOut, state, false);
    // The plain cross-entropy, without the smoothing of training.
    const loss = labelSmoothingCrossEntropy(logits, [...heldOut.labels], 0);
    const { validation } = epochs[epochs.length - 1];
    // The loader passes float32.
    expect(validation?.loss).toBeCloseTo(loss, 6);
    expect(validation?.top1).toBe(accuracyOf(heldOut, logits));
    // Evaluation does not change the run.
    expect(state).toEqual((await run(learning)).state);
  });

  test('of a step are those of its batch, before the step', async () => {
    const [{ loss, top1 }] = (await run({ batchSize: 45, epochs: 2, decayEpochs: 1 })).steps;
    const logits = logitsOf(set, initialState(config, 1), true);
    expect(loss).toBeCloseTo(labelSmoothingCrossEntropy(logits, [...set.labels], 0.1), 6);
    expect(top1).toBe(accuracyOf(set, logits));
  });

  test('of the epoch so far are means of those of the batches', () => {
    const sum = { loss: 0, top1: 0 };
    for (const { step, loss, top1, running_loss, running_top1 } of trained.steps) {
      if (step === 1) Object.assign(sum, { loss: 0, top1: 0 });
      sum.loss += loss;
      sum.top1 += top1;
      expect(running_loss).toBeCloseTo(sum.loss / step, 14);
      expect(running_top1).toBeCloseTo(sum.top1 / step, 14);
    }
    trained.epochs.forEach(({ train: scores }, i) => {
      const { running_loss, running_top1 } = trained.steps[STEPS * (i + 1) - 1];
      expect(scores).toMatchObject({ loss: running_loss, top1: running_top1 });
    });
    expect(new Set(losses(trained.steps)).size).toBe(3 * STEPS);
  });

  test('of an epoch do not depend on the order of its batches', async () => {
    // With constant weights and λ, the mean of the four batches is that of the 40 images.
    const still = (await run({ lr: 1e-300, weightDecay: 0, decayEpochs: 0, batchSize: 45 })).steps;
    expect(new Set(still.map(({ loss }) => loss.toFixed(12))).size).toBe(1);
  });
});

test('an unknown key of the data is named with the nearest', () => {
  const data = { train: set, validaton: null } as unknown as Parameters<typeof train>[0];
  expect(() => train(data, config, options)).toThrow(
    expect.objectContaining({
      message: 'data.validaton: expected one of the keys train, validation, got an unknown key',
      hint: 'Did you mean validation?',
    }),
  );
});

describe('refuses, before anything is computed,', () => {
  const nine: ImageSet = { ...set, labels: set.labels.map((label) => label % 9), classNames: set.classNames.slice(1) };
  const network = (more: object): ModelConfig => resolveConfig({ ...config, ...more });
  const withOptions = (more: Partial<Recipe>, heldOut: ImageSet | null = null, of = config, on = set) => ({
    set: on,
    heldOut,
    config: of,
    options: { ...options, ...more },
  });
  type TrainArguments = ReturnType<typeof withOptions>;
  const cases: [string, TrainArguments, typeof ParamError | typeof ShapeError, string, string, string][] = [
    ['a batch of one', withOptions({ batchSize: 1 }), ParamError, 'batchSize', 'an integer >= 2', '1'],
    ['a batch larger than the set', withOptions({ batchSize: 46 }), ParamError, 'batchSize', 'from 2 to the 45', '46'],
    [
      'micro-batches that do not divide the batch',
      withOptions({ gradAccumSteps: 3 }),
      ParamError,
      'gradAccumSteps',
      'of batchSize, 10',
      '3',
    ],
    [
      'micro-batches of one',
      withOptions({ gradAccumSteps: 10 }),
      ParamError,
      'gradAccumSteps',
      '2 images or more',
      '10',
    ],
    ['no micro-batch', withOptions({ gradAccumSteps: 0 }), ParamError, 'gradAccumSteps', 'an integer >= 1', '0'],
    ['half an image', withOptions({ batchSize: 2.5 }), ParamError, 'batchSize', 'an integer', '2.5'],
    ['no epochs', withOptions({ epochs: 0 }), ParamError, 'epochs', 'an integer in [1, 536870912]', '0'],
    ['half an epoch', withOptions({ epochs: 0.5 }), ParamError, 'epochs', 'an integer in [1, 536870912]', '0.5'],
    [
      'λ that does not reach 1',
      withOptions({ decayEpochs: 3 }),
      ParamError,
      'decayEpochs',
      '0 to 2.75, the last step',
      '3',
    ],
    [
      'λ that nearly reaches 1',
      withOptions({ decayEpochs: 2.76 }),
      ParamError,
      'decayEpochs',
      '0 to 2.75, the last step',
      '2.76',
    ],
    ['a negative decay of λ', withOptions({ decayEpochs: -1 }), ParamError, 'decayEpochs', 'a number >= 0', '-1'],
    ['NaN epochs of λ', withOptions({ decayEpochs: NaN }), ParamError, 'decayEpochs', 'a number >= 0', 'NaN'],
    ['no learning rate', withOptions({ lr: 0 }), ParamError, 'lr', 'a number > 0', '0'],
    ['an infinite one', withOptions({ lr: Infinity }), ParamError, 'lr', 'a number > 0', 'Infinity'],
    ['a negative decay', withOptions({ weightDecay: -1 }), ParamError, 'weightDecay', 'a number >= 0', '-1'],
    ['nothing but smoothing', withOptions({ smoothing: 1 }), ParamError, 'smoothing', 'a number in [0, 1)', '1'],
    ['a negative seed', withOptions({ seed: -1 }), ParamError, 'seed', 'an integer in [0, 4294967295]', '-1'],
    ['too large a seed', withOptions({ seed: 2 ** 32 }), ParamError, 'seed', 'an integer in', '4294967296'],
    [
      'an unknown key',
      withOptions({ momentun: 0.9 } as object),
      ParamError,
      'momentun',
      'one of the keys epochs',
      'an unknown key',
    ],
    [
      'an unknown optimizer',
      withOptions({ optimizer: 'adamax' as 'adam' }),
      ParamError,
      'optimizer',
      'adam, adamw',
      'adamax',
    ],
    ['a warm-up that never ends', withOptions({ warmupEpochs: 3 }), ParamError, 'warmupEpochs', 'fewer than 3', '3'],
    ['a rate that rises', withOptions({ minLr: 0.1 }), ParamError, 'minLr', 'at most lr', '0.1'],
    ['an average that stands still', withOptions({ ema: 1 }), ParamError, 'ema', 'a number in [0, 1)', '1'],
    ['half a seed', withOptions({ seed: 0.5 }), ParamError, 'seed', 'an integer in', '0.5'],
    [
      'the deploy form',
      withOptions({}, null, network({ form: 'deploy' })),
      ParamError,
      'train',
      'the train',
      'the deploy',
    ],
    [
      'images of other channels',
      withOptions({}, null, network({ in_chans: 2, mean: [0, 0], std: [1, 1] })),
      ParamError,
      'train',
      'images of 2 channels, like the input of the network',
      '3',
    ],
    [
      'other classes',
      withOptions({}, null, network({ num_classes: 9 })),
      ParamError,
      'train',
      '9 classes, like the network',
      '10 (',
    ],
    [
      'held-out images of other classes',
      withOptions({}, nine),
      ParamError,
      'validation',
      '10 classes, like the network',
      '9 (',
    ],
    [
      'an input that leaves empty maps',
      withOptions({}, null, network({ dims: [4, 6, 8, 8], strides: [2, 2, 2] })),
      ShapeError,
      'stages.2',
      'an input of at least 32x32',
      '16x16, which leaves 0x0',
    ],
  ];
  test.each(cases)('%s', (_, { set: on, heldOut, config: of, options: with_ }, type, op, expected, got) => {
    // The call itself throws, not the first step.
    expect(() => train({ train: on, validation: heldOut }, of, with_)).toThrow(refusal(type, op, expected, got));
  });
});
