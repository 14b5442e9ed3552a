/** The network in a file of another framework: which tensors, under which names, of which sizes. */
import { describe, expect, test } from '@jest/globals';
import {
  resolveConfig,
  VARIANTS,
  type ModelConfig,
  type ModelConfigInput,
  type VariantName,
} from '../../src/core/config.js';
import { WeightsError } from '../../src/core/errors.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { sizeOf } from '../../src/core/tensor.js';
import type { FileFacts, FileTensor, ForeignFile } from '../../src/formats/foreignFile.js';
import { IMAGENET_CLASSES } from '../../src/formats/imagenetClasses.js';
import { readState, recognize, requireWhole } from '../../src/formats/recognize.js';
import { refusal } from '../io/refusal.js';

const tensor = (shape: readonly number[], value = 1): FileTensor => ({
  shape,
  dtype: shape.length === 0 ? 'int64' : 'float32',
  read: () => Promise.resolve(new Float32Array(sizeOf(shape)).fill(value)),
});

/** The tensors of a network, with the names that a file has. */
const tensorsOf = (config: ModelConfig, rename = (name: string): string => name, value = 1) =>
  new Map([...parameterShapes(config)].map(([name, shape]) => [rename(name), tensor(shape, value)]));

const narrow = (form: 'train' | 'deploy', more: ModelConfigInput = {}): ModelConfig =>
  resolveConfig({ dims: [4, 8, 8], strides: [2, 1], num_classes: 3, form, lambda: 1, ...more });

type Groups = readonly (readonly [path: readonly string[], tensors: ReadonlyMap<string, FileTensor>])[];

const fileOf = (groups: Groups, facts: FileFacts = {}): ForeignFile => ({
  ...{ format: 'PyTorch checkpoint (zip)', writer: null, facts },
  groups: groups.map(([path, tensors]) => ({ path, tensors })),
});

const one = (config: ModelConfig, rename?: (name: string) => string, facts?: FileFacts): ForeignFile =>
  fileOf([[[], tensorsOf(config, rename)]], facts);

describe('the configuration', () => {
  test.each(['train', 'deploy'] as const)('of the %s form is that of the shapes', (form) => {
    const config = narrow(form, { in_chans: 5, act_num: 1 });
    const found = recognize(one(config), 'net.pth');
    expect(found.config).toEqual({ ...config, lambda: form === 'train' ? null : 1 });
    expect(found.matched).toBe(parameterShapes(config).size);
    expect(found).toMatchObject({
      missing: [],
      unexpected: [],
      prefix: '',
      source: '',
      otherSources: [],
      isEma: false,
    });
    expect([...found.tensors.keys()]).toEqual([...parameterShapes(config).keys()]);
  });

  test('has guessed strides if its channels are those of no variant', () => {
    const { guesses, config } = recognize(one(narrow('deploy', { dims: [4, 8, 8, 16], strides: [2, 1, 2] })), 'net');
    expect(config.strides).toEqual([2, 1, 2]);
    expect(guesses).toEqual([expect.stringContaining('strides [2, 1, 2]')]);
  });

  const names = Object.keys(VARIANTS) as VariantName[];
  /** Shapes only: no value is read. */
  const published = (variant: VariantName, facts: FileFacts): ForeignFile =>
    one(resolveConfig({ variant, form: 'train' }), undefined, facts);

  test.each(names)('of %s is found by the name in the file', (variant) => {
    const { config, guesses } = recognize(published(variant, { model: variant, epoch: 9, decay_epochs: 5 }), 'net');
    expect(config).toEqual(resolveConfig({ variant, form: 'train', lambda: 1, class_names: IMAGENET_CLASSES }));
    expect(guesses).toEqual([]);
  });

  const twins: readonly string[] = ['vanillanet_13_x1_5', 'vanillanet_13_x1_5_ada_pool'];

  test.each(names.filter((name) => !twins.includes(name)))('of %s is found by its channels', (variant) => {
    expect(recognize(published(variant, {}), 'net').config.variant).toBe(variant);
  });

  test.each(twins)('of %s is refused without a name, and taken from the caller', (name) => {
    const variant = name as VariantName;
    const error = refusal(WeightsError, 'net', twins.join(' or '), 'shapes that both have');
    expect(() => recognize(published(variant, {}), 'net')).toThrow(error);
    expect(() => recognize(published(variant, { model: 'resnet50' }), 'net')).toThrow(error);
    expect(recognize(published(variant, {}), 'net', { config: { variant } }).config.variant).toBe(variant);
  });

  test('notes a name that the tensors contradict', () => {
    const { config, notes } = recognize(published('vanillanet_6', { model: 'vanillanet_5' }), 'net');
    expect(config.variant).toBe('vanillanet_6');
    expect(notes).toContain('The file names vanillanet_5; its tensors are those of vanillanet_6.');
  });

  test.each([
    [{ epoch: 3, decay_epochs: 4 }, 0.75],
    [{ epoch: 1, decay_epochs: 4, decay_linear: false }, 0.5 * (1 - Math.SQRT1_2)],
    [{ epoch: 4, decay_epochs: 4, decay_linear: false }, 1],
    [{ epoch: 0, decay_epochs: 0 }, 1],
  ])('has the λ of the last epoch: %j', (facts, lambda) => {
    const { config, guesses } = recognize(one(narrow('train'), undefined, facts), 'net');
    expect(config.lambda).toBeCloseTo(lambda, 15);
    expect(guesses.some((text) => text.startsWith('lambda'))).toBe(false);
  });

  test.each([
    ['vanillanet_13_x1_5_ada_pool', 'and adaptive pools'],
    ['vanillanet_13_x1_5', 'those of vanillanet_13_x1_5, which'],
  ] as const)('of other channels has the strides and pools of %s, which the file names', (model, text) => {
    const { strides, dims } = VARIANTS[model];
    const config = narrow('train', { ...VARIANTS[model], dims: dims.map((channels) => channels / 96) });
    const found = recognize(one(config, undefined, { model }), 'net');
    expect(found.config).toMatchObject({ strides, dims: config.dims, ada_pool: config.ada_pool });
    expect(found.guesses).toEqual([expect.stringContaining(text)]);
  });

  test('refuses a file that names a network with adaptive pools, but has other stages', () => {
    const facts = { model: 'vanillanet_13_x1_5_ada_pool' };
    expect(() => recognize(one(narrow('deploy'), undefined, facts), 'net')).toThrow(
      refusal(WeightsError, 'net', 'the stages of vanillanet_13_x1_5_ada_pool', 'channels [4, 8, 8]'),
    );
    const config = { strides: [2, 1], ada_pool: [3, 0] };
    expect(recognize(one(narrow('deploy'), undefined, facts), 'net', { config }).config).toMatchObject(config);
  });

  test('notes a name of a network with another number of stages', () => {
    const { notes, config } = recognize(one(narrow('train'), undefined, { model: 'vanillanet_13' }), 'net');
    expect(config.strides).toEqual([2, 1]);
    expect(notes).toContain('The file names vanillanet_13, which has another number of stages.');
  });

  test('of the caller is taken instead of the name in the file, and that is noted', () => {
    const file = published('vanillanet_13_x1_5', { model: 'vanillanet_13_x1_5_ada_pool' });
    const { config, notes } = recognize(file, 'net', { config: { variant: 'vanillanet_13_x1_5' } });
    expect(config.ada_pool).toBeNull();
    expect(notes).toContain(
      'The file names vanillanet_13_x1_5_ada_pool; taken instead, as stated: "vanillanet_13_x1_5".',
    );
    const same = recognize(file, 'net', { config: { variant: 'vanillanet_13_x1_5_ada_pool' } });
    expect(same.notes.filter((note) => note.startsWith('The file names'))).toEqual([]);
    const sizes = recognize(one(narrow('train'), undefined, { model: 'vanillanet_5' }), 'net', {
      config: { strides: [2, 1] },
    });
    expect(sizes.notes).toContain('The file names vanillanet_5; taken instead, as stated: dims and strides.');
  });

  test('has no λ that contradicts the file', () => {
    const facts = { epoch: 2, decay_epochs: 4 };
    const read = (lambda: number) => recognize(one(narrow('train'), undefined, facts), 'net', { config: { lambda } });
    expect(read(0.5).config.lambda).toBe(0.5);
    expect(() => read(1)).toThrow(refusal(WeightsError, 'net', 'lambda 0.5, as in the file', 'lambda 1'));
    expect(() => recognize(one(narrow('deploy')), 'net', { config: { lambda: 0.5 } })).toThrow(WeightsError);
  });

  test('has no λ if neither the file nor the caller states it', () => {
    const file = one(narrow('train'), undefined, { epoch: 3 });
    const { config, notes } = recognize(file, 'net');
    expect(config.lambda).toBeNull();
    expect(notes).toContainEqual(expect.stringMatching(/^The file does not state lambda/));
    const stated = recognize(file, 'net', { config: { lambda: 0.5 } });
    expect(stated.config.lambda).toBe(0.5);
    expect(stated.notes).toEqual([]);
    expect(recognize(one(narrow('deploy', { lambda: null })), 'net').config.lambda).toBe(1);
  });

  test('has the names of ImageNet for its number of classes, unless the caller has others', () => {
    expect(new Set(IMAGENET_CLASSES).size).toBe(1000);
    const file = one(narrow('deploy', { num_classes: 1000 }));
    expect(recognize(file, 'net').config.class_names).toEqual(IMAGENET_CLASSES);
    expect(recognize(file, 'net', { config: { class_names: null } }).config.class_names).toBeNull();
    expect(recognize(one(narrow('deploy', { num_classes: 999 })), 'net').config.class_names).toBeNull();
  });

  test('has the size of the images and the dropout of the training', () => {
    const facts = { input_size: 96, crop_pct: 0.9, drop: 0.05 };
    const { config } = recognize(one(narrow('train'), undefined, facts), 'net');
    expect(config).toMatchObject({ input_size: [96, 96], crop_pct: 0.9, drop_rate: 0.05 });
    expect(recognize(one(narrow('train'), undefined, { crop_pct: null }), 'net').config.crop_pct).toBe(0.875);
  });
});

describe('names', () => {
  const config = narrow('train');

  test.each(['module.', '_orig_mod.', 'module._orig_mod.', '_orig_mod.module.', 'model.', 'net.backbone.'])(
    'have the prefix %s',
    (prefix) => {
      const found = recognize(
        one(config, (name) => prefix + name),
        'net',
      );
      expect(found.prefix).toBe(prefix);
      expect(found.renamed.size).toBe(0);
      expect([...found.tensors.keys()]).toEqual([...parameterShapes(config).keys()]);
    },
  );

  test('of PaddlePaddle', () => {
    const toPaddle = (name: string): string =>
      name.replace(/running_mean$/, '_mean').replace(/running_var$/, '_variance');
    const tensors = tensorsOf(config, toPaddle);
    for (const name of [...tensors.keys()]) if (name.endsWith('num_batches_tracked')) tensors.delete(name);
    const found = recognize(fileOf([[[], tensors]]), 'net');
    expect(found.missing).toEqual([]);
    expect(found.renamed.get('stem1.1._mean')).toBe('stem1.1.running_mean');
    expect(found.renamed.size).toBe([...tensors.keys()].filter((name) => /_mean|_variance/.test(name)).length);
    expect(() => {
      requireWhole(found, 'net');
    }).not.toThrow();
  });

  test('before some names, but not the first ones, is refused', () => {
    const config = narrow('deploy');
    const half = one(config, (name) => (name.startsWith('stages') ? `module.${name}` : name));
    const error = refusal(WeightsError, 'net', 'no prefix', '"module.stages.0.conv.weight", beside others without one');
    expect(() => recognize(half, 'net')).toThrow(error);
  });

  test('of which only some have the prefix are refused', () => {
    const half = one(config, (name) => (name.startsWith('cls') ? name : `module.${name}`));
    const error = refusal(WeightsError, 'net', 'the prefix "module."', '"cls1.2.weight" without it');
    expect(() => recognize(half, 'net')).toThrow(error);
  });

  test('that become one are refused', () => {
    const tensors = tensorsOf(config).set('stem1.1._mean', tensor([4]));
    const error = refusal(WeightsError, 'net', 'one tensor stem1.1.running_mean', '"stem1.1._mean"');
    expect(() => recognize(fileOf([[[], tensors]]), 'net')).toThrow(error);
  });

  test('of two networks are refused', () => {
    const both = new Map([...tensorsOf(config, (name) => `a.${name}`), ...tensorsOf(config, (name) => `b.${name}`)]);
    const file = fileOf([[[], both]]);
    expect(() => recognize(file, 'net')).toThrow(refusal(WeightsError, 'net', 'one network', 'several: a, b'));
    expect(recognize(file, 'net', { key: 'b' })).toMatchObject({ source: 'b', otherSources: ['a'], prefix: 'b.' });
    const wrong = refusal(WeightsError, 'net', 'weights under the key "c"', 'a, b');
    expect(() => recognize(file, 'net', { key: 'c' })).toThrow(wrong);
  });

  test('of no VanillaNet are refused with some of them', () => {
    const tensors = new Map(['conv1.weight', 'fc.bias'].map((name) => [name, tensor([1])]));
    const error = refusal(WeightsError, 'net', 'the tensors of a VanillaNet', 'conv1.weight, fc.bias');
    expect(() => recognize(fileOf([[[], tensors]]), 'net')).toThrow(error);
    expect(() => recognize(fileOf([]), 'net')).toThrow(refusal(WeightsError, 'net', 'VanillaNet', 'no tensors'));
  });
});

describe('a checkpoint with an average', () => {
  const config = narrow('train');
  const groups: Groups = [
    [['model'], tensorsOf(config, undefined, 1)],
    [['model_ema'], tensorsOf(config, undefined, 2)],
    [['other'], new Map([['x', tensor([1])]])],
  ];

  test.each([
    [true, 'model_ema', 'model', 2],
    [false, 'model', 'model_ema', 1],
  ])('is taken: %s', async (ema, source, other, value) => {
    const found = recognize(fileOf(groups), 'net', { ema });
    expect(found).toMatchObject({ source, otherSources: [other], isEma: ema });
    expect((await readState(found, 'net')).get('stem1.0.bias')?.data[0]).toBe(value);
  });

  test.each(['state_dict_ema', 'ModelEMA', 'averaged_model', 'swa_model', 'ema', 'ema_state'])(
    'is known by a word of its key: %s',
    (key) => {
      const [model] = groups;
      expect(recognize(fileOf([model, [[key], tensorsOf(config)]]), 'net')).toMatchObject({ source: key, isEma: true });
    },
  );

  test('behind another prefix of the same dictionary', async () => {
    const both = new Map([
      ...tensorsOf(config, (name) => `model.${name}`, 1),
      ...tensorsOf(config, (name) => `model.ema.module.${name}`, 2),
      ['criterion.weight', tensor([1])] as const,
    ]);
    const found = recognize(fileOf([[['state_dict'], both]]), 'net.ckpt');
    expect(found).toMatchObject({ source: 'state_dict.model.ema.module', isEma: true, unexpected: [] });
    expect(found.otherSources).toEqual(['state_dict.model']);
    expect((await readState(found, 'net')).get('stem1.0.bias')?.data[0]).toBe(2);
    const plain = recognize(fileOf([[['state_dict'], both]]), 'net.ckpt', { ema: false });
    expect((await readState(plain, 'net')).get('stem1.0.bias')?.data[0]).toBe(1);
  });

  test.each(['schema', 'student'])('is not what has the key %s: of two networks, one must be named', (key) => {
    const [model] = groups;
    const file = fileOf([model, [[key], tensorsOf(config)]]);
    const error = refusal(WeightsError, 'net', 'one network', `several: model, ${key}`);
    expect(() => recognize(file, 'net')).toThrow(error);
    expect(recognize(file, 'net', { key }).source).toBe(key);
  });

  test.each(['optimizer_state', 'ema_optimizer', 'optim', 'exp_avg', 'momentum_buffer', 'gradScaler'])(
    'is never the state of an optimizer: %s',
    (key) => {
      const [model] = groups;
      const file = fileOf([[[key, 'm'], tensorsOf(config)], model]);
      expect(recognize(file, 'net')).toMatchObject({ source: 'model', otherSources: [], isEma: false });
      expect(() => recognize(file, 'net', { key: `${key}.m` })).toThrow(WeightsError);
    },
  );
});

describe('a network that is not whole', () => {
  const config = narrow('train');
  const checked =
    (file: ForeignFile, strict = false) =>
    (): void => {
      requireWhole(recognize(file, 'net', { config: { strides: [2, 1], dims: [4, 8, 8], lambda: 1 } }), 'net', {
        strict,
      });
    };
  const without = (pattern: RegExp): ForeignFile =>
    fileOf([[[], new Map([...tensorsOf(config)].filter(([name]) => !pattern.test(name)))]]);

  test('lacks a tensor', () => {
    expect(checked(without(/^stem1\.1\.running_var$/))).toThrow(
      refusal(WeightsError, 'net', 'all tensors', 'stem1.1.running_var'),
    );
    expect(checked(without(/num_batches_tracked/))).not.toThrow();
  });

  test('lacks the classifier', () => {
    expect(checked(without(/^cls/))).toThrow(expect.objectContaining({ hint: expect.stringContaining('backbone') }));
  });

  test('has others, which --strict refuses', () => {
    const more = fileOf([
      [
        [],
        tensorsOf(config)
          .set('head.weight', tensor([2]))
          .set('stages.0.conv3.0.weight', tensor([1])),
      ],
    ]);
    expect(checked(more)).not.toThrow();
    expect(checked(more, true)).toThrow(
      refusal(WeightsError, 'net', 'only the tensors of the network', 'head.weight, stages.0.conv3.0.weight'),
    );
  });

  test('is guessed, which --strict refuses', () => {
    const guessed = recognize(one(config), 'net');
    expect(() => {
      requireWhole(guessed, 'net', { strict: true });
    }).toThrow(refusal(WeightsError, 'net', 'states its network', 'a guess: strides'));
    expect(checked(one(config), true)).not.toThrow();
  });

  test('has a tensor of another shape', () => {
    const tensors = tensorsOf(config).set('stem1.1.bias', tensor([5]));
    expect(checked(fileOf([[[], tensors]]))).toThrow(refusal(WeightsError, 'stem1.1.bias', '[4]', '[5]'));
  });

  test('has values that are not finite', async () => {
    const tensors = tensorsOf(config).set('stem1.1.bias', tensor([4], NaN));
    await expect(readState(recognize(fileOf([[[], tensors]]), 'net'), 'net')).rejects.toThrow(
      refusal(WeightsError, 'net: stem1.1.bias', 'finite weights', 'NaN at element 0'),
    );
  });
});

test('what the file states out of range is a note', () => {
  const { notes } = recognize(one(narrow('deploy'), undefined, { ignored: ['args.drop 1', 'epoch -1'] }), 'net');
  expect(notes).toEqual(['The file states args.drop 1, which is ignored.', 'The file states epoch -1, which is ignored.']); // prettier-ignore
  expect(recognize(one(narrow('deploy')), 'net').notes).toEqual([]);
});
