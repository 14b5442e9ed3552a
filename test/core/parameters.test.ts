import { describe, expect, test } from '@jest/globals';
import { initialize } from '../../reference/index.js';
import { resolveConfig, type Form, type ModelConfigInput, type ModelConfig } from '../../src/core/config.js';
import { WeightsError } from '../../src/core/errors.js';
import { checkState, checkValues, formOf, isBuffer, parameterShapes } from '../../src/core/parameters.js';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { toOracleConfig } from '../../src/oracle/backend.js';
import { stateFromOracle } from '../../src/oracle/state.js';
import { refusal } from '../io/refusal.js';

const PLAIN = { dims: [4, 6, 8], strides: [2, 1], num_classes: 3, act_num: 1 };
const FORMS: readonly Form[] = ['train', 'deploy'];

/** The oracle's fresh weights: the tensors a network has, from another source. */
const freshState = (config: ModelConfig): StateDict => stateFromOracle(initialize(toOracleConfig(config), { seed: 1 }));

describe('the tensors of a network', () => {
  const networks: [string, ModelConfigInput][] = [
    ['plain', PLAIN],
    ['ada', { ...PLAIN, ada_pool: [5, 0] }],
    ['no series', { ...PLAIN, act_num: 0 }],
    ['one stage, gray', { dims: [3, 5], strides: [1], in_chans: 1, num_classes: 1 }],
  ];
  test.each(networks.flatMap(([name, given]) => FORMS.map((form) => [name, form, given] as const)))(
    '%s, %s form: names, order and shapes are those of the oracle',
    (_, form, given) => {
      const config = resolveConfig({ ...given, form });
      const oracle = [...freshState(config)].map(([name, { shape }]) => [name, shape]);
      expect([...parameterShapes(config)]).toEqual(oracle);
    },
  );

  test('statistics are no parameters', () => {
    const buffers = [...parameterShapes(resolveConfig(PLAIN)).keys()].filter(isBuffer);
    // 3 of each norm: 3 in the stem, 3 in each of two stages, 1 in the head.
    expect(buffers).toHaveLength(30);
    expect(buffers.slice(0, 3)).toEqual(
      ['running_mean', 'running_var', 'num_batches_tracked'].map((part) => `stem1.1.${part}`),
    );
  });
});

describe('a state', () => {
  const train = resolveConfig(PLAIN);
  const deploy = resolveConfig({ ...PLAIN, form: 'deploy' });

  /** The train form's fresh weights, with some of them put in or taken out. */
  function changed(changes: Readonly<Record<string, Tensor | null>>): StateDict {
    const state = new Map(freshState(train));
    for (const [name, tensor] of Object.entries(changes)) {
      if (tensor === null) state.delete(name);
      else state.set(name, tensor);
    }
    return state;
  }
  const vector = (...values: number[]): Tensor => ({ data: Float64Array.from(values), shape: [values.length] });

  test.each([train, deploy])('fits its network', (config) => {
    expect(() => {
      checkState(freshState(config), config);
    }).not.toThrow();
    expect(formOf(freshState(config))).toBe(config.form);
  });

  test('may lack num_batches_tracked, all of them', () => {
    const names = [...freshState(train).keys()].filter((name) => name.endsWith('.num_batches_tracked'));
    expect(names).toHaveLength(10);
    const without = changed(Object.fromEntries(names.map((name) => [name, null])));
    expect(() => {
      checkState(without, train);
    }).not.toThrow();
  });

  const bias = 'stages.1.conv2.0.bias';
  const eight = (value: number, at: number): Tensor => vector(...Array<number>(8).fill(0).with(at, value));
  const refused: [string, StateDict, ModelConfig, string, string, string][] = [
    ['lacks one', changed({ [bias]: null }), train, bias, 'a tensor [8]', 'none of that name'],
    ['lacks a statistic', changed({ 'cls1.3.running_var': null }), train, 'cls1.3.running_var', 'a tensor [3]', 'none'],
    ['has one more', changed({ 'stages.2.x': vector(1) }), train, 'stages.2.x', 'only the tensors', 'one tensor more'],
    ['has another length', changed({ [bias]: vector(1, 2) }), train, bias, '[8]', '[2]'],
    [
      'has another rank',
      changed({ 'cls2.0.weight': { data: new Float64Array(9), shape: [3, 3] } }),
      train,
      'cls2.0.weight',
      '[3,3,1,1]',
      '[3,3]',
    ],
    [
      'has too few numbers',
      changed({ [bias]: { ...vector(1), shape: [8] } }),
      train,
      bias,
      'the values of [8]',
      '1 values',
    ],
    ['has NaN', changed({ [bias]: eight(NaN, 7) }), train, bias, 'finite weights', 'NaN at element 7'],
    ['is infinite', changed({ [bias]: eight(-Infinity, 0) }), train, bias, 'finite weights', '-Infinity at element 0'],
    [
      'is foreign',
      new Map([['conv1.weight', vector(1)]]),
      train,
      'weights',
      'the tensors of a VanillaNet',
      'conv1.weight',
    ],
    ['is empty', new Map(), deploy, 'weights', 'the tensors of a VanillaNet', 'no tensors'],
    ['is not fused', freshState(train), deploy, 'weights', 'the deploy form', 'the train form'],
    ['is fused', freshState(deploy), train, 'weights', 'the train form', 'the deploy form'],
  ];
  test.each(refused)('%s: refused', (_, state, config, op, expected, got) => {
    expect(() => {
      checkState(state, config);
    }).toThrow(refusal(WeightsError, op, expected, got));
  });
});

test('a train form in the place of a deploy form is refused with the remedy', () => {
  expect(() => {
    checkState(freshState(resolveConfig(PLAIN)), resolveConfig({ ...PLAIN, form: 'deploy' }));
  }).toThrow(expect.objectContaining({ got: 'the train form', hint: 'Fuse it first: vanillanet fuse IN OUT.' }));
});

describe('values', () => {
  const check = (data: Float32Array | Float64Array): void => {
    checkValues('stem.0.weight', data, 100, undefined);
  };
  const LARGEST = { Float32Array: 3.4028234663852886e38, Float64Array: Number.MAX_VALUE };

  describe.each([Float32Array, Float64Array])('%p', (Floats) => {
    const { BYTES_PER_ELEMENT } = Floats;
    const largest = LARGEST[Floats.name as keyof typeof LARGEST];

    test.each([0, -0, 2 ** -149, -(2 ** -149), largest, -largest])('%p is one', (value) => {
      check(new Floats(9).fill(value));
    });

    test.each([NaN, Infinity, -Infinity])('%p is none, wherever it is', (value) => {
      for (let i = 0; i < 9; i++) {
        // A part of a larger block, as they come out of a stream.
        const data = new Floats(new ArrayBuffer(12 * BYTES_PER_ELEMENT), BYTES_PER_ELEMENT, 9).fill(-largest);
        data[i] = value;
        expect(() => {
          check(data);
        }).toThrow(refusal(WeightsError, 'stem.0.weight', 'finite weights', `${value} at element ${100 + i}`));
      }
    });
  });

  test('a NaN of either sign and any payload is none', () => {
    for (const bits of [0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff, 0x7fffffff]) {
      expect(() => {
        check(new Float32Array(Uint32Array.of(0, bits).buffer));
      }).toThrow(refusal(WeightsError, 'stem.0.weight', 'finite weights', 'NaN at element 101'));
    }
  });
});
