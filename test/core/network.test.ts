import { describe, expect, test } from '@jest/globals';
import { forward } from '../../reference/index.js';
import { resolveConfig, VARIANTS, type Form, type ModelConfigInput, type VariantName } from '../../src/core/config.js';
import { ShapeError } from '../../src/core/errors.js';
import { layerId } from '../../src/core/optimizer.js';
import { formOf, isBuffer, isDepthwise, parameterShapes } from '../../src/core/parameters.js';
import type { Size } from '../../src/core/shapes.js';
import { sizeOf } from '../../src/core/tensor.js';
import {
  chain,
  featureNames,
  leastSide,
  moduleNames,
  modulesByPart,
  planModules,
  planNetwork,
  type Layer,
} from '../../src/core/network.js';
import { refusal } from '../io/refusal.js';
import { NARROW, oracleState, tensorOf } from '../wasm/networks.js';

const total = (layers: readonly Layer[], key: 'parameters' | 'macs'): number =>
  layers.reduce((sum, layer) => sum + layer[key], 0);

type Counts = readonly [deployParameters: number, deployMacs: number, trainParameters: number, trainMacs: number];

/** Counts of the official code for 1000 classes at 224x224. */
// prettier-ignore
const COUNTS: Readonly<Record<VariantName, Counts>> = {
  vanillanet_5: [15_523_304, 5_161_185_280, 22_328_800, 8_450_519_616],
  vanillanet_6: [32_509_416, 5_993_103_360, 56_116_704, 10_104_521_280],
  vanillanet_7: [32_797_672, 6_893_862_912, 56_670_176, 11_827_364_416],
  vanillanet_8: [37_096_424, 7_735_615_488, 65_175_520, 13_491_200_576],
  vanillanet_9: [41_395_176, 8_577_368_064, 73_680_864, 15_155_036_736],
  vanillanet_10: [45_693_928, 9_419_120_640, 82_186_208, 16_818_872_896],
  vanillanet_11: [49_992_680, 10_260_873_216, 90_691_552, 18_482_709_056],
  vanillanet_12: [54_291_432, 11_102_625_792, 99_196_896, 20_146_545_216],
  vanillanet_13: [58_590_184, 11_944_378_368, 107_702_240, 21_810_381_376],
  vanillanet_13_x1_5: [127_796_200, 26_548_445_184, 236_942_048, 48_745_701_952],
  vanillanet_13_x1_5_ada_pool: [127_796_200, 48_982_528_512, 236_942_048, 89_966_269_504],
};

describe.each(Object.keys(VARIANTS) as VariantName[])('%s', (variant) => {
  test('has the published counts', () => {
    const plan = (form: Form): Layer[] => planNetwork(resolveConfig({ variant, form }), [224, 224]);
    const [deploy, train] = [plan('deploy'), plan('train')];
    expect([
      total(deploy, 'parameters'),
      total(deploy, 'macs'),
      total(train, 'parameters'),
      total(train, 'macs'),
    ]).toEqual(COUNTS[variant]);
  });
});

test('counts the parameters of VanillaNet-5 for ten classes in both forms', () => {
  const parameters = (form: Form): number =>
    total(planNetwork(resolveConfig({ variant: 'vanillanet_5', num_classes: 10, form }), [224, 224]), 'parameters');
  expect([parameters('deploy'), parameters('train')]).toEqual([11_467_274, 17_269_900]);
});

describe.each(NARROW)('$label', ({ sizes }) => {
  test.each<Form>(['deploy', 'train'])('layers of the %s form are those that the reference runs', (form) => {
    const config = resolveConfig({ ...sizes, form });
    const plan = planNetwork(config, config.input_size);
    const x = tensorOf(1, [1, config.in_chans, ...config.input_size]);
    const { steps } = forward(config, oracleState(config), x, { training: false, lambda: 0.5 });
    const opName = (op: string): string => (op === 'relu' ? 'leakyRelu' : op);
    expect(plan.map(({ op, input, output }) => ({ op, input, output }))).toEqual(
      steps.map(({ layer, x: input, trace }) => ({
        op: opName(layer.op),
        input: input.shape.slice(1),
        output: trace.y.shape.slice(1),
      })),
    );
  });

  test.each<Form>(['deploy', 'train'])('layers of the %s form cover all parameters of a state dict', (form) => {
    const config = resolveConfig({ ...sizes, form });
    const plan = planNetwork(config, config.input_size);
    const names = plan.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const shapes = [...parameterShapes(config)];
    const modules = new Set(shapes.map(([name]) => name.slice(0, name.lastIndexOf('.'))));
    expect(plan.filter(({ parameters }) => parameters > 0).map(({ name }) => name)).toEqual([...modules]);
    const parameterSizes = shapes.filter(([name]) => !isBuffer(name)).map(([, shape]) => sizeOf(shape));
    expect(total(plan, 'parameters')).toBe(parameterSizes.reduce((a, b) => a + b, 0));
  });
});

test('layers have the names of PyTorch modules, or derived names where PyTorch has no module', () => {
  const names = (form: Form): string[] =>
    planNetwork(resolveConfig({ dims: [2, 3], strides: [2], form, input_size: 32 }), [32, 32]).map(({ name }) => name);
  expect(names('deploy')).toEqual([
    'stem.0',
    'stem.1.relu',
    'stem.1',
    'stages.0.conv',
    'stages.0.pool',
    'stages.0.act.relu',
    'stages.0.act',
    'cls.0',
    'cls.1',
    'cls.2',
  ]);
  expect(names('train')).toEqual([
    'stem1.0',
    'stem1.1',
    'stem1.leaky',
    'stem2.0',
    'stem2.1',
    'stem2.2.relu',
    'stem2.2',
    'stem2.2.bn',
    'stages.0.conv1.0',
    'stages.0.conv1.1',
    'stages.0.conv1.leaky',
    'stages.0.conv2.0',
    'stages.0.conv2.1',
    'stages.0.pool',
    'stages.0.act.relu',
    'stages.0.act',
    'stages.0.act.bn',
    'cls1.0',
    'cls1.1',
    'cls1.2',
    'cls1.3',
    'cls1.leaky',
    'cls2.0',
  ]);
});

test('plans contain lambda, and 0 is not treated as missing', () => {
  const lambdas = (lambda: number | null): unknown[] =>
    planNetwork(resolveConfig({ dims: [2, 3], strides: [2], lambda }), [32, 32]).flatMap((layer) =>
      layer.op === 'leakyRelu' && layer.name.endsWith('.leaky') ? [layer.lambda] : [],
    );
  expect([lambdas(0), lambdas(0.25), lambdas(null)]).toEqual([
    [0, 0, 0],
    [0.25, 0.25, 0.25],
    [null, null, null],
  ]);
});

const FIVE = { variant: 'vanillanet_5' };
const ADA = { variant: 'vanillanet_13_x1_5_ada_pool' };
/** A stem and two stages, of which only the second pools adaptively. */
const SMALL_ADA = { dims: [4, 4, 4], strides: [2, 2], ada_pool: [0, 5] };

describe.each<Form>(['deploy', 'train'])('the modules of the %s form', (form) => {
  const config = resolveConfig({ ...SMALL_ADA, form });

  test('have the names of the deploy form', () => {
    expect(moduleNames(config)).toEqual(['stem', 'stages.0', 'stages.1', 'cls.0', 'cls.2']);
    expect(featureNames(config)).toEqual(['stem', 'stages.0', 'stages.1', 'cls.0']);
  });

  test('contain every layer exactly once', () => {
    const modules = planNetwork(config, [32, 32]).map(({ name }) => modulesByPart(config).get(name));
    expect([...new Set(modules)]).toEqual(moduleNames(config));
    expect(modulesByPart(config).size).toBe(modules.length);
  });

  test('agree with the functions that classify parameters by name', () => {
    expect(formOf(parameterShapes(config))).toBe(form);
    chain(config).forEach(({ name: module, parts }, i) => {
      for (const { op, name } of parts) {
        const weight = `${name}.weight`;
        expect(isDepthwise(weight)).toBe(op === 'depthwiseConv2d');
        if (!parameterShapes(config).has(weight)) continue;
        expect(layerId(weight, 2)).toBe(module === 'cls.2' ? 3 : i);
      }
    });
  });
});

test.each([
  [FIVE, { stride: 4, padding: 0 }],
  [ADA, { stride: 3, padding: 1 }],
  [
    { ...ADA, article_stem: true },
    { stride: 4, padding: 0 },
  ],
  [
    { ...FIVE, article_stem: true },
    { stride: 4, padding: 0 },
  ],
  // Every stage pools by its stride, but the network counts as adaptive.
  [
    { ...FIVE, ada_pool: [0, 0, 0] },
    { stride: 3, padding: 1 },
  ],
])('the stem of %j is %j', (input, stem) => {
  for (const form of ['deploy', 'train'] as const) {
    expect(chain(resolveConfig({ ...input, form }))[0].parts[0]).toMatchObject({ op: 'conv2d', ...stem });
  }
});

test.each<[number, number, object | undefined, Size]>([
  [1, 0, undefined, [9, 7]],
  [1, 5, undefined, [9, 7]],
  [2, 0, { op: 'maxPool2d', kernel_size: 2, stride: 2 }, [4, 3]],
  [3, 0, { op: 'maxPool2d', kernel_size: 3, stride: 3 }, [3, 2]],
  [2, 5, { op: 'adaptiveMaxPool2d', output_size: [5, 5] }, [5, 5]],
  [2, 12, { op: 'adaptiveMaxPool2d', output_size: [12, 12] }, [12, 12]],
])('plans the pool of a stage of stride %d and ada_pool %d', (stride, ada, pool, size) => {
  const config = resolveConfig({ dims: [4, 4], strides: [stride], ada_pool: [ada] });
  // The stem, of stride 3 and padding 1, reduces 26x20 to 9x7.
  const [, { layers }] = planModules(config, [26, 20]);
  const planned = layers.find(({ name }) => name === 'stages.0.pool');
  if (pool === undefined) expect(planned).toBeUndefined();
  else expect(planned).toMatchObject({ ...pool, input: [4, 9, 7] });
  expect(layers[layers.length - 1].output).toEqual([4, ...size]);
});

describe('sizes of the maps after the stem and the stages', () => {
  const square = (...sides: number[]): Size[] => sides.map((side) => [side, side]);
  const cases: [ModelConfigInput, Size, Size[]][] = [
    [FIVE, [224, 224], square(56, 28, 14, 7)],
    [FIVE, [32, 32], square(8, 4, 2, 1)],
    [FIVE, [35, 35], square(8, 4, 2, 1)],
    // prettier-ignore
    [FIVE, [64, 47], [[16, 11], [8, 5], [4, 2], [2, 1]]],
    [{ variant: 'vanillanet_7' }, [224, 224], square(56, 56, 28, 14, 7, 7)],
    [ADA, [224, 224], square(75, 75, 38, 19, 19, 19, 19, 19, 19, 19, 10, 10)],
    [{ ...ADA, article_stem: true }, [224, 224], square(56, 56, 38, 19, 19, 19, 19, 19, 19, 19, 10, 10)],
    // prettier-ignore
    [SMALL_ADA, [29, 34], [[10, 11], [5, 5], [5, 5]]],
    [SMALL_ADA, [5, 5], square(2, 1, 5)],
  ];
  test.each(cases)('%j at %j', (input, size, sizes) => {
    const modules = planModules(resolveConfig(input), size).slice(0, -2);
    expect(modules.map(({ layers }) => layers[layers.length - 1].output.slice(1))).toEqual(sizes);
  });
});

describe('an input that is too small is refused', () => {
  const cases: [ModelConfigInput, Size, string, string, number?][] = [
    [FIVE, [31, 31], 'stages.2', '31x31, which leaves 0x0'],
    [FIVE, [224, 31], 'stages.2', '224x31, which leaves 7x0'],
    [FIVE, [15, 64], 'stages.1', '15x64, which leaves 0x4'],
    [FIVE, [3, 3], 'stem', '3x3, which leaves 0x0'],
    [FIVE, [1, 64], 'stem', '1x64, which leaves 0x16'],
    [SMALL_ADA, [4, 5], 'stages.0', '4x5, which leaves 0x1', 5],
    [{ ...SMALL_ADA, article_stem: true }, [5, 5], 'stages.0', '5x5, which leaves 0x0', 8],
  ];
  test.each(cases)('%j at %j', (input, size, op, got, least = 32) => {
    const expected = `an input of at least ${least}x${least}`;
    expect(() => planNetwork(resolveConfig(input), size)).toThrow(refusal(ShapeError, op, expected, got));
  });

  test.each([
    ...Object.keys(VARIANTS).map((variant) => ({ variant })),
    ...[FIVE, SMALL_ADA, { ...SMALL_ADA, article_stem: true }],
    { dims: [8, 8, 8], strides: [3, 1], act_num: 0 },
    { dims: [8, 8, 8, 8], strides: [2, 3, 5], form: 'deploy' },
    { dims: [8, 8, 8], strides: [2, 2], ada_pool: [0, 3] },
    { dims: [8, 8], strides: [1], ada_pool: [0] },
  ])('and the message says the least side: %j', (input) => {
    const config = resolveConfig(input);
    const side = leastSide(config);
    expect(() => planNetwork(config, [side, side])).not.toThrow();
    const expected = `an input of at least ${side}x${side}`;
    expect(() => planNetwork(config, [side - 1, side])).toThrow(
      refusal(ShapeError, '', expected, `${side - 1}x${side}`),
    );
  });

  test('but not the smallest sufficient input', () => {
    const layers = planNetwork(resolveConfig(FIVE), [32, 32]);
    expect(layers[layers.length - 1].output).toEqual([1000, 1, 1]);
  });
});
