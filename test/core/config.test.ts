import { describe, expect, test } from '@jest/globals';
import {
  resolveConfig,
  VARIANTS,
  type ModelConfigInput,
  type ModelConfig,
  type VariantName,
} from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { refusal } from '../io/refusal.js';

const SIZES = { dims: [4, 6, 8], strides: [2, 1] };

/** The defaults of the official code, for all keys except the sizes. */
const DEFAULTS = {
  ada_pool: null,
  article_stem: false,
  in_chans: 3,
  num_classes: 1000,
  act_num: 3,
  drop_rate: 0,
  form: 'train',
  lambda: null,
  input_size: [224, 224],
  crop_pct: 0.875,
  interpolation: 'bicubic',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  class_names: null,
};

describe('missing keys', () => {
  test('get the official defaults', () => {
    expect(resolveConfig(SIZES)).toEqual({ ...SIZES, ...DEFAULTS });
    const absent = Object.fromEntries(Object.keys(DEFAULTS).map((key) => [key, undefined]));
    expect(resolveConfig({ ...SIZES, ...absent })).toEqual({ ...SIZES, ...DEFAULTS });
  });

  test.each(Object.entries(VARIANTS))('get the sizes of the variant %s', (variant, sizes) => {
    expect(resolveConfig({ variant })).toEqual({ variant, ...DEFAULTS, ...sizes });
  });

  test.each([1, 4])('get mean 0 and std 1 for %d channels; the ImageNet values apply to 3', (in_chans) => {
    const { mean, std } = resolveConfig({ ...SIZES, in_chans });
    expect([mean, std]).toEqual([Array<number>(in_chans).fill(0), Array<number>(in_chans).fill(1)]);
  });
});

describe('valid values', () => {
  const accepted: [keyof ModelConfig, unknown][] = [
    ['ada_pool', [3, 0]],
    ['ada_pool', [0, 0]],
    ['ada_pool', null],
    ['article_stem', true],
    ['num_classes', 1],
    ['act_num', 0],
    ['act_num', 5],
    ['drop_rate', 0],
    ['drop_rate', 0.999],
    ['form', 'deploy'],
    ['lambda', 0],
    ['lambda', 1],
    ['lambda', null],
    ['input_size', [64, 97]],
    ['crop_pct', 1],
    ['interpolation', 'bilinear'],
    ['mean', [0, -1, 2]],
    ['std', [1e-3, 1, 2]],
    ['class_names', null],
  ];
  test.each(accepted)('%s may be %j', (key, value) => {
    expect(resolveConfig({ ...SIZES, [key]: value })).toEqual({ ...SIZES, ...DEFAULTS, [key]: value });
  });

  test('input_size may be one number, for a square', () => {
    expect(resolveConfig({ ...SIZES, input_size: 64 }).input_size).toEqual([64, 64]);
  });

  test('class_names has one name for each class', () => {
    const named = resolveConfig({ ...SIZES, num_classes: 2, class_names: ['cat', ''] });
    expect(named.class_names).toEqual(['cat', '']);
  });

  test('resolving a resolved configuration does not change it', () => {
    for (const input of [SIZES, { variant: 'vanillanet_5', num_classes: 10, lambda: 0 }, { ...SIZES, in_chans: 1 }]) {
      const resolved = resolveConfig(input);
      expect(resolveConfig(resolved)).toEqual(resolved);
    }
  });
});

describe('a variant combined with other keys', () => {
  const five = VARIANTS.vanillanet_5;
  const ada = VARIANTS.vanillanet_13_x1_5_ada_pool;
  const cases: [string, VariantName, ModelConfigInput, boolean][] = [
    ['the same dims', 'vanillanet_5', { dims: five.dims, strides: five.strides }, true],
    ['another classifier', 'vanillanet_5', { num_classes: 10, act_num: 1 }, true],
    ['other dims', 'vanillanet_5', { dims: [8, 16, 32, 64] }, false],
    ['other strides', 'vanillanet_5', { strides: [2, 2, 1] }, false],
    ['the same pools', 'vanillanet_13_x1_5_ada_pool', { ada_pool: ada.ada_pool }, true],
    ['no pools', 'vanillanet_13_x1_5_ada_pool', { ada_pool: null }, false],
    ['pools', 'vanillanet_5', { ada_pool: [0, 0, 7] }, false],
  ];
  test.each(cases)('%s', (_, variant, overrides, keepsName) => {
    const resolved = resolveConfig({ variant, ...overrides });
    expect(resolved).toMatchObject(overrides);
    expect(Object.hasOwn(resolved, 'variant')).toBe(keepsName);
    if (keepsName) expect(resolved.variant).toBe(variant);
  });
});

describe('resolveConfig refuses', () => {
  const sizes = (more: object): object => ({ ...SIZES, ...more });
  const list = (key: 'dims' | 'strides' | 'ada_pool'): string =>
    `a list of at most 1001 integers in ${{ dims: '[1, 1048576]', strides: '[1, 65536]', ada_pool: '[0, 65536]' }[key]}`;
  const many = (length: number): number[] => Array.from({ length }, () => 1);
  const cases: [ModelConfigInput, string, string, string][] = [
    [{}, 'strides', list('strides'), 'undefined'],
    [{ strides: [2] }, 'dims', list('dims'), 'undefined'],
    [{ variant: 'vanillanet_4' }, 'variant', 'one of vanillanet_5, vanillanet_6', '"vanillanet_4"'],
    [{ variant: 'toString' }, 'variant', 'one of', '"toString"'],
    [{ variant: 5 }, 'variant', 'one of', '5'],
    [{ variant: null }, 'variant', 'one of', 'null'],
    [sizes({ dims: [] }), 'dims', list('dims'), '[]'],
    [sizes({ dims: 4 }), 'dims', list('dims'), '4'],
    [sizes({ dims: [4, 6, 0] }), 'dims', list('dims'), '[4,6,0]'],
    [sizes({ dims: [4, 6, '8'] }), 'dims', list('dims'), '[4,6,"8"]'],
    [sizes({ dims: [4, 6.5, 8] }), 'dims', list('dims'), '[4,6.5,8]'],
    [sizes({ dims: [4, 6] }), 'dims', '3 entries, one more than strides [2,1]', '[4,6]'],
    [sizes({ strides: [] }), 'strides', list('strides'), '[]'],
    [sizes({ strides: [2, 0] }), 'strides', list('strides'), '[2,0]'],
    [{ variant: 'vanillanet_5', strides: [2, 2] }, 'dims', '3 entries', '[512,1024,2048,4096]'],
    [sizes({ ada_pool: [] }), 'ada_pool', list('ada_pool'), '[]'],
    [sizes({ ada_pool: [0, -1] }), 'ada_pool', list('ada_pool'), '[0,-1]'],
    [sizes({ ada_pool: [0, 1, 2] }), 'ada_pool', '2 entries, one for each stage', '[0,1,2]'],
    [sizes({ ada_pool: false }), 'ada_pool', list('ada_pool'), 'false'],
    [sizes({ article_stem: 1 }), 'article_stem', 'true or false', '1'],
    [sizes({ article_stem: null }), 'article_stem', 'true or false', 'null'],
    [sizes({ in_chans: 0 }), 'in_chans', 'an integer in [1, 65536]', '0'],
    [sizes({ in_chans: 65_537 }), 'in_chans', 'an integer in [1, 65536]', '65537'],
    [sizes({ in_chans: 1_000_000_000 }), 'in_chans', 'an integer in [1, 65536]', '1000000000'],
    [sizes({ num_classes: 0 }), 'num_classes', 'an integer in [1, 16777216]', '0'],
    [sizes({ num_classes: 2 ** 24 + 1 }), 'num_classes', 'an integer in [1, 16777216]', '16777217'],
    [sizes({ num_classes: '10' }), 'num_classes', 'an integer in [1, 16777216]', '"10"'],
    [sizes({ act_num: -1 }), 'act_num', 'an integer in [0, 100]', '-1'],
    [sizes({ act_num: 101 }), 'act_num', 'an integer in [0, 100]', '101'],
    [sizes({ act_num: 1.5 }), 'act_num', 'an integer in [0, 100]', '1.5'],
    [sizes({ drop_rate: 1 }), 'drop_rate', 'a number in [0, 1)', '1'],
    [sizes({ drop_rate: -0.1 }), 'drop_rate', 'a number in [0, 1)', '-0.1'],
    [sizes({ drop_rate: NaN }), 'drop_rate', 'a number in [0, 1)', 'NaN'],
    [sizes({ form: 'fused' }), 'form', "'train' or 'deploy'", '"fused"'],
    [sizes({ form: null }), 'form', "'train' or 'deploy'", 'null'],
    [sizes({ lambda: 1.01 }), 'lambda', 'a number in [0, 1]', '1.01'],
    [sizes({ lambda: -0.01 }), 'lambda', 'a number in [0, 1]', '-0.01'],
    [sizes({ lambda: NaN }), 'lambda', 'a number in [0, 1]', 'NaN'],
    [sizes({ lambda: '1' }), 'lambda', 'a number in [0, 1]', '"1"'],
    [sizes({ input_size: 0 }), 'input_size', '[height, width], integers in [1, 65536]', '0'],
    [sizes({ input_size: 65_537 }), 'input_size', 'integers in [1, 65536]', '65537'],
    [sizes({ input_size: [8, 1e9] }), 'input_size', 'integers in [1, 65536]', '[8,1000000000]'],
    [sizes({ dims: [4, 6, 2 ** 20 + 1] }), 'dims', list('dims'), '1048577'],
    [sizes({ strides: [1, 65_537] }), 'strides', list('strides'), '65537'],
    [sizes({ ada_pool: [0, 65_537] }), 'ada_pool', list('ada_pool'), '65537'],
    [sizes({ input_size: [32] }), 'input_size', '[height, width]', '[32]'],
    [sizes({ input_size: [3, 32, 32] }), 'input_size', '[height, width]', '[3,32,32]'],
    [sizes({ input_size: [32, 31.5] }), 'input_size', '[height, width]', '[32,31.5]'],
    [sizes({ mean: [0.5] }), 'mean', '3 finite numbers, one for each channel', '[0.5]'],
    [sizes({ mean: [0, 0, Infinity] }), 'mean', '3 finite numbers', '['],
    [sizes({ mean: 0.5 }), 'mean', '3 finite numbers', '0.5'],
    [sizes({ in_chans: 1, std: [1, 1, 1] }), 'std', '1 finite positive numbers', '[1,1,1]'],
    [sizes({ std: [1, 1, 0] }), 'std', '3 finite positive numbers', '[1,1,0]'],
    [sizes({ std: ['1', 1, 1] }), 'std', '3 finite positive numbers', '["1",1,1]'],
    [sizes({ class_names: 'cat' }), 'class_names', 'a list of strings', '"cat"'],
    [sizes({ class_names: ['cat', 1], num_classes: 2 }), 'class_names', 'a list of strings', '["cat",1]'],
    [sizes({ class_names: ['cat'], num_classes: 2 }), 'class_names', '2 names, one for each class', '1 names'],
    [sizes({ dim: [4] }), 'dim', 'one of the keys variant, dims, strides', 'unknown key'],
  ];
  test.each(cases)('%j', (input, key, expected, got) => {
    expect(() => resolveConfig(input)).toThrow(refusal(ParamError, `config.${key}`, expected, got));
  });

  test('long lists', () => {
    const long: typeof cases = [
      [sizes({ dims: many(1002), strides: many(1001) }), 'dims', list('dims'), '[1,1,'],
      [sizes({ dims: many(1_000_001), strides: many(1_000_000) }), 'strides', list('strides'), '[1,1,'],
      [sizes({ class_names: Array(10_000_000) }), 'class_names', '1000 names, one for each class', '10000000 names'],
    ];
    for (const [input, key, expected, got] of long) {
      expect(() => resolveConfig(input)).toThrow(refusal(ParamError, `config.${key}`, expected, got));
    }
  });

  test.each<[string, ModelConfigInput, ModelConfigInput]>([
    ['stages', { dims: many(1001), strides: many(1000) }, { strides: many(1000) }],
    ['sizes', sizes({ dims: [1, 1, 2 ** 20], strides: [1, 2 ** 16] }), { dims: [1, 1, 2 ** 20] }],
    [
      'inputs',
      sizes({ in_chans: 2 ** 16, input_size: 2 ** 16 }),
      { in_chans: 2 ** 16, input_size: [2 ** 16, 2 ** 16] },
    ],
    ['outputs', sizes({ num_classes: 2 ** 24, act_num: 100 }), { num_classes: 2 ** 24, act_num: 100 }],
  ])('nothing that is as large as allowed: %s', (_, input, expected) => {
    expect(resolveConfig(input)).toMatchObject(expected);
  });

  test.each(['null', '[]', '"vanillanet_5"', '5'])('%s instead of an object', (json) => {
    const input = JSON.parse(json) as ModelConfigInput;
    expect(() => resolveConfig(input)).toThrow(refusal(ParamError, 'config', 'an object', json));
  });
});
