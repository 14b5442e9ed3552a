/** Values of options: what is accepted, what is refused, and what the usage error says. */
import { describe, expect, test } from '@jest/globals';
import { Command, InvalidArgumentError } from 'commander';
import {
  byteCount,
  imageSize,
  integer,
  integers,
  number,
  numberIn,
  numbers,
  parts,
  size,
  variantName,
  zeroOr,
} from '../../src/cli/arguments.js';
import { dtypeOption } from '../../src/cli/dtype.js';
import { median } from '../../src/cli/median.js';
import { networkConfig } from '../../src/cli/networkConfig.js';
import { omitUndefined } from '../../src/cli/omitUndefined.js';
import { randomWeights } from '../../src/cli/randomWeights.js';
import { table, threeDigits } from '../../src/cli/print.js';
import { resolveConfig, VARIANTS } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import { refusal } from '../io/refusal.js';

type Parse = (text: string) => unknown;

test.each<[string, Parse, [string, unknown][], string[], string]>([
  [
    'integer(2)',
    integer(2),
    [
      ['2', 2],
      ['1e3', 1000],
      [' 7 ', 7],
    ],
    ['1', '', ' ', '2.5', 'x', '9007199254740992', '-3', 'Infinity'],
    'Expected an integer >= 2.',
  ],
  [
    'number(0)',
    number(0),
    [
      ['0', 0],
      ['1e9', 1e9],
      ['.5', 0.5],
    ],
    ['-0.1', '', ' ', 'NaN', 'Infinity', '1,5'],
    'Expected a number >= 0.',
  ],
  [
    'number(0.5, 1)',
    number(0.5, 1),
    [
      ['0.5', 0.5],
      ['1', 1],
    ],
    ['0.49', '1.01', ''],
    'Expected a number in [0.5, 1].',
  ],
  [
    'numberIn({ above: 0, max: 1 })',
    numberIn({ above: 0, max: 1 }),
    [
      ['1e-9', 1e-9],
      ['1', 1],
    ],
    ['0', '1.01', '', ' ', 'x', 'Infinity'],
    'Expected a number in (0, 1].',
  ],
  [
    'zeroOr({ min: 0.5, max: 2 })',
    zeroOr({ min: 0.5, max: 2 }),
    [
      ['0', 0],
      ['0.0', 0],
      ['0.5', 0.5],
      ['2', 2],
    ],
    ['0.49', '2.1', '-1', '', ' ', 'x'],
    'Expected 0, or a number in [0.5, 2].',
  ],
  [
    'imageSize',
    imageSize,
    [
      ['8', [8, 8]],
      ['65535x8', [65_535, 8]],
    ],
    ['7', '8x7', '7x8'],
    'Expected a size such as 32 or 224x160, at least 8 a side.',
  ],
  [
    'integers(1)',
    integers(1),
    [
      ['16,32,64', [16, 32, 64]],
      ['1', [1]],
    ],
    ['16,', '16,0', ''],
    'Expected an integer >= 1.',
  ],
  [
    'numbers({ min: 0, max: 1 }, [2])',
    numbers({ min: 0, max: 1 }, [2]),
    [['0.6,1', [0.6, 1]]],
    ['0.6', '0,0.5,1'],
    'Expected 2 numbers.',
  ],
  [
    'numbers({ min: 0, max: 1 }, [1, 3])',
    numbers({ min: 0, max: 1 }, [1, 3]),
    [
      ['1', [1]],
      ['0,0.5,1', [0, 0.5, 1]],
    ],
    ['0,0,0,0'],
    'Expected 1 to 3 numbers.',
  ],
  ['the values of numbers', numbers({ min: 0, max: 1 }, [2]), [], ['0,1.5', '-1,0'], 'Expected a number in [0, 1].'],
  [
    'byteCount',
    byteCount,
    [
      ['1', 1],
      ['12B', 12],
      ['500kB', 500_000],
      ['1.5 MB', 1_500_000],
      ['2GB', 2e9],
      ['1KiB', 1024],
      ['24MiB', 24 * 2 ** 20],
      ['0.5GiB', 2 ** 29],
      ['1.7', 1],
      ['1.25kB', 1250],
    ],
    ['0', '0.4', '', '-1', 'k', '5k', '5 mB', 'x5B', '5Bx', '1.B', '1e30'],
    'Expected a size such as 24MiB, 500kB or a number of bytes.',
  ],
  [
    'size',
    size,
    [
      ['32', [32, 32]],
      ['224x160', [224, 160]],
      ['65535x1', [65_535, 1]],
    ],
    ['65536', '1x65536', '1x2x3'],
    'Expected a size such as 224 or 224x160, at most 65535 a side.',
  ],
  ['the sides of size', size, [], ['0x1', 'x', '32x', '1.5'], 'Expected an integer >= 1.'],
])('%s', (_, parse, valid, invalid, message) => {
  for (const [text, value] of valid) expect(parse(text)).toEqual(value);
  for (const text of invalid) {
    expect(() => parse(text)).toThrow(InvalidArgumentError);
    expect(() => parse(text)).toThrow(message);
  }
});

test('parts of a network may have spaces around them', () => {
  expect(parts(' stem , bn')).toEqual(['stem', 'bn']);
});

test('variantName', () => {
  expect(variantName('vanillanet_6')).toBe('vanillanet_6');
  const choices = `one of ${Object.keys(VARIANTS).join(', ')}`;
  expect(() => variantName('resnet')).toThrow(new InvalidArgumentError(`Expected ${choices}.`));
  const near = new InvalidArgumentError(`Expected ${choices}. Did you mean vanillanet_9?`);
  expect(() => variantName('vanilanet_9')).toThrow(near);
});

describe('a type of weights', () => {
  const parse = (names: readonly string[], text: string): unknown => {
    const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    command.addOption(dtypeOption('--dtype <type>', 'type of weights', names));
    return command.parse(['--dtype', text], { from: 'user' }).opts()['dtype'];
  };

  test('has its name or the short one', () => {
    expect(parse(['float16', 'int8'], 'f16')).toBe('float16');
    expect(parse(['float16', 'int8'], 'int8')).toBe('int8');
    expect(parse(['float64'], 'f64')).toBe('float64');
    expect(parse(['float32'], 'f32')).toBe('float32');
  });

  test('that this option does not have is refused, with those that it has', () => {
    expect(() => parse(['float16', 'int8'], 'f32')).toThrow('Allowed choices are f16, float16, int8.');
    expect(() => parse(['float16', 'int8'], 'toString')).toThrow('Allowed choices are f16, float16, int8.');
  });

  test('is described with its choices', () => {
    expect(dtypeOption('--dtype <type>', 'type', ['float16', 'int8']).description).toBe(
      'type (choices: float16, int8)',
    );
  });
});

test('the median is the middle of the sorted values, or the mean of two', () => {
  expect(median([5, 1, 100])).toBe(5);
  expect(median([4, 1, 2, 100])).toBe(3);
  expect(median([10, 9, 8, 7, 6])).toBe(8);
  expect(median([7])).toBe(7);
});

test('omitUndefined keeps other empty values', () => {
  expect(Object.entries(omitUndefined({ a: undefined, b: null, c: 0, d: '' }))).toEqual([
    ['b', null],
    ['c', 0],
    ['d', ''],
  ]);
});

test('a table aligns numbers to the right and text to the left, without spaces at the ends of lines', () => {
  const rows = [
    ['layer', 'count'],
    ['a', 1234],
    ['longer', 5],
  ];
  expect(table(rows)).toBe('layer   count\na       1,234\nlonger      5');
  expect(table([['a', 'b'], ...[['x', '']]])).toBe('a  b\nx');
  expect(
    table([
      ['n', 'mixed'],
      [1, 'x'],
      [22, 3],
    ]),
  ).toBe(' n  mixed\n 1  x\n22  3');
});

test('threeDigits writes small numbers with an exponent', () => {
  expect([0, 1e-3, 9.99e-4, -5e-7, 1234.5, -2].map(threeDigits)).toEqual([
    ...['0.00', '0.00100', '9.99e-4', '-5.00e-7', '1.23e+3', '-2.00'],
  ]);
});

describe('the network of a command', () => {
  test('is a variant, by default vanillanet_5', async () => {
    expect(await networkConfig('plan', undefined, {})).toEqual({ variant: 'vanillanet_5' });
    expect(await networkConfig('plan', 'vanillanet_9', {})).toEqual({ variant: 'vanillanet_9' });
  });

  test('is named once', async () => {
    for (const [options, got] of [
      [{ weights: 'a' }, 'vanillanet_9 and a'],
      [{ config: 'b' }, 'vanillanet_9 and b'],
      [{ weights: 'a', config: 'b' }, 'vanillanet_9 and a and b'],
    ] as const) {
      await expect(networkConfig('plan', 'vanillanet_9', options)).rejects.toThrow(
        refusal(ParamError, 'plan', 'a variant, --weights or --config', got),
      );
    }
    await expect(networkConfig('plan', 'resnet', {})).rejects.toThrow(
      refusal(ParamError, 'variant', 'vanillanet_5', 'resnet'),
    );
  });
});

test('random weights are uniform in ±1/√fan-in, and cover every parameter', async () => {
  const config = resolveConfig({ dims: [64, 160], strides: [2], num_classes: 3, input_size: 16, form: 'deploy' });
  const weights = randomWeights(config);
  const { shapes } = weights;
  const values = new Map([...shapes.keys()].map((name) => [name, [] as number[]]));
  for await (const { name, offset, data } of weights.parts()) {
    expect(offset).toBe(values.get(name)?.length);
    values.get(name)?.push(...data);
  }
  for (const [name, shape] of shapes) {
    const own = values.get(name) ?? [];
    expect(own.length).toBe(shape.reduce((a, b) => a * b, 1));
    const width = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
    const largest = own.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expect(largest).toBeLessThanOrEqual(width * (1 + 1e-6));
    if (own.length < 1000) continue;
    expect(largest).toBeGreaterThan(0.99 * width);
    expect(Math.abs(own.reduce((a, b) => a + b, 0) / own.length)).toBeLessThan(0.1 * width);
  }
});
