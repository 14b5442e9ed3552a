/** Arguments of `train` that callers without types may pass, and callbacks that fail. */
import { describe, expect, test } from '@jest/globals';
import { ParamError } from '../../src/core/errors.js';
import { fitOptions } from '../../src/image/preprocess.js';
import type { Checkpoint } from '../../src/train/checkpoint.js';
import { train } from '../../src/train/train.js';
import { refusal } from '../io/refusal.js';
import { checkpointAt } from './checkpointAt.js';
import { collect } from './collect.js';
import { config, data, PLAIN } from './everything.js';
import { scripted } from './scriptedTrainer.js';

const recipe = { ...PLAIN, epochs: 1, decayEpochs: 0 };
const { open } = scripted();
const run = (options: object, sets: object = data) =>
  train(sets as typeof data, config, recipe, { openTrainer: open, ...options });

describe('refuses before anything is computed', () => {
  test.each<readonly [string, object, string, string]>([
    ['an unknown option', { onEpoch: () => undefined }, 'onEpoch', 'one of the keys openTrainer'],
    ['a trainer that is no function', { openTrainer: 3 }, 'openTrainer', 'a function'],
    ['a callback that is no function', { onResumePoint: {} }, 'onResumePoint', 'a function'],
    ['a word for a boolean', { acceptData: 'yes' }, 'acceptData', 'true or false'],
    ['another signal', { signal: {} }, 'signal', 'AbortSignal'],
    ['null as a checkpoint', { resume: null }, 'resume', 'a checkpoint of a run'],
    ['an empty checkpoint', { resume: {} }, 'resume', 'a checkpoint of a run'],
  ])('%s', (_, options, op, expected) => {
    expect(() => run(options)).toThrow(refusal(ParamError, op, expected, ''));
  });

  test('data or options that are no objects', () => {
    const start = (sets: unknown, options: unknown) => () => train(sets as never, config, recipe, options as never);
    expect(start(null, {})).toThrow(refusal(ParamError, 'data', 'an object', 'null'));
    expect(start(data, null)).toThrow(refusal(ParamError, 'options', 'an object', 'null'));
  });

  test('held-out images that were prepared in another way', () => {
    const fit = { ...fitOptions(config), crop_pct: 0.5 };
    const sets = { ...data, validation: { ...data.validation, fit } };
    expect(() => run({}, sets)).toThrow(
      refusal(ParamError, 'validation', 'images prepared as the configuration says: 16x16', '16x16, crop_pct 0.5'),
    );
  });

  test('names the nearest option', () => {
    expect(() => run({ onResumepoint: () => undefined })).toThrow(
      expect.objectContaining({ hint: 'Did you mean onResumePoint?' }),
    );
  });

  test.each<readonly [string, (checkpoint: Checkpoint) => object]>([
    ['config', (checkpoint) => ({ ...checkpoint, config: [] })],
    ['recipe', (checkpoint) => ({ ...checkpoint, recipe: null })],
    ['snapshot', (checkpoint) => ({ ...checkpoint, snapshot: undefined })],
    ['state', (checkpoint) => ({ ...checkpoint, snapshot: { ...checkpoint.snapshot, state: {} } })],
    ['optimizer', (checkpoint) => ({ ...checkpoint, snapshot: { ...checkpoint.snapshot, optimizer: null } })],
    ['steps', (checkpoint) => ({ ...checkpoint, snapshot: { ...checkpoint.snapshot, steps: -1 } })],
    ['images', (checkpoint) => ({ ...checkpoint, images: '90' })],
    ['epoch', (checkpoint) => ({ ...checkpoint, epoch: 0.5 })],
    ['step', (checkpoint) => ({ ...checkpoint, step: NaN })],
    ['globalStep', (checkpoint) => ({ ...checkpoint, globalStep: undefined })],
  ])('a checkpoint without %s', (_, change) => {
    const refused = refusal(ParamError, 'resume', 'a checkpoint of a run', '{');
    expect(() => run({ resume: change(checkpointAt(1)) })).toThrow(refused);
    // The whole one is of another network.
    expect(() => run({ resume: checkpointAt(1) })).toThrow(refusal(ParamError, 'resume', 'as in the checkpoint', ''));
  });
});

test.each<readonly [string, unknown, string]>([
  ['null', null, 'null'],
  ['an object without methods', {}, '{}'],
  ['a part of a trainer', { step: () => undefined, evaluate: () => undefined }, 'one without state, ema, snapshot'],
])('refuses %s in place of a trainer', async (_, trainer, got) => {
  for (const openTrainer of [() => trainer, () => Promise.resolve(trainer)]) {
    await expect(collect(run({ openTrainer }))).rejects.toThrow(
      refusal(ParamError, 'openTrainer', 'a function that returns a trainer', got),
    );
  }
});

describe('an error of a callback ends the run', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ])('onResumePoint %s', async (_, onResumePoint) => {
    const { open: openTrainer, calls } = scripted();
    await expect(collect(run({ openTrainer, onResumePoint }))).rejects.toThrow('mine');
    expect(calls.disposed).toHaveLength(1);
  });

  test('openTrainer rejects', async () => {
    await expect(collect(run({ openTrainer: () => Promise.reject(new Error('mine')) }))).rejects.toThrow('mine');
  });
});
