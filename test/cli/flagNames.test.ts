import { expect, test } from '@jest/globals';
import { nameFlags } from '../../src/cli/flagNames.js';
import { nameDataFlags } from '../../src/cli/trainingData.js';
import type { RecipeFlags } from '../../src/cli/trainOptions.js';
import { DataError, ParamError } from '../../src/core/errors.js';

const error = (op: string, expected = 'more', hint?: string): ParamError =>
  new ParamError({ op, expected, got: 'less', hint });
const named = (of: ParamError, flags: RecipeFlags = {}): ParamError => {
  const result = nameFlags(of, flags);
  if (!(result instanceof ParamError)) throw new Error('another error');
  return result;
};

test.each([
  ['decayEpochs', '--decay-epochs'],
  ['lr', '--lr'],
  ['gradAccumSteps', '--grad-accum-steps'],
  ['config.dims', '--dims'],
  ['config.ada_pool', '--ada-pool'],
  ['config.input_size', '--size'],
  ['config.in_chans', '--in-chans'],
  ['augment.randomResizedCrop.scale', '--random-resized-crop'],
  ['augment.horizontalFlip', '--flip'],
])('%s is %s', (op, flag) => {
  expect(named(error(op)).op).toBe(flag);
});

test('a value without a flag is one of the file, if there is one', () => {
  const flags = { config: 'recipe.json', warmupEpochs: 3, flip: 0.5, size: [8, 8] as const };
  expect(named(error('decayEpochs'), flags).op).toBe('recipe.json: decay_epochs');
  expect(named(error('config.dims'), flags).op).toBe('recipe.json: dims');
  expect(named(error('warmupEpochs'), flags).op).toBe('--warmup-epochs');
  expect(named(error('augment.horizontalFlip'), flags).op).toBe('--flip');
  expect(named(error('config.input_size'), flags).op).toBe('--size');
  expect(named(error('config.ada_pool'), { config: 'a.json', adaPool: [1] }).op).toBe('--ada-pool');
});

test('names of other values within the text become flags, too; got and hint stay', () => {
  const before = error('gradAccumSteps', 'a divisor of batchSize, 12, not of imageSize', 'Try batchSize 6.');
  const after = named(before);
  expect(after).toMatchObject({
    ...{ op: '--grad-accum-steps', expected: 'a divisor of --batch-size, 12, not of imageSize' },
    ...{ got: 'less', hint: 'Try batchSize 6.', cause: before },
  });
  expect(named(error('lr')).hint).toBeUndefined();
  expect(named(error('batchSize', 'a multiple of gradAccumSteps')).expected).toBe('a multiple of --grad-accum-steps');
});

test('other errors stay as they are', () => {
  for (const other of [
    error('training'),
    error('--lr'),
    error('toString'),
    new DataError({ op: 'lr', expected: 'data', got: 'none' }),
    new Error('lr'),
    'lr',
  ]) {
    expect(nameFlags(other, {})).toBe(other);
  }
});

test('options of the data are flags, too', () => {
  const before = error('size', 'a size', 'Try another.');
  const rest = { expected: 'a size', got: 'less', hint: 'Try another.', cause: before };
  expect(nameDataFlags(before)).toMatchObject({ op: '--size', ...rest });
  expect(nameDataFlags(before, true)).toMatchObject({ op: '--image-size', ...rest });
  expect(nameDataFlags(error('valSplit'))).toMatchObject({ op: '--val-split' });
  for (const other of [error('limit'), new DataError({ op: 'size', expected: 'data', got: 'none' }), 'size']) {
    expect(nameDataFlags(other)).toBe(other);
  }
});
