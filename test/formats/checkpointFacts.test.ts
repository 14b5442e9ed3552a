/** What checkpoints say beside their tensors. */
import { describe, expect, test } from '@jest/globals';
import { factsOf, writerOf } from '../../src/formats/checkpointFacts.js';
import type { FileFacts } from '../../src/formats/foreignFile.js';
import { PickleObject, type PickleDict, type PickleValue } from '../../src/io/pickle/pickleValues.js';

const dict = (items: Readonly<Record<string, PickleValue>>): PickleDict => new Map(Object.entries(items));
const namespace = (items: Readonly<Record<string, PickleValue>>): PickleObject =>
  Object.assign(new PickleObject('argparse.Namespace', []), { state: dict(items) });

const ARGS = {
  ...{ model: 'vanillanet_5', decay_epochs: 100, decay_linear: false, nb_classes: 10, act_num: 3 },
  ...{ input_size: 224, crop_pct: 0.875, drop: 0.05 },
};

describe('the facts', () => {
  test.each<[string, PickleValue]>([
    ['of a Namespace', dict({ epoch: 7, args: namespace(ARGS), model: dict({}) })],
    ['of a dict', dict({ epoch: 7, args: dict(ARGS) })],
    ['below one wrapper', dict({ checkpoint: dict({ epoch: 7, args: namespace(ARGS), model: dict({}) }), version: 1 })],
    ['below one of several dicts', dict({ meta: dict({ epoch: 7, args: dict(ARGS) }), model: dict({}) })],
    ['beside the state of an optimizer', dict({ a: dict({ epoch: 7, args: dict(ARGS) }), optimizer: dict({ epoch: 8 }) })], // prettier-ignore
  ])('%s', (_, checkpoint) => {
    expect(factsOf(checkpoint)).toEqual({ epoch: 7, ...ARGS });
  });

  test.each<[string, PickleValue, FileFacts]>([
    ['only an epoch', dict({ epoch: 0 }), { epoch: 0 }],
    ['only arguments below a wrapper', dict({ a: dict({ args: dict({ drop: 0 }) }) }), { drop: 0 }],
    ['those of the outermost dict alone', dict({ epoch: 1, a: dict({ args: dict(ARGS) }) }), { epoch: 1 }],
    ['none of two dicts that differ', dict({ a: dict({ epoch: 1 }), b: dict({ epoch: 2 }) }), {}],
    ['none below two wrappers', dict({ a: dict({ b: dict({ epoch: 1 }) }) }), {}],
    ['none of an optimizer', dict({ scaler: dict({ epoch: 1 }) }), {}],
    ['none of another value', 3, {}],
    ['none of other objects', dict({ args: Object.assign(new PickleObject('m.Args', []), { state: dict(ARGS) }) }), {}],
    ['no defaults of None, but that of the crop', dict({ epoch: null, args: dict({ drop: null, model: null, crop_pct: null }) }), { crop_pct: null }], // prettier-ignore
  ])('are %s', (_, checkpoint, expected) => {
    expect(factsOf(checkpoint)).toEqual(expected);
  });

  test.each<[keyof typeof ARGS, readonly PickleValue[], readonly (readonly [PickleValue, string])[]]>([
    [
      'model',
      ['', 'x'],
      [
        [1, '1'],
        [true, 'True'],
      ],
    ],
    [
      'decay_epochs',
      [0, 99.5],
      [
        [-1, '-1'],
        [NaN, 'NaN'],
        ['1', '"1"'],
        [true, 'True'],
      ],
    ],
    [
      'decay_linear',
      [true, false],
      [
        [1, '1'],
        ['yes', '"yes"'],
      ],
    ],
    [
      'nb_classes',
      [1, 1000],
      [
        [0, '0'],
        [1.5, '1.5'],
        [2n ** 64n, 'the number 18446744073709551616'],
      ],
    ],
    [
      'act_num',
      [0, 3],
      [
        [-1, '-1'],
        [0.5, '0.5'],
      ],
    ],
    [
      'input_size',
      [1, 65536],
      [
        [0, '0'],
        [224.5, '224.5'],
        [65537, '65537'],
        [[224, 224], 'a list or tuple'],
      ],
    ],
    [
      'crop_pct',
      [0.01, 1],
      [
        [0, '0'],
        [1.01, '1.01'],
        [-1, '-1'],
        ['1', '"1"'],
      ],
    ],
    [
      'drop',
      [0, 0.99],
      [
        [1, '1'],
        [-0.1, '-0.1'],
        [Infinity, 'Infinity'],
      ],
    ],
  ])('%s has a range, and is left out and listed beyond it', (name, good, bad) => {
    // prettier-ignore
    for (const value of good) expect(factsOf(dict({ args: dict({ [name]: value }) }))).toEqual({ [name]: value });
    for (const [value, text] of bad) {
      expect(factsOf(dict({ epoch: 1, args: dict({ [name]: value }) }))).toEqual({
        ...{ epoch: 1, ignored: [`args.${name} ${text}`] },
      });
    }
  });

  test('an epoch is an integer from 0 on', () => {
    const bad: [PickleValue, string][] = [[-1, '-1'], [0.5, '0.5'], ['50', '"50"'], [new PickleObject('m.T', []), 'an object of m.T']]; // prettier-ignore
    for (const [value, text] of bad) expect(factsOf(dict({ epoch: value }))).toEqual({ ignored: [`epoch ${text}`] });
  });
});

test.each<[string, PickleValue, string | null]>([
  ['Lightning', dict({ 'pytorch-lightning_version': '2.5.1', state_dict: dict({}) }), 'PyTorch Lightning 2.5.1'],
  ['a long version', dict({ 'pytorch-lightning_version': 'a'.repeat(50) }), `PyTorch Lightning ${'a'.repeat(40)}`],
  ['a version that is no text', dict({ 'pytorch-lightning_version': 2 }), null],
  ['timm', dict({ arch: 'v', version: 2, args: namespace({}), state_dict: dict({}) }), "timm's train.py"],
  ['an arch that is no text', dict({ arch: 1, version: 2, args: namespace({}), state_dict: dict({}) }), null],
  ['no version', dict({ arch: 'v', args: namespace({}), state_dict: dict({}) }), null],
  ['no arguments', dict({ arch: 'v', version: 2, state_dict: dict({}) }), null],
  ['no state_dict', dict({ arch: 'v', version: 2, args: namespace({}) }), null],
  [
    'the official code',
    dict({ model: dict({}), scaler: dict({}), args: namespace(ARGS) }),
    "VanillaNet's official code",
  ],
  ['another network', dict({ model: dict({}), scaler: dict({}), args: namespace({ model: 'convnext' }) }), null],
  ['no scaler', dict({ model: dict({}), args: namespace(ARGS) }), null],
  ['no model', dict({ scaler: dict({}), args: namespace(ARGS) }), null],
  ['arguments in a dict', dict({ model: dict({}), scaler: dict({}), args: dict(ARGS) }), null],
  ['no network in the arguments', dict({ model: dict({}), scaler: dict({}), args: namespace({}) }), null],
  ['no dict', 1, null],
])('the writer: %s', (_, checkpoint, writer) => {
  expect(writerOf(checkpoint)).toBe(writer);
});
