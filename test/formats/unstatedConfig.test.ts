import { describe, expect, test } from '@jest/globals';
import { resolveConfig, type ModelConfigInput } from '../../src/core/config.js';
import { VanillaNetError } from '../../src/core/errors.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { architectureOf } from '../../src/formats/architecture.js';
import { unstatedConfig } from '../../src/formats/unstatedConfig.js';

const X1_5 = { dims: [768, 768, 1536, 3072, 3072, 3072, 3072, 3072, 3072, 3072, 6144, 6144] };

describe.each<[string, ModelConfigInput, ModelConfigInput]>([
  ['a train form without lambda', { dims: [4, 8], strides: [2] }, {}],
  ['lambda', { dims: [4, 8], strides: [2], lambda: 0.5 }, { lambda: 0.5 }],
  ['a deploy form', { dims: [4, 8], strides: [2], form: 'deploy', lambda: 1 }, {}],
  ['strides', { dims: [4, 8], strides: [1], lambda: 1 }, { strides: [1], lambda: 1 }],
  ['a variant', { variant: 'vanillanet_5' }, {}],
  ['strides with the channels of a variant', { variant: 'vanillanet_5', strides: [2, 2, 1] }, { strides: [2, 2, 1] }],
  ['one of two variants', { variant: 'vanillanet_13_x1_5' }, { variant: 'vanillanet_13_x1_5' }],
  ['the other', { variant: 'vanillanet_13_x1_5_ada_pool' }, { variant: 'vanillanet_13_x1_5_ada_pool' }],
  [
    'other strides with their channels',
    { ...X1_5, strides: Array<number>(11).fill(1) },
    { strides: Array<number>(11).fill(1), ada_pool: null },
  ],
  [
    'the preparation of images',
    { dims: [4, 8], strides: [2], input_size: 32, mean: [0, 0, 0], drop_rate: 0.1 },
    { input_size: [32, 32], mean: [0, 0, 0], drop_rate: 0.1, crop_pct: 1 },
  ],
  ['names of classes', { dims: [4, 8], strides: [2], num_classes: 2, class_names: ['a', 'b'] }, { class_names: ['a', 'b'] }], // prettier-ignore
])('%s', (_, input, expected) => {
  const shape = { num_classes: 10, form: 'train' };
  const whole = resolveConfig({ ...shape, ...input });
  const stated = unstatedConfig(whole);

  test('the keys', () => {
    expect(stated).toEqual(expected);
  });

  test('with them, a reader of the tensors has the same configuration', () => {
    const { config } = architectureOf(parameterShapes(whole), {}, stated, 'net.pth');
    expect(config).toEqual(whole);
  });
});

test('a lambda that is unknown is not stated', () => {
  expect(
    unstatedConfig(resolveConfig({ dims: [4, 8], strides: [2], form: 'deploy', num_classes: 2, lambda: null })),
  ).toEqual({});
});

test('an invalid configuration is refused', () => {
  const config = resolveConfig({ dims: [4, 8], strides: [2] });
  expect(() => unstatedConfig({ ...config, act_num: -1 })).toThrow(VanillaNetError);
});

test('names of ImageNet are found again, and none of a thousand classes are stated', () => {
  const base = { dims: [4, 8], strides: [2], form: 'deploy', lambda: 1, num_classes: 1000 };
  const { config } = architectureOf(parameterShapes(resolveConfig(base)), {}, {}, 'net.pth');
  expect(config.class_names).toHaveLength(1000);
  expect(unstatedConfig(config)).toEqual({});
  expect(unstatedConfig(resolveConfig(base))).toEqual({ class_names: null });
});
