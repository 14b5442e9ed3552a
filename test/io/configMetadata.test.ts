import { expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { configOf, readConfig, writeConfig } from '../../src/io/configMetadata.js';
import { refusal } from './refusal.js';

test('readConfig returns the configuration that writeConfig wrote', () => {
  for (const config of [
    resolveConfig({ variant: 'vanillanet_5' }),
    resolveConfig({ variant: 'vanillanet_13_x1_5_ada_pool', article_stem: true, lambda: 1, form: 'deploy' }),
    resolveConfig({ dims: [4, 8], strides: [2], num_classes: 2, class_names: ['a"', 'ü'], in_chans: 1, input_size: 8 }),
  ]) {
    const metadata = writeConfig(config);
    expect(metadata.get('format')).toBe('pt');
    expect(readConfig(metadata)).toEqual(config);
  }
});

test('readConfig returns null for metadata without a configuration', () => {
  expect(readConfig(new Map([['format', 'pt']]))).toBeNull();
});

test.each(['', '{', 'vanillanet_5', '[]', 'null', '3', '"vanillanet_5"'])(
  'readConfig refuses the entry "%s"',
  (text) => {
    const read = (): unknown => readConfig(new Map([['vanillanet', text]]), 'x.st');
    expect(read).toThrow(refusal(WeightsError, 'x.st', "under the metadata key 'vanillanet'", ''));
  },
);

test.each([
  ['{"dims":[4],"strides":[2]}', 'config.dims', '2 entries', '[4]'],
  ['{"variant":"vanillanet_4"}', 'config.variant', 'one of', 'vanillanet_4'],
  ['{"__proto__":{"variant":"vanillanet_5"}}', 'config.__proto__', 'one of the keys', 'unknown key'],
])('readConfig refuses an invalid key: %s', (text, op, expected, got) => {
  expect(() => readConfig(new Map([['vanillanet', text]]))).toThrow(refusal(ParamError, op, expected, got));
});

test('configOf refuses a checkpoint, with the files to pass instead', () => {
  const metadata = new Map([...writeConfig(resolveConfig({ variant: 'vanillanet_5' })), ['vanillanet.training', '{}']]);
  expect(() => configOf({ names: new Map(), metadata }, undefined, 'last.ckpt')).toThrow(
    expect.objectContaining({
      ...{ name: 'WeightsError', op: 'last.ckpt', expected: 'the weights of a network' },
      got: 'a checkpoint of a training run',
      hint: expect.stringContaining('Of a run, pass best-fusable.safetensors'),
    }),
  );
});
