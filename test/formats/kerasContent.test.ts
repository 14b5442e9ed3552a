/** What the reader of Keras files makes of names, attributes and configurations, without files. */
import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import type { ForeignFile } from '../../src/formats/foreignFile.js';
import { listOf, readKeras } from '../../src/formats/keras.js';
import { factsOfNames, nameLayers, pyTorchName, refuseActivations } from '../../src/formats/kerasNames.js';
import { recognize, requireWhole } from '../../src/formats/recognize.js';
import { refusal } from '../io/refusal.js';
import { memoryHdf5, type MemoryObject } from './memoryHdf5.js';

const BATCH_NORM = ['gamma', 'beta', 'moving_mean', 'moving_variance'];

/** The arrays of layers of a small network in the train form: 3 inputs, stem 2, one stage of 4, 5 classes. */
const TRAIN: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = (() => {
  const conv = (...kernel: readonly number[]) => ({ kernel, bias: [kernel[3]] });
  const norm = (size: number) => Object.fromEntries(BATCH_NORM.map((name) => [name, [size]]));
  return {
    ...{ stem_1_conv: conv(4, 4, 3, 2), stem_1_bn: norm(2), stem_2_conv: conv(1, 1, 2, 2), stem_2_bn: norm(2) },
    ...{ stem_2_act_relu: {}, stem_2_act_dw_conv: { depthwise_kernel: [7, 7, 2, 1] }, stem_2_act_bn: norm(2) },
    ...{ stack1_1_conv: conv(1, 1, 2, 2), stack1_1_bn: norm(2), 'stack1_1_leaky_relu/0.5': {} },
    ...{ stack1_2_conv: conv(1, 1, 2, 4), stack1_2_bn: norm(4), stack1_down: {} },
    ...{ stack1_act_relu: {}, stack1_act_dw_conv: { depthwise_kernel: [7, 7, 4, 1] }, stack1_act_bn: norm(4) },
    ...{ pre_head_conv: conv(1, 1, 4, 5), pre_head_bn: norm(5), head_conv: conv(1, 1, 5, 5) },
  };
})();

type Layers = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/** The objects of `model.save_weights`, or those of `model.save` if there is a configuration. */
function legacy(layers: Layers, config?: unknown): Record<string, MemoryObject> {
  const root = config === undefined ? '' : '/model_weights';
  const attributes = { layer_names: Object.keys(layers), backend: 'tensorflow', keras_version: '2.15.0' };
  const objects: Record<string, MemoryObject> = {
    '/': config === undefined ? attributes : { model_config: JSON.stringify(config) },
    [root === '' ? '/' : root]: attributes,
  };
  for (const [layer, arrays] of Object.entries(layers)) {
    objects[`${root}/${layer}`] = { weight_names: Object.keys(arrays).map((name) => `${layer}/${name}:0`) };
    for (const [name, shape] of Object.entries(arrays)) objects[`${root}/${layer}/${layer}/${name}:0`] = { shape };
  }
  return objects;
}

interface Layer {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

const layer = (kind: string, name: string, config: object = {}): Layer => ({
  class_name: kind,
  config: { name, ...config },
});

/** A configuration of the network. @param changes of keys by the names of layers; null for a layer that is left out */
function configOf(changes: Readonly<Record<string, object | null>> = {}, others: readonly Layer[] = []): object {
  const kindOf = (name: string): [string, object] =>
    /_dw_conv$/.test(name)
      ? ['DepthwiseConv2D', { activation: 'linear', dilation_rate: [1, 1] }]
      : /_conv$/.test(name)
        ? ['Conv2D', { activation: 'linear', dilation_rate: [1, 1] }]
        : /_bn$/.test(name)
          ? ['BatchNormalization', { epsilon: 1e-6 }]
          : /_act_relu$/.test(name)
            ? ['Activation', { activation: 'relu' }]
            : /_leaky_relu/.test(name)
              ? ['LeakyReLU', { alpha: 0.25 }]
              : ['MaxPooling2D', { pool_size: [2, 2], strides: [2, 2], padding: 'valid' }];
  const layers = Object.keys(TRAIN).flatMap((name) => {
    const [kind, config] = kindOf(name);
    const change = changes[name];
    return change === null ? [] : [layer(kind, name, { ...config, ...change })];
  });
  return { class_name: 'Functional', config: { name: 'vanillanet_5', layers: [...layers, ...others] } };
}

const read = (objects: Readonly<Record<string, MemoryObject>>): Promise<ForeignFile> =>
  readKeras(memoryHdf5(objects), 'net.h5');

const valuesOf = async ({ groups: [{ tensors }] }: ForeignFile, name: string): Promise<number[] | undefined> => {
  const values = await tensors.get(name)?.read();
  return values === undefined ? undefined : [...values];
};

describe('names', () => {
  test('are those of PyTorch', async () => {
    const { groups, renamed, format, writer } = await read(legacy(TRAIN));
    const norm = (name: string) => ['weight', 'bias', 'running_mean', 'running_var'].map((each) => `${name}.${each}`);
    expect([...groups[0].tensors.keys()]).toEqual([
      ...['stem1.0.weight', 'stem1.0.bias', ...norm('stem1.1'), 'stem2.0.weight', 'stem2.0.bias', ...norm('stem2.1')],
      ...['stem2.2.weight', ...norm('stem2.2.bn')],
      ...['stages.0.conv1.0.weight', 'stages.0.conv1.0.bias', ...norm('stages.0.conv1.1')],
      ...['stages.0.conv2.0.weight', 'stages.0.conv2.0.bias', ...norm('stages.0.conv2.1')],
      ...['stages.0.act.weight', ...norm('stages.0.act.bn')],
      ...['cls1.2.weight', 'cls1.2.bias', ...norm('cls1.3'), 'cls2.0.weight', 'cls2.0.bias'],
    ]);
    expect(renamed?.get('stem_1_bn/moving_variance:0')).toBe('stem1.1.running_var');
    expect(renamed?.size).toBe(groups[0].tensors.size);
    expect([format, writer]).toEqual(['Keras weights (.h5)', 'Keras 2.15.0 (tensorflow)']);
  });

  test.each([
    ['stem_1_conv', 'kernel', 'train', 'stem1.0.weight'],
    ['stem_1_conv', 'kernel', 'deploy', 'stem.0.weight'],
    ['stem_2_act_dw_conv', 'bias', 'deploy', 'stem.1.bias'],
    ['pre_head_conv', 'bias', 'deploy', 'cls.2.bias'],
    ['stack12_act_dw_conv', 'depthwise_kernel', 'deploy', 'stages.11.act.weight'],
    ['stack1_1_conv', 'kernel', 'deploy', 'stages.0.conv.weight'],
    ['stack1_2_bn', 'moving_mean', 'train', 'stages.0.conv2.1.running_mean'],
    ['stack0_1_conv', 'kernel', 'train', null],
    ['stack1_2_conv', 'kernel', 'deploy', null],
    ['head_conv', 'kernel', 'deploy', null],
    ['constructor', 'kernel', 'train', null],
    ['stem_1_conv', 'toString', 'train', null],
  ] as const)('of %s %s in the %s form', (name, variable, form, expected) => {
    expect(pyTorchName(name, variable, form)).toBe(expected);
  });

  test('kernels are transposed from HWIO to OIHW, depthwise ones from HWC1 to C1HW', async () => {
    const file = await read(legacy(TRAIN));
    const { tensors } = file.groups[0];
    expect(tensors.get('stem1.0.weight')?.shape).toEqual([2, 3, 4, 4]);
    // o, i, h, w is at h·24 + w·6 + i·2 + o, from 1 on.
    const expected = [0, 1].flatMap((o) =>
      [0, 1, 2].flatMap((i) => [0, 1, 2, 3].flatMap((h) => [0, 1, 2, 3].map((w) => 24 * h + 6 * w + 2 * i + o + 1))),
    );
    expect(await valuesOf(file, 'stem1.0.weight')).toEqual(expected);
    expect(tensors.get('stem2.2.weight')?.shape).toEqual([2, 1, 7, 7]);
    const odd = Array.from({ length: 49 }, (_, i) => 2 * i + 1);
    expect(await valuesOf(file, 'stem2.2.weight')).toEqual([...odd, ...odd.map((each) => each + 1)]);
    expect(await valuesOf(file, 'cls1.2.bias')).toEqual([1, 2, 3, 4, 5]);
  });

  test('a dense kernel becomes one of four axes', async () => {
    const file = await read(legacy({ ...TRAIN, head_conv: { kernel: [5, 3], bias: [3] } }));
    expect(file.groups[0].tensors.get('cls2.0.weight')?.shape).toEqual([3, 5, 1, 1]);
    expect(await valuesOf(file, 'cls2.0.weight')).toEqual([1, 4, 7, 10, 13, 2, 5, 8, 11, 14, 3, 6, 9, 12, 15]);
  });

  test('of layers in a model in a model come from the arrays', async () => {
    const objects: Record<string, MemoryObject> = {
      '/': { layer_names: ['backbone'] },
      '/backbone': { weight_names: ['stem_1_conv/kernel:0', 'stem_1_bn/gamma:0'] },
      '/backbone/stem_1_conv/kernel:0': { shape: [4, 4, 3, 2] },
      '/backbone/stem_1_bn/gamma:0': { shape: [2] },
    };
    expect([...(await read(objects)).groups[0].tensors.keys()]).toEqual(['stem1.0.weight', 'stem1.1.weight']);
  });

  test('a network that is in the file twice is refused, and the file closed', async () => {
    const file = memoryHdf5({
      '/': { layer_names: ['a', 'b'] },
      ...Object.fromEntries(
        ['a', 'b'].flatMap((name): [string, MemoryObject][] => [
          [`/${name}`, { weight_names: ['stem_1_conv/kernel:0'] }],
          [`/${name}/stem_1_conv/kernel:0`, { shape: [4, 4, 3, 2] }],
        ]),
      ),
    });
    await expect(readKeras(file, 'net.h5')).rejects.toThrow(
      refusal(WeightsError, 'net.h5', 'one array kernel of the layer stem_1_conv', 'several'),
    );
    expect(file.isClosed).toBe(true);
  });

  test('lists in parts are joined in order', () => {
    const object = { path: '/', array: null, texts: { list0: ['a', 'b'], list1: ['c'], list3: ['e'], text: 'x' } };
    expect(listOf(object, 'list')).toEqual(['a', 'b', 'c']);
    expect(listOf(object, 'text')).toBeNull();
    expect(listOf(object, 'constructor')).toBeNull();
    expect(listOf({ ...object, texts: { list: ['z'], list0: ['a'] } }, 'list')).toEqual(['z']);
  });
});

describe('numbered layers', () => {
  const numbered = (kinds: Readonly<Record<string, readonly number[]>>) =>
    Object.entries(kinds).flatMap(([kind, numbers]) => numbers.map((number) => ({ kind, number })));
  const DEPLOY = { conv2d: [12, 9, 10, 11], depthwise_conv2d: [7, 5, 6] };

  test('are named in the order of their numbers, not of the file', () => {
    expect([...nameLayers(numbered(DEPLOY), 'net.h5')]).toEqual([
      ...[['conv2d 9', 'stem_1_conv'], ['conv2d 10', 'stack1_1_conv'], ['conv2d 11', 'stack2_1_conv']], // prettier-ignore
      ['conv2d 12', 'pre_head_conv'],
      ...[['depthwise_conv2d 5', 'stem_2_act_dw_conv'], ['depthwise_conv2d 6', 'stack1_act_dw_conv']], // prettier-ignore
      ['depthwise_conv2d 7', 'stack2_act_dw_conv'],
    ]);
  });

  test.each([
    ['one convolution more', { ...DEPLOY, conv2d: [1, 2, 3, 4, 5] }, '4, as a VanillaNet of 2 stages has', '5 layers of the kind conv2d'], // prettier-ignore
    ['no depthwise one', { conv2d: [1, 2] }, '1, as a VanillaNet of 0 stages has', '0 layers of the kind depthwise_conv2d'], // prettier-ignore
    ['a batch norm too few', { conv2d: [1, 2, 3, 4, 5, 6], depthwise_conv2d: [1, 2], batch_normalization: [1, 2, 3, 4, 5, 6] }, '7, as a VanillaNet of 1 stages has', '6 layers of the kind batch_normalization'], // prettier-ignore
  ])('%s is refused', (_, kinds, expected, got) => {
    expect(() => nameLayers(numbered(kinds), 'net.h5')).toThrow(refusal(WeightsError, 'net.h5', expected, got));
  });

  test('have the arrays of their kinds, and a note', async () => {
    const objects: Record<string, MemoryObject> = { '/': {} };
    const kinds = { conv2d: [2, 2], depthwise_conv2d: [2, 2] };
    for (const kind of Object.keys(kinds)) {
      const count = kind === 'conv2d' ? 3 : 2;
      for (let i = 0; i < count; i++) {
        const group = `/layers/${kind}${i === 0 ? '' : `_${i}`}/vars`;
        objects[`${group}/0`] = { shape: kind === 'conv2d' ? [1, 1, 2, 2] : [7, 7, 2, 1] };
        objects[`${group}/1`] = { shape: [2] };
      }
    }
    const { groups, notes, format } = await read(objects);
    expect([...groups[0].tensors.keys()]).toEqual([
      ...['stem.0.weight', 'stem.0.bias', 'stages.0.conv.weight', 'stages.0.conv.bias', 'cls.2.weight', 'cls.2.bias'],
      ...['stem.1.weight', 'stem.1.bias', 'stages.0.act.weight', 'stages.0.act.bias'],
    ]);
    expect(format).toBe('Keras weights (.weights.h5)');
    expect(notes).toContainEqual(expect.stringContaining('taken in the order of the network'));
  });
});

describe('lambda and pools', () => {
  test('of a model are those of its layers, not of their names', async () => {
    const file = await read(legacy(TRAIN, configOf({}, [layer('Dropout', 'drop', { rate: 0.2 })])));
    expect(file.facts).toEqual({ lambda: 0.25, strides: [2], model: 'vanillanet_5', drop: 0.2 });
    const { config, guesses } = recognize(file, 'net.h5');
    expect([config.lambda, config.strides, config.dims]).toEqual([0.25, [2], [2, 4]]);
    expect(guesses).toEqual([]);
    expect(() => recognize(file, 'net.h5', { config: { lambda: 0.5 } })).toThrow(
      refusal(WeightsError, 'net.h5', 'lambda 0.25, as in the file', 'lambda 0.5'),
    );
  });

  test('of weights alone are guessed by names, which the caller overrides', async () => {
    const file = await read(legacy(TRAIN));
    const { config, guesses } = recognize(file, 'net.h5');
    expect([config.lambda, config.strides]).toEqual([0.5, [2]]);
    expect(guesses).toEqual([
      'strides [2]: a layer that is named stackN_down pools by 2.',
      'lambda 0.5: that of the names of layers, which set_leaky_relu_alpha does not change.',
    ]);
    expect(recognize(file, 'net.h5', { config: { lambda: 0.75 } }).config.lambda).toBe(0.75);
  });

  test.each([
    ['0', 0],
    ['1', 1],
    ['1e-05', 1e-5],
    ['0.3', 0.3],
    ['1.5', undefined],
    ['-1', undefined],
    ['x', undefined],
  ])('a layer …_leaky_relu/%s suggests lambda %p', (text, lambda) => {
    expect(factsOfNames([`stem_1_leaky_relu/${text}`]).lambda).toBe(lambda);
  });

  test('names with several slopes suggest none', () => {
    const { lambda, guesses } = factsOfNames(['stem_1_leaky_relu/1.0', 'stack1_1_leaky_relu/0.5']);
    expect([lambda, guesses?.lambda]).toEqual([undefined, undefined]);
  });

  const LEAKY = 'stack1_1_leaky_relu/0.5';

  test('several slopes in one model are refused', async () => {
    const others = [layer('LeakyReLU', 'a', { alpha: 1 }), layer('LeakyReLU', 'b', { negative_slope: 0.5 })];
    const several = read(legacy(TRAIN, configOf({}, others)));
    const expected = 'leaky ReLUs of one slope in [0, 1], which is lambda';
    await expect(several).rejects.toThrow(refusal(WeightsError, 'net.h5', expected, '0.25, 1, 0.5'));
    await expect(several).rejects.toMatchObject({ hint: expect.stringContaining('model.set_leaky_relu_alpha(1)') });
  });

  test('equal slopes are one, by either key', async () => {
    const others = [layer('LeakyReLU', 'a', { negative_slope: 0.25 })];
    expect((await read(legacy(TRAIN, configOf({}, others)))).facts.lambda).toBe(0.25);
  });

  test.each([[1.01], [-0.01], ['1'], [null], [[1, 1]]])('the slope %p is refused', async (alpha) => {
    await expect(read(legacy(TRAIN, configOf({ [LEAKY]: { alpha } })))).rejects.toThrow(
      refusal(WeightsError, 'net.h5', 'leaky ReLUs of one slope in [0, 1]', alpha === null ? 'undefined' : ''),
    );
  });

  test.each([0, 1])('the slope %p is accepted', async (alpha) => {
    expect((await read(legacy(TRAIN, configOf({ [LEAKY]: { alpha } })))).facts.lambda).toBe(alpha);
  });

  test('a model without the layer stackN_down does not pool there', async () => {
    expect((await read(legacy(TRAIN, configOf({ stack1_down: null })))).facts.strides).toEqual([1]);
  });

  test.each([
    ['pool_size [2,3]', { pool_size: [2, 3] }],
    ['strides [1,1]', { strides: [1, 1] }],
    ['padding "same"', { padding: 'same' }],
    ['pool_size 2', { pool_size: 2 }],
    ['pool_size [0,0]', { pool_size: [0, 0], strides: [0, 0] }],
  ])('a pool with %s is refused', async (_, change) => {
    await expect(read(legacy(TRAIN, configOf({ stack1_down: change })))).rejects.toThrow(
      refusal(WeightsError, 'net.h5: stack1_down', 'a square MaxPooling2D', 'MaxPooling2D with pool_size'),
    );
  });

  test.each([
    ['channels last', [null, 64, 48, 3], {}, [64, 48]],
    ['channels first', [null, 3, 64, 48], { data_format: 'channels_first' }, [64, 48]],
    ['open sizes', [null, null, null, 3], {}, undefined],
    ['a size above 2^16', [null, 65537, 64, 3], {}, undefined],
    ['another rank', [null, 64, 48], {}, undefined],
  ])('an input of %s', async (_, shape, change, expected) => {
    const input = layer('InputLayer', 'input', { batch_input_shape: shape });
    const { facts } = await read(legacy(TRAIN, configOf({ stem_1_conv: change }, [input])));
    expect(facts.input_size).toEqual(expected);
  });
});

describe('epsilon', () => {
  test('the difference is added to the variances, in float64', async () => {
    const file = await read(legacy(TRAIN, configOf({ stem_1_bn: { epsilon: 1e-3 }, pre_head_bn: { epsilon: 0 } })));
    expect(await valuesOf(file, 'stem1.1.running_var')).toEqual([1 + 0.000999, 2 + 0.000999]);
    expect(await valuesOf(file, 'cls1.3.running_var')).toEqual([1, 2, 3, 4, 5].map((each) => each - 1e-6));
    expect(await valuesOf(file, 'stem2.1.running_var')).toEqual([1, 2]);
    expect(await valuesOf(file, 'stem1.1.running_mean')).toEqual([1, 2]);
    const types = ['stem1.1.running_var', 'stem2.1.running_var'].map((name) => file.groups[0].tensors.get(name)?.dtype);
    expect(types).toEqual(['float64', 'float32']);
    expect(file.notes).toContain(
      'Batch norms of the file have epsilon 0, 0.001 instead of 0.000001: the difference was added to the variances.',
    );
  });

  test('of the library changes nothing', async () => {
    const file = await read(legacy(TRAIN, configOf()));
    expect(file.notes).toEqual(['Kernels have the axes HWIO in the file, and OIHW here.']);
    expect(await valuesOf(file, 'stem1.1.running_var')).toEqual([1, 2]);
  });

  test.each([[-1e-9], [1.5], ['1e-6'], [undefined]])('%p is refused', async (epsilon) => {
    await expect(read(legacy(TRAIN, configOf({ stem_2_bn: { epsilon } })))).rejects.toThrow(
      refusal(WeightsError, 'net.h5: stem_2_bn', 'an epsilon in [0, 1]', ''),
    );
  });
});

describe('another computation is refused', () => {
  test.each([
    ['stem_1_conv', { activation: 'relu' }, 'the activation linear', '"relu"'],
    ['stem_2_act_relu', { activation: 'swish' }, 'the activation relu', '"swish"'],
    ['stack1_act_dw_conv', { dilation_rate: [2, 2] }, 'no dilation', 'dilation_rate [2,2]'],
  ])('%s with %p', async (name, change, expected, got) => {
    await expect(read(legacy(TRAIN, configOf({ [name]: change })))).rejects.toThrow(
      refusal(WeightsError, `net.h5: ${name}`, expected, got),
    );
  });

  test('an activation by the name of a layer', () => {
    expect(() => {
      refuseActivations(['stem_2_act_pad', 'stack1_act_dw_conv', 'stack1_act_bn', 'stack1_act_relu'], 'net.h5');
    }).not.toThrow();
    expect(() => {
      refuseActivations(['stack1_act_hard_swish'], 'net.h5');
    }).toThrow(refusal(WeightsError, 'net.h5', 'the activation relu', '"hard_swish"'));
  });
});

describe('damage', () => {
  const damaged = (changes: Readonly<Record<string, MemoryObject | null>>): Promise<ForeignFile> =>
    read(
      Object.fromEntries(
        Object.entries({ ...legacy(TRAIN), ...changes }).filter(
          (each): each is [string, MemoryObject] => each[1] !== null,
        ),
      ),
    );
  const KERNEL = '/stem_1_conv/stem_1_conv/kernel:0';

  test.each<[string, Readonly<Record<string, MemoryObject | null>>, string, string]>([
    ['a group in place of an array', { [KERNEL]: {} }, `the array ${KERNEL}`, 'no such array'],
    ['no array', { [KERNEL]: null }, `the array ${KERNEL}`, 'no such array'],
    ['no group of a layer', { '/stem_1_bn': null }, 'the layer stem_1_bn', 'no such group'],
    ['no list of layers', { '/': {} }, 'weights of Keras', 'HDF5 with /stem_1_conv, '],
  ])('%s is refused', async (_, changes, expected, got) => {
    await expect(damaged(changes)).rejects.toThrow(refusal(WeightsError, 'net.h5', expected, got));
  });

  test('an empty file is refused', async () => {
    await expect(read({ '/': {} })).rejects.toThrow(
      refusal(WeightsError, 'net.h5', 'the attribute layer_names, or the group layers', 'an empty HDF5 file'),
    );
  });

  test.each(['{', '[]', '1'])('the configuration %p is refused', async (model_config) => {
    await expect(damaged({ '/': { ...legacy(TRAIN)['/'], model_config } })).rejects.toThrow(
      refusal(WeightsError, 'net.h5: model_config', '', ''),
    );
  });

  test.each([
    ['an axis too few', [4, 4, 3], 'a tensor stem1.0.weight of four axes', '[4,4,3]'],
    ['other channels', [4, 4, 3, 9], '[9]', '[2]'],
    ['no elements', [0, 4, 3, 2], '[2,3,4,4]', '[2,3,0,4]'],
    ['a scalar', [], 'a tensor stem1.0.weight of four axes', '[]'],
  ])('a kernel of %s is refused', async (_, shape, expected, got) => {
    const file = await damaged({ [KERNEL]: { shape } });
    expect(() => {
      requireWhole(recognize(file, 'net.h5'), 'net.h5');
    }).toThrow(refusal(WeightsError, 'net.h5', expected, got));
  });
});
