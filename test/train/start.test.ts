/** What a training may start from, and what it says of the parts of the network. */
import { describe, expect, test } from '@jest/globals';
import { ParamError } from '../../src/core/errors.js';
import { fuseState } from '../../src/oracle/fuse.js';
import { initialState } from '../../src/train/initialState.js';
import type { Recipe } from '../../src/train/recipe.js';
import type { RunOptions } from '../../src/train/runOptions.js';
import { train } from '../../src/train/train.js';
import { collect } from './collect.js';
import { config, data, on, PLAIN } from './everything.js';

const state = initialState(config, 1);
const fused = fuseState(state, { ...config, lambda: 1 });
const recipe = { ...PLAIN, epochs: 1, decayEpochs: 0 };
const start = (network: typeof config, more: Partial<Recipe>, options: RunOptions) =>
  train(data, network, { ...recipe, ...more }, { openTrainer: on(1), ...options });

/** The error with its hint. */
const refused = (op: string, expected: string, got: string, hint: string): unknown =>
  expect.objectContaining({ name: ParamError.name, op, expected, got, hint });

describe('a training', () => {
  test('starts from weights or a checkpoint, not both', async () => {
    const { value } = await start(config, {}, {}).next();
    const resume = await (value as { checkpoint: () => Promise<NonNullable<RunOptions['resume']>> }).checkpoint();
    const hint = 'Omit one of them: a checkpoint has the weights of its run.';
    expect(() => start(config, {}, { state, resume })).toThrow(
      refused('state', 'initial weights or a checkpoint to resume from', 'both', hint),
    );
  });

  test('of the deploy form needs weights', () => {
    const hint = 'Pass weights of this form as `state`, or see fineTune.';
    expect(() => start(fused.config, {}, {})).toThrow(refused('train', 'the train form', 'the deploy form', hint));
  });

  test('of the deploy form has no λ, and is not fused again', () => {
    const got = 'the deploy form, which is fused';
    const options = { state: fused.state };
    expect(() => start(fused.config, { fuseAtDecay: true }, options)).toThrow(
      refused('fuseAtDecay', 'the train form', got, 'Omit fuseAtDecay.'),
    );
    const hint = 'Omit decayEpochs, or start from weights of the train form.';
    expect(() => start(fused.config, { epochs: 3, decayEpochs: 1 }, options)).toThrow(
      refused('decayEpochs', '0, or the train form, which has λ', got, hint),
    );
  });

  test('knows the parts that are frozen, in both forms', () => {
    const stage = expect.objectContaining({ name: ParamError.name, expected: expect.stringContaining('stages.0') });
    expect(() => start(config, { freeze: ['stages.7'] }, {})).toThrow(stage);
    expect(() => start(fused.config, { freeze: ['stages.7'] }, { state: fused.state })).toThrow(stage);
  });

  test('resumes after its network was fused, with the configuration that it began with', async () => {
    const fuse = { epochs: 2, fuseAtDecay: true, decayEpochs: 1, optimizer: 'adamw' } as const;
    const { done } = await collect(start({ ...config, lambda: 0 }, fuse, {}));
    expect(done.config).toMatchObject({ form: 'deploy', lambda: 1 });
    let last: RunOptions['resume'];
    for await (const progress of start({ ...config, lambda: 0 }, fuse, {})) last = await progress.checkpoint();
    expect(last?.config.form).toBe('deploy');
    const resumed = await collect(start({ ...config, lambda: 0 }, fuse, { resume: last as never }));
    expect(resumed.done.state).toEqual(done.state);
  });
});
