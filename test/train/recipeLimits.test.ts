/** The ends of the ranges of a recipe, values that limit each other, and scores at their limits. */
import { describe, expect, test } from '@jest/globals';
import { ParamError } from '../../src/core/errors.js';
import { checkRecipe, DEFAULT_RECIPE, fitDecay, resolveRecipe, type Recipe } from '../../src/train/recipe.js';
import { EMPTY_TALLY, rankOf, scoresOf, tallyBatch } from '../../src/train/scores.js';
import { refusal } from '../io/refusal.js';

test.each<[keyof Recipe, unknown[], unknown[]]>([
  ['epochs', [1, 300], [0, 1.5, NaN, '3']],
  ['batchSize', [2, 1024], [1, 0, 2.5]],
  ['gradAccumSteps', [1, 16], [0, 1.5]],
  ['lr', [1e-9, 10], [0, -1, Infinity, NaN]],
  ['minLr', [0, 3e-3], [-1e-9, 4e-3]],
  ['warmupEpochs', [0, 0.5, 2.9], [-0.5, 3, 4]],
  ['warmupLr', [null, 0, 3e-3], [-1e-9, 4e-3, undefined]],
  ['weightDecay', [0, 1], [-1e-9]],
  ['momentum', [0, 0.99], [-0.1, 1]],
  [
    'betas',
    [
      [0, 0],
      [0.5, 0.999999],
    ],
    [[-0.1, 0.9], [0.9, -0.1], [0.9, 1], ['0.5', 0.9], [0.9, null], [0.9], []],
  ],
  ['eps', [0, 1], [-1e-9]],
  ['layerDecay', [1e-3, 1], [0, 1.01, -1]],
  ['lambdaSchedule', ['linear', 'cosine'], ['', 'step']],
  ['freeze', [[], ['stem']], ['stem', ['stemm'], [1]]],
  ['decayEpochs', [0, 2.5], [-0.5]],
  ['smoothing', [0, 0.99], [-0.1, 1]],
  ['mixup', [0, 1e-6, 0.8, 1e6], [-0.1, 9e-7, 1.1e6]],
  ['cutmix', [0, 1e-6, 1, 1e6], [-0.1, 9e-7, 1.1e6]],
  ['mixupProb', [0, 1], [-0.1, 1.1]],
  ['mixupSwitchProb', [0, 1], [-0.1, 1.1]],
  ['ema', [0, 0.9999], [-0.1, 1]],
  ['seed', [0, 2 ** 32 - 1], [-1, 2 ** 32, 0.5]],
  ['augment', [{}, { rotation: 20 }], [{ rotation: -1 }, { flip: 1 }]],
])('%s may be %j and not %j', (key, valid, invalid) => {
  for (const value of valid) expect(resolveRecipe({ [key]: value })[key]).toEqual(value);
  for (const value of invalid) expect(() => resolveRecipe({ [key]: value })).toThrow(ParamError);
});

describe('a recipe is refused', () => {
  test('with a value that is undefined, which would replace the default', () => {
    const values = { lr: undefined } as unknown as Partial<Recipe>;
    expect(() => resolveRecipe(values)).toThrow(refusal(ParamError, 'lr', 'a value', 'undefined'));
  });

  test.each([
    [{ optimizer: 'sgd', nesterov: true, momentum: 0 } as const, 'a momentum of 0'],
    [{ betas: 'high' } as unknown as Partial<Recipe>, 'high'],
    [{ betas: [0.9] } as unknown as Partial<Recipe>, '[0.9]'],
    [{ lr: 1e-3, minLr: 2e-3 }, '0.002'],
  ])('in words without quotes: %j', (values, got) => {
    expect(() => resolveRecipe(values)).toThrow(expect.objectContaining({ got }));
  });

  test('with the words of its range: 0, or a number', () => {
    const got = refusal(ParamError, 'mixup', '0, or a number in [0.000001, 1000000]', '-1');
    expect(() => resolveRecipe({ mixup: -1 })).toThrow(got);
  });

  test('that is no object', () => {
    expect(() => resolveRecipe(null as never)).toThrow(refusal(ParamError, 'recipe', 'an object', 'null'));
  });

  test('with Nesterov momentum of 0 in sgd, but not in an optimizer without it', () => {
    const expected = refusal(ParamError, 'nesterov', 'a momentum > 0', 'a momentum of 0');
    expect(() => resolveRecipe({ optimizer: 'sgd', nesterov: true, momentum: 0 })).toThrow(expected);
    for (const values of [
      { optimizer: 'adam', nesterov: true, momentum: 0 },
      { optimizer: 'sgd', nesterov: false, momentum: 0 },
      { optimizer: 'sgd', nesterov: true, momentum: 0.9 },
    ] as const) {
      expect(resolveRecipe(values)).toMatchObject(values);
    }
  });

  test.each([
    [{ batchSize: 32, gradAccumSteps: 3 }, 'gradAccumSteps', 'a divisor of batchSize, 32, that leaves 2 images', '3'],
    [{ batchSize: 32, gradAccumSteps: 32 }, 'gradAccumSteps', 'a divisor of batchSize, 32, that leaves 2 images', '32'],
    [{ lr: 1e-3, warmupLr: 2e-3 }, 'warmupLr', 'a number from 0 to lr, 0.001, or null', '0.002'],
    [{ lr: 1e-3, minLr: 2e-3 }, 'minLr', 'at most lr, 0.001', '0.002'],
    [{ epochs: 5, warmupEpochs: 5 }, 'warmupEpochs', 'fewer than 5 epochs', '5'],
  ])('%j', (values, op, expected, got) => {
    expect(() => resolveRecipe(values)).toThrow(refusal(ParamError, op, expected, got));
  });

  test('with two images in each micro-batch it is not', () => {
    expect(resolveRecipe({ batchSize: 32, gradAccumSteps: 16 })).toMatchObject({ gradAccumSteps: 16 });
  });
});

describe('the rise of λ', () => {
  /** Ten steps of ten images. */
  const IMAGES = 100;
  const recipe = (values: Partial<Recipe>): Recipe => resolveRecipe({ batchSize: 10, epochs: 3, ...values });

  test.each([
    ['step', { batchSize: IMAGES }],
    ['epoch', { batchSize: 10 }],
  ] as const)('a run of one %s has none', (lambdaPer, values) => {
    const single = { ...values, lambdaPer, epochs: 1 };
    checkRecipe(recipe({ ...single, decayEpochs: 0 }), IMAGES);
    expect(() => {
      checkRecipe(recipe({ ...single, decayEpochs: 1 }), IMAGES);
    }).toThrow(refusal(ParamError, 'decayEpochs', `0, because λ must be 1 in the only ${lambdaPer}`, '1'));
  });

  test.each([
    ['step', 2.9],
    ['epoch', 2],
  ] as const)('may end at the last step, and no later: λ per %s', (lambdaPer, last) => {
    checkRecipe(recipe({ lambdaPer, decayEpochs: last }), IMAGES);
    const late = recipe({ lambdaPer, decayEpochs: last + 0.01 });
    expect(() => {
      checkRecipe(late, IMAGES);
    }).toThrow(refusal(ParamError, 'decayEpochs', `0 to ${last}, the last step`, `${last + 0.01}`));
    expect(() => {
      checkRecipe(late, IMAGES);
    }).toThrow(
      expect.objectContaining({
        hint: 'Train more epochs, or let lambda reach 1 earlier: only then can the network be fused.',
      }),
    );
    expect(fitDecay(late, IMAGES).decayEpochs).toBe(last);
    expect(fitDecay(recipe({ lambdaPer, decayEpochs: 1 }), IMAGES).decayEpochs).toBe(1);
  });

  test('of a batch larger than the set is left alone, because the batch is what is refused', () => {
    const large = { ...DEFAULT_RECIPE, batchSize: 101 };
    expect(fitDecay(large, IMAGES)).toEqual(large);
    expect(() => {
      checkRecipe(large, IMAGES);
    }).toThrow(refusal(ParamError, 'batchSize', 'an integer from 2 to the 100 images', '101'));
    checkRecipe({ ...DEFAULT_RECIPE, epochs: 3, batchSize: 100, decayEpochs: 2 }, IMAGES);
  });
});

describe('scores', () => {
  test('rank ties in the order of the classes, and NaN last', () => {
    expect(rankOf([1, 1, 1], 0)).toBe(0);
    expect(rankOf([1, 1, 1], 2)).toBe(2);
    expect(rankOf([3, 1, 2], 1)).toBe(2);
    expect(rankOf([3, NaN, 2], 1)).toBe(Infinity);
  });

  test('count the five largest logits', () => {
    const logits = Float64Array.of(6, 5, 4, 3, 2, 1);
    const top5 = (target: number) => tallyBatch(0, logits, [target]).top5;
    expect([0, 1, 2, 3, 4, 5].map(top5)).toEqual([1, 1, 1, 1, 1, 0]);
  });

  test('are means of a tally', () => {
    expect(scoresOf({ loss: 6, top1: 1, top5: 3, seen: 4 })).toEqual({ loss: 1.5, top1: 0.25, top5: 0.75 });
    expect(scoresOf(EMPTY_TALLY)).toEqual({ loss: NaN, top1: NaN, top5: NaN });
  });
});
