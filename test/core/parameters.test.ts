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

/** The initial weights of the reference, whose names and shapes come from independent code. */
const initialState = (config: ModelConfig): StateDict =>
  stateFromOracle(initialize(toOracleConfig(config), { seed: 1 }));

describe('the tensors of a network', () => {
  const networks: [string, ModelConfigInput][] = [
    ['plain', PLAIN],
    ['ada', { ...PLAIN, ada_pool: [5, 0] }],
    ['no series', { ...PLAIN, act_num: 0 }],
    ['one stage, gray', { dims: [3, 5], strides: [1], in_chans: 1, num_classes: 1 }],
  ];
  test.each(networks.flatMap(([name, input]) => FORMS.map((form) => [name, form, input] as const)))(
    '%s, %s form: names, order and shapes are those of the reference',
    (_, form, input) => {
      const config = resolveConfig({ ...input, form });
      const expected = [...initialState(config)].map(([name, { shape }]) => [name, shape]);
      expect([...parameterShapes(config)]).toEqual(expected);
    },
  );

  test('running statistics and counters are buffers', () => {
    const buffers = [...parameterShapes(resolveConfig(PLAIN)).keys()].filter(isBuffer);
    // Three per norm: three norms in the stem, three in each of two stages, one in the head.
    expect(buffers).toHaveLength(30);
    expect(buffers.slice(0, 3)).toEqual(
      ['running_mean', 'running_var', 'num_batches_tracked'].map((part) => `stem1.1.${part}`),
    );
  });
});

describe('checkState', () => {
  const train = resolveConfig(PLAIN);
  const deploy = resolveConfig({ ...PLAIN, form: 'deploy' });

  /** The initial weights of the train form with some tensors replaced or added, or removed if null. */
  function withChanges(changes: Readonly<Record<string, Tensor | null>>): StateDict {
    const state = new Map(initialState(train));
    for (const [name, tensor] of Object.entries(changes)) {
      if (tensor === null) state.delete(name);
      else state.set(name, tensor);
    }
    return state;
  }
  const vector = (...values: number[]): Tensor => ({ data: Float64Array.from(values), shape: [values.length] });

  test.each([train, deploy])('accepts the weights of the network', (config) => {
    expect(() => {
      checkState(initialState(config), config);
    }).not.toThrow();
    expect(formOf(initialState(config))).toBe(config.form);
  });

  test('accepts a state without num_batches_tracked', () => {
    const names = [...initialState(train).keys()].filter((name) => name.endsWith('.num_batches_tracked'));
    expect(names).toHaveLength(10);
    const without = withChanges(Object.fromEntries(names.map((name) => [name, null])));
    expect(() => {
      checkState(without, train);
    }).not.toThrow();
  });

  const bias = 'stages.1.conv2.0.bias';
  const eight = (value: number, at: number): Tensor => vector(...Array<number>(8).fill(0).with(at, value));
  const invalidStates: [string, StateDict, ModelConfig, string, string, string][] = [
    ['lacks a bias', withChanges({ [bias]: null }), train, bias, 'a tensor [8]', 'none of that name'],
    [
      'lacks a statistic',
      withChanges({ 'cls1.3.running_var': null }),
      train,
      'cls1.3.running_var',
      'a tensor [3]',
      'none',
    ],
    [
      'has an additional tensor',
      withChanges({ 'stages.2.x': vector(1) }),
      train,
      'stages.2.x',
      'only the tensors',
      'one tensor more',
    ],
    ['has a tensor of another length', withChanges({ [bias]: vector(1, 2) }), train, bias, '[8]', '[2]'],
    [
      'has a tensor of another rank',
      withChanges({ 'cls2.0.weight': { data: new Float64Array(9), shape: [3, 3] } }),
      train,
      'cls2.0.weight',
      '[3,3,1,1]',
      '[3,3]',
    ],
    [
      'has too few values',
      withChanges({ [bias]: { ...vector(1), shape: [8] } }),
      train,
      bias,
      'the values of [8]',
      '1 values',
    ],
    ['contains NaN', withChanges({ [bias]: eight(NaN, 7) }), train, bias, 'finite weights', 'NaN at element 7'],
    [
      'contains -Infinity',
      withChanges({ [bias]: eight(-Infinity, 0) }),
      train,
      bias,
      'finite weights',
      '-Infinity at element 0',
    ],
    [
      'is of another architecture',
      new Map([['conv1.weight', vector(1)]]),
      train,
      'weights',
      'the tensors of a VanillaNet',
      'conv1.weight',
    ],
    ['is empty', new Map(), deploy, 'weights', 'the tensors of a VanillaNet', 'no tensors'],
    ['is not fused', initialState(train), deploy, 'weights', 'the deploy form', 'the train form'],
    ['is fused', initialState(deploy), train, 'weights', 'the train form', 'the deploy form'],
  ];
  test.each(invalidStates)('refuses a state that %s', (_, state, config, op, expected, got) => {
    expect(() => {
      checkState(state, config);
    }).toThrow(refusal(WeightsError, op, expected, got));
  });
});

test('checkState refuses a train form for a deploy configuration with a hint', () => {
  expect(() => {
    checkState(initialState(resolveConfig(PLAIN)), resolveConfig({ ...PLAIN, form: 'deploy' }));
  }).toThrow(expect.objectContaining({ got: 'the train form', hint: 'Fuse it first: vanillanet fuse IN OUT.' }));
});

describe('checkValues', () => {
  const check = (data: Float32Array | Float64Array): void => {
    checkValues('stem.0.weight', data, 100, undefined);
  };
  const LARGEST = { Float32Array: 3.4028234663852886e38, Float64Array: Number.MAX_VALUE };

  describe.each([Float32Array, Float64Array])('%p', (Floats) => {
    const { BYTES_PER_ELEMENT } = Floats;
    const largest = LARGEST[Floats.name as keyof typeof LARGEST];

    test.each([0, -0, 2 ** -149, -(2 ** -149), largest, -largest])('accepts %p', (value) => {
      check(new Floats(9).fill(value));
    });

    test.each([NaN, Infinity, -Infinity])('refuses %p at any position', (value) => {
      for (let i = 0; i < 9; i++) {
        // A view into a larger buffer, as in a stream.
        const data = new Floats(new ArrayBuffer(12 * BYTES_PER_ELEMENT), BYTES_PER_ELEMENT, 9).fill(-largest);
        data[i] = value;
        expect(() => {
          check(data);
        }).toThrow(refusal(WeightsError, 'stem.0.weight', 'finite weights', `${value} at element ${100 + i}`));
      }
    });
  });

  test('refuses a NaN of either sign and any payload', () => {
    for (const bits of [0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff, 0x7fffffff]) {
      expect(() => {
        check(new Float32Array(Uint32Array.of(0, bits).buffer));
      }).toThrow(refusal(WeightsError, 'stem.0.weight', 'finite weights', 'NaN at element 101'));
    }
  });
});
