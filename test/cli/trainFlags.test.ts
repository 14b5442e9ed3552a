/** Which values a resumed run takes from its `config.json`, which may have been edited. */
import { expect, test } from '@jest/globals';
import { flagOf, STORED_FLAGS } from '../../src/cli/trainFlags.js';

const VALUES: Readonly<Record<string, { readonly valid: readonly unknown[]; readonly invalid: readonly unknown[] }>> = {
  imageSize: {
    valid: [
      [8, 9],
      [1, 1],
    ],
    invalid: [8, '88', { length: 2 }, null, [], [8], [8, 8, 8], [8, 0], [0, 8], [8, 8.5], ['8', 8]],
  },
  cache: { valid: ['auto', 'memory', 'none'], invalid: ['disk', '', null] },
  onBadImage: { valid: ['fail', 'skip'], invalid: ['stop', '', true] },
  workers: { valid: [0, 3], invalid: [-1, 1.5, '2'] },
  threads: { valid: ['auto', 1, 4], invalid: ['all', '', 0, 1.5, null] },
  checkpointEvery: { valid: [0, 0.5, 300], invalid: [-1, '300', null, NaN] },
  logEvery: { valid: [1, 10], invalid: [0, 2.5, '10'] },
  tensorboard: { valid: [true, false], invalid: [1, 'true', null] },
};

test('are all flags that a run stores', () => {
  expect(STORED_FLAGS.map(([name]) => name)).toEqual(Object.keys(VALUES));
});

test.each(STORED_FLAGS)('%s', (name, isValid) => {
  const { valid, invalid } = VALUES[name];
  expect(valid.filter((value) => !isValid(value))).toEqual([]);
  expect(invalid.filter(isValid)).toEqual([]);
  // A run without the flag does not store it.
  expect(isValid(undefined)).toBe(false);
});

test('a flag has hyphens where its name has capitals', () => {
  expect(['data', 'batchSize', 'noDecayVectors'].map(flagOf)).toEqual(['--data', '--batch-size', '--no-decay-vectors']);
});
