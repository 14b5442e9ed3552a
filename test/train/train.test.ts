import { describe, expect, test } from '@jest/globals';
import { forward, initialise, labelSmoothingCrossEntropy, tensor } from '../../reference/index.js';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { ParamError, ShapeError } from '../../src/core/errors.js';
import { checkState } from '../../src/core/parameters.js';
import type { StateDict } from '../../src/core/tensor.js';
import { pick, type ImageSet } from '../../src/data/dataset.js';
import { batchOf } from '../../src/data/normalise.js';
import { drawShapes } from '../../src/data/shapes.js';
import { toOracleConfig } from '../../src/oracle/backend.js';
import { stateToOracle } from '../../src/oracle/state.js';
import { train, type Progress, type TrainOptions } from '../../src/train/train.js';
import { refusal } from '../io/refusal.js';
import { collect } from './collect.js';

const set = drawShapes(45, { seed: 3, size: 16 });
const config = resolveConfig({ dims: [4, 6], strides: [2], act_num: 1, num_classes: 10, input_size: 16 });
/** Four steps an epoch: five of the 45 images are left out. */
const options: TrainOptions = {
  epochs: 3,
  decayEpochs: 2,
  lambdaSchedule: 'linear',
  batchSize: 10,
  lr: 5e-3,
  weightDecay: 1e-5,
  smoothing: 0.1,
  seed: 1,
};
const STEPS = 4;

const run = (
  more: Partial<TrainOptions> = {},
  network: ModelConfig = config,
): { records: Progress[]; state: StateDict } => collect(train(set, null, network, { ...options, ...more }));
const losses = (records: readonly Progress[]): number[] => records.map(({ loss }) => loss);

const trained = run();

test('counts epochs from 1 and leaves out what fills no batch', () => {
  const steps = [1, 2, 3].flatMap((epoch) => [1, 2, 3, 4].map((step) => [epoch, step, STEPS]));
  expect(trained.records.map(({ epoch, step, steps: of }) => [epoch, step, of])).toEqual(steps);
});

describe('λ', () => {
  const EIGHTHS = [0, 1, 2, 3, 4, 5, 6, 7];
  test.each([
    ['linear', EIGHTHS.map((t) => t / 8)],
    ['cosine', EIGHTHS.map((t) => (1 - Math.cos((Math.PI * t) / 8)) / 2)],
  ] as const)('rises from 0 to exactly 1, %s', (lambdaSchedule, rising) => {
    const lambdas = run({ lambdaSchedule }).records.map(({ lambda }) => lambda);
    expect(lambdas).toEqual([...rising, 1, 1, 1, 1]);
  });

  test('is 1 all along where it has no epochs to rise', () => {
    const { records } = run({ epochs: 1, decayEpochs: 0 });
    expect(records.map(({ lambda }) => lambda)).toEqual([1, 1, 1, 1]);
  });

  test('may reach 1 as late as the last step', () => {
    const { records } = run({ epochs: 1, decayEpochs: 0.75 });
    expect(records.map(({ lambda }) => lambda)).toEqual([0, 1 / 3, expect.closeTo(2 / 3, 15), 1]);
  });
});

test('the learning rate falls along a cosine, step by step', () => {
  const { lr } = options;
  trained.records.forEach((record, t) => {
    expect(record.lr).toBeCloseTo((lr * (1 + Math.cos((Math.PI * t) / 12))) / 2, 15);
  });
  expect(trained.records[0].lr).toBe(lr);
  expect(trained.records[6].lr).toBeCloseTo(lr / 2, 15);
});

describe('a seed', () => {
  test('fixes the run, to the last bit', () => {
    const again = run();
    expect(losses(again.records)).toEqual(losses(trained.records));
    expect(again.state).toEqual(trained.state);
  });

  test('fixes what dropout draws', () => {
    const dropping = { ...config, drop_rate: 0.5 };
    const [one, two] = [run({ epochs: 1, decayEpochs: 0 }, dropping), run({ epochs: 1, decayEpochs: 0 }, dropping)];
    expect(losses(two.records)).toEqual(losses(one.records));
    expect(losses(run({ epochs: 1, decayEpochs: 0 }).records)).not.toEqual(losses(one.records));
  });

  test('that is another one makes another run', () => {
    const other = run({ seed: 2 });
    other.records.forEach(({ loss }, i) => {
      expect(loss).not.toBe(trained.records[i].loss);
    });
  });

  test('draws another order in every epoch', () => {
    // Nothing learns at such a rate: only the batches make the losses differ.
    const { records } = run({ lr: 1e-300, weightDecay: 0, decayEpochs: 0 });
    const firsts = records.filter(({ step }) => step === 1).map(({ loss }) => loss);
    expect(new Set(firsts).size).toBe(3);
  });
});

describe('the network', () => {
  test('comes in the train form, step by step', () => {
    expect(() => {
      checkState(trained.state, config);
    }).not.toThrow();
    const last = trained.records[trained.records.length - 1];
    expect(last.state()).toEqual(trained.state);
    // The generator stands still at the first step, and is asked how the network is there.
    const first = train(set, null, config, options).next();
    if (first.done) throw new Error('no first step');
    expect(first.value.state().get('stem1.1.num_batches_tracked')?.data[0]).toBe(1);
    expect(trained.state.get('stem1.1.num_batches_tracked')?.data[0]).toBe(12);
  });

  test('learns a small set by heart', () => {
    const { records } = collect(
      train(pick(set, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), null, resolveConfig({ ...config, dims: [8, 16] }), {
        ...options,
        epochs: 30,
        decayEpochs: 20,
        lr: 0.02,
      }),
    );
    const [first, last] = [records[0], records[records.length - 1]];
    // ln 10 is the loss of knowing nothing; smoothing keeps it above 0.5.
    expect(first.loss).toBeGreaterThan(2.2);
    expect(last.loss).toBeLessThan(1.5);
    expect(last.accuracy).toBeGreaterThanOrEqual(0.8);
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
  /** Share of images whose largest logit is that of their class. */
  const accuracyOf = (images: ImageSet, logits: ReturnType<typeof logitsOf>): number => {
    const right = Array.from(images.labels).filter((label, i) => {
      const row = Array.from({ length: 10 }, (_, c) => logits.get(i, c));
      return row.indexOf(Math.max(...row)) === label;
    });
    return right.length / images.n;
  };

  test('are weighted by samples: 130 held-out images are evaluated as if in one batch', () => {
    const heldOut = drawShapes(130, { seed: 3, size: 16, first: 1000 });
    const { records, state } = collect(train(set, heldOut, config, options));
    expect(records.map(({ validation }) => validation !== undefined)).toEqual(
      Array.from({ length: 12 }, (_, i) => i % STEPS === 3),
    );
    const logits = logitsOf(heldOut, state, false);
    const loss = labelSmoothingCrossEntropy(logits, [...heldOut.labels], 0.1);
    const { validation } = records[records.length - 1];
    expect(validation?.loss).toBeCloseTo(loss, 12);
    expect(validation?.accuracy).toBe(accuracyOf(heldOut, logits));
    // Watching does not change what is watched.
    expect(state).toEqual(trained.state);
  });

  test('of training are those of the batch, before the step', () => {
    const [{ loss, accuracy }] = run({ batchSize: 45, epochs: 2, decayEpochs: 1 }).records;
    const fresh = initialise(toOracleConfig(config), { seed: 1 });
    const asCore: StateDict = new Map([...fresh].map(([name, { data, shape }]) => [name, { data, shape }]));
    const logits = logitsOf(set, asCore, true);
    expect(loss).toBeCloseTo(labelSmoothingCrossEntropy(logits, [...set.labels], 0.1), 12);
    expect(accuracy).toBe(accuracyOf(set, logits));
  });

  test('run over the epoch so far, and begin anew with each', () => {
    for (const { step, accuracy } of trained.records) {
      const hits = accuracy * step * options.batchSize;
      expect(Math.abs(hits - Math.round(hits))).toBeLessThan(1e-9);
    }
    // At a rate that moves nothing and λ fixed, the four batches of an epoch average to 40 images.
    const still = run({ lr: 1e-300, weightDecay: 0, decayEpochs: 0, batchSize: 45 }).records;
    expect(new Set(still.map(({ loss }) => loss.toFixed(12))).size).toBe(1);
  });
});

describe('refused, before anything is computed', () => {
  const wide = drawShapes(20, { seed: 0, size: 20 });
  const nine: ImageSet = { ...set, classNames: set.classNames.slice(1) };
  const network = (more: object): ModelConfig => resolveConfig({ ...config, ...more });
  const given = (more: Partial<TrainOptions>, held: ImageSet | null = null, of = config, on = set) => ({
    set: on,
    held,
    config: of,
    options: { ...options, ...more },
  });
  type Given = ReturnType<typeof given>;
  const cases: [string, Given, typeof ParamError | typeof ShapeError, string, string, string][] = [
    ['a batch of one', given({ batchSize: 1 }), ParamError, 'batchSize', 'from 2 to the 45 images', '1'],
    ['a batch larger than the set', given({ batchSize: 46 }), ParamError, 'batchSize', 'from 2 to the 45', '46'],
    ['half an image', given({ batchSize: 2.5 }), ParamError, 'batchSize', 'an integer', '2.5'],
    ['no epochs', given({ epochs: 0 }), ParamError, 'epochs', 'an integer >= 1', '0'],
    ['half an epoch', given({ epochs: 0.5 }), ParamError, 'epochs', 'an integer >= 1', '0.5'],
    ['λ that does not arrive', given({ decayEpochs: 3 }), ParamError, 'decayEpochs', 'λ = 1 at the end', '3'],
    ['λ that just does not', given({ decayEpochs: 2.76 }), ParamError, 'decayEpochs', 'λ = 1 at the end', '2.76'],
    ['λ that runs back', given({ decayEpochs: -1 }), ParamError, 'decayEpochs', '0 to 2.75', '-1'],
    ['NaN epochs of λ', given({ decayEpochs: NaN }), ParamError, 'decayEpochs', '0 to 2.75', 'NaN'],
    ['no learning rate', given({ lr: 0 }), ParamError, 'lr', 'a number > 0', '0'],
    ['an infinite one', given({ lr: Infinity }), ParamError, 'lr', 'a number > 0', 'Infinity'],
    ['a negative decay', given({ weightDecay: -1 }), ParamError, 'weightDecay', 'a number >= 0', '-1'],
    ['nothing but smoothing', given({ smoothing: 1 }), ParamError, 'smoothing', 'a number in [0, 1)', '1'],
    ['a negative seed', given({ seed: -1 }), ParamError, 'seed', 'an integer in [0, 2^32)', '-1'],
    ['too large a seed', given({ seed: 2 ** 32 }), ParamError, 'seed', 'an integer in', '4294967296'],
    ['half a seed', given({ seed: 0.5 }), ParamError, 'seed', 'an integer in', '0.5'],
    ['the deploy form', given({}, null, network({ form: 'deploy' })), ParamError, 'train', 'the train', 'the deploy'],
    ['images of another size', given({}, null, config, wide), ParamError, 'train', 'images of 3x16x16', '3x20x20'],
    [
      'images of other channels',
      given({}, null, network({ in_chans: 1, mean: [0], std: [1] })),
      ParamError,
      'train',
      'images of 1x16x16',
      '3x16x16',
    ],
    ['other classes', given({}, null, network({ num_classes: 9 })), ParamError, 'num_classes', '10, as the data', '9'],
    ['held-out images of another size', given({}, wide), ParamError, 'validation', 'images of 3x16x16', '3x20x20'],
    ['held-out images of other classes', given({}, nine), ParamError, 'num_classes', '9, as the data', '10'],
    [
      'maps that would be empty',
      given({}, null, network({ dims: [4, 6, 8, 8], strides: [2, 2, 2] })),
      ShapeError,
      'stages.2',
      'an input large enough',
      '16x16, which leaves 0x0',
    ],
  ];
  test.each(cases)('%s', (_, { set: on, held, config: of, options: with_ }, type, op, expected, got) => {
    // Not the first step throws, which computes, but the call before it.
    expect(() => train(on, held, of, with_)).toThrow(refusal(type, op, expected, got));
  });
});
