import { describe, expect, test } from '@jest/globals';
import { forward } from '../../reference/index.js';
import { resolveConfig, VARIANTS, type Form, type VariantName } from '../../src/core/config.js';
import { ShapeError } from '../../src/core/errors.js';
import { isBuffer, parameterShapes } from '../../src/core/parameters.js';
import { sizeOf } from '../../src/core/tensor.js';
import { planNetwork, type Layer } from '../../src/core/network.js';
import { NARROW, oracleState, tensorOf } from '../wasm/networks.js';

const total = (layers: readonly Layer[], key: 'parameters' | 'macs'): number =>
  layers.reduce((sum, layer) => sum + layer[key], 0);

type Counts = readonly [deployParameters: number, deployMacs: number, trainParameters: number, trainMacs: number];

/** C = 1000, 224x224, counted in the official code. */
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

test('VanillaNet-5 has these parameters for ten classes', () => {
  const parameters = (form: Form): number =>
    total(planNetwork(resolveConfig({ variant: 'vanillanet_5', num_classes: 10, form }), [224, 224]), 'parameters');
  expect([parameters('deploy'), parameters('train')]).toEqual([11_467_274, 17_269_900]);
});

describe.each(NARROW)('$label', ({ sizes }) => {
  test.each<Form>(['deploy', 'train'])('the %s form is the chain that the oracle runs', (form) => {
    const config = resolveConfig({ ...sizes, form });
    const plan = planNetwork(config, config.input_size);
    const x = tensorOf(1, [1, config.in_chans, ...config.input_size]);
    const { steps } = forward(config, oracleState(config), x, { training: false, lambda: 0.5 });
    const named = (op: string): string => (op === 'relu' ? 'leakyRelu' : op);
    expect(plan.map(({ op, input, output }) => ({ op, input, output }))).toEqual(
      steps.map(({ layer, x: from, trace }) => ({
        op: named(layer.op),
        input: from.shape.slice(1),
        output: trace.y.shape.slice(1),
      })),
    );
  });

  test.each<Form>(['deploy', 'train'])('the %s form names and counts all that is in a state dict', (form) => {
    const config = resolveConfig({ ...sizes, form });
    const plan = planNetwork(config, config.input_size);
    const names = plan.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const shapes = [...parameterShapes(config)];
    const modules = new Set(shapes.map(([name]) => name.slice(0, name.lastIndexOf('.'))));
    expect(plan.filter(({ parameters }) => parameters > 0).map(({ name }) => name)).toEqual([...modules]);
    const learned = shapes.filter(([name]) => !isBuffer(name)).map(([, shape]) => sizeOf(shape));
    expect(total(plan, 'parameters')).toBe(learned.reduce((a, b) => a + b, 0));
  });
});

test('names are those of PyTorch, and of where the code has no module', () => {
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

test('lambda is in the plan, and zero is a value', () => {
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

test('an input that leaves an empty map is refused', () => {
  const config = resolveConfig({ variant: 'vanillanet_5' });
  expect(
    planNetwork(config, [32, 32])
      .map(({ output }) => output)
      .pop(),
  ).toEqual([1000, 1, 1]);
  expect(() => planNetwork(config, [31, 32])).toThrow(ShapeError);
});
