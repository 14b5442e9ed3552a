/** Graphs composed node by node: what is recognized, and what is refused, by the name of the node or tensor. */
import { describe, expect, test } from '@jest/globals';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import type { ModelConfigInput } from '../../src/core/config.js';
import { WeightsError } from '../../src/core/errors.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import type { ForeignFile } from '../../src/formats/foreignFile.js';
import { adaptiveWindows } from '../../src/formats/onnx/adaptiveWindows.js';
import { bytesField, integerField, integersField, textField } from '../../src/formats/onnx/message.js';
import { shortestDecimal } from '../../src/formats/onnx/network.js';
import { openForeign, readForeign } from '../../src/formats/openForeign.js';
import { readState, recognize, requireWhole } from '../../src/formats/recognize.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { posixTest } from '../platform.js';
import {
  DEPLOY,
  encodeModel,
  int64,
  replaceNode,
  setAttributes,
  setTensor,
  tensorMessage,
  TRAIN,
  type ModelSpec,
  type NodeSpec,
} from './onnxModel.js';

const path = temporaryFolder();
const FILE = 'net.onnx';

async function open(bytes: Uint8Array): Promise<ForeignFile> {
  const file = await readForeign(bytesAccess(FILE, bytes));
  if (file === null) throw new Error('The bytes are not recognized.');
  return file;
}

const read = async (spec: ModelSpec, config: ModelConfigInput = {}) =>
  recognize(await open(encodeModel(spec)), FILE, { config });

const node = (type: string, inputs: readonly string[], output: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({ type, inputs, outputs: [output], attributes }); // prettier-ignore

/** Nodes before the last one of DEPLOY, which flattens. */
const withEnd = (...nodes: readonly NodeSpec[]): ModelSpec => replaceNode(DEPLOY, 'y', ...nodes);
/** Nodes between the average and the classifier, whose output is `views`. */
const withViews = (...nodes: readonly NodeSpec[]): ModelSpec => {
  const spec = replaceNode(DEPLOY, 'head', ...nodes, node('Conv', ['views', 'head.w', 'head.b'], 'head'));
  return spec;
};
const withTensors = (spec: ModelSpec, tensors: ModelSpec['tensors']): ModelSpec => ({
  ...spec,
  tensors: { ...spec.tensors, ...tensors },
});

const CONFIG = {
  ...{ dims: [4, 8], strides: [2], ada_pool: null, article_stem: false, in_chans: 3, num_classes: 2, act_num: 1 },
  input_size: [32, 32],
};

describe('the network', () => {
  test('of the deploy form', async () => {
    const found = await read(DEPLOY);
    expect(found.config).toMatchObject({ ...CONFIG, form: 'deploy', lambda: 1 });
    expect(found).toMatchObject({ format: 'ONNX graph, opset 17', writer: 'a test 1', guesses: [], unexpected: [] });
    expect([...found.renamed]).toContainEqual(['stem_act.b', 'stem.1.bias']);
    const state = await readState(found, FILE);
    const values = state.get('cls.2.bias')?.data;
    expect(values).toEqual(Float32Array.of(Math.sin(6) / 2, Math.sin(7) / 2));
  });

  test('of the train form, with the batch norms that are left', async () => {
    const found = await read(TRAIN);
    requireWhole(found, FILE);
    expect(found.config).toMatchObject({ ...CONFIG, form: 'train', lambda: 0.1 });
    expect(found.notes).toEqual([expect.stringContaining('folded 6 of its batch norms')]);
    const state = await readState(found, FILE);
    expect(state.get('stem1.1.running_var')?.data).toEqual(new Float32Array(4).fill(0.5));
    expect(state.get('stages.0.conv1.1.running_var')?.data).toEqual(new Float64Array(4).fill(0.999999));
    expect(state.get('stages.0.conv1.1.weight')?.data).toEqual(new Float32Array(4).fill(1));
    // The bias of the depthwise convolution is that of its batch norm.
    expect(state.get('stem2.2.bn.bias')?.data).toEqual(Float32Array.from([10, 11, 12, 13], (i) => Math.sin(i) / 2));
    expect(state.has('stem2.2.bias')).toBe(false);
    expect(0.999999 + 1e-6).toBe(1);
  });

  test('has lambda 0 for ReLU, and 1 without an activation', async () => {
    const relu = ['stem_leaky', 'leaky', 'head_leaky'].reduce(
      (spec, name) =>
        replaceNode(spec, name, { ...TRAIN.nodes.find((each) => each.outputs[0] === name)!, type: 'Relu' }), // eslint-disable-line @typescript-eslint/no-non-null-assertion -- they exist
      TRAIN,
    );
    expect((await read(relu)).config.lambda).toBe(0);
    const linear: ModelSpec = {
      ...TRAIN,
      nodes: TRAIN.nodes.map((each) => (each.type === 'LeakyRelu' ? { ...each, type: 'Identity' } : each)),
    };
    const found = await read(linear);
    expect(found.config.lambda).toBe(1);
    expect(found.notes).toContain('3 leaky ReLUs are left out: lambda is 1.');
  });

  test('has adaptive pools', async () => {
    const { width, indices } = adaptiveWindows(8, 3);
    const spec = withTensors(
      replaceNode(
        DEPLOY,
        'pool',
        node('Gather', ['stage', 'i'], 'rows', { axis: 2 }),
        node('Gather', ['rows', 'i'], 'columns', { axis: 3 }),
        node('MaxPool', ['columns'], 'pool', { kernel_shape: [width, width], strides: [width, width] }),
      ),
      { i: int64(...indices) },
    );
    expect((await read(spec)).config).toMatchObject({ ada_pool: [3], strides: [2], article_stem: true });
    const official = setAttributes(setAttributes(spec, 'stem', { strides: [3, 3] }), 'stem', { pads: [1, 1, 1, 1] });
    const larger = withTensors(official, { i: int64(...adaptiveWindows(11, 4).indices) });
    expect((await read(larger)).config).toMatchObject({ ada_pool: [4], strides: [2], article_stem: false });
    const plain = setAttributes(setAttributes(DEPLOY, 'stem', { strides: [3, 3] }), 'stem', { pads: [1, 1, 1, 1] });
    const found = await read(plain);
    expect(found.config).toMatchObject({ ada_pool: [0], strides: [2], article_stem: false });
    expect(found.guesses).toEqual([expect.stringContaining('ada_pool of zeros')]);
  });

  test('has an input size only if the graph fixes it', async () => {
    for (const shape of [null, ['N', 3, null, 'W'], [1, 3, -1, 0]]) {
      expect((await read({ ...DEPLOY, inputs: { x: shape } })).config.input_size).toEqual([224, 224]);
    }
    expect((await read({ ...DEPLOY, inputs: { x: [null, null, 40, 48] } })).config.input_size).toEqual([40, 48]);
  });

  test.each<[string, ModelSpec]>([
    ['Identity, Dropout and Cast', withViews(node('Identity', ['mean'], 'a'), node('Dropout', ['a'], 'b'), node('Cast', ['b'], 'views', { to: 1 }))], // prettier-ignore
    ['ReduceMean with an attribute', replaceNode(DEPLOY, 'mean', node('ReduceMean', ['stage_act'], 'mean', { axes: [-1, 2] }))], // prettier-ignore
    ['ReduceMean without kept axes', replaceNode(replaceNode(DEPLOY, 'mean', node('ReduceMean', ['stage_act'], 'flat', { axes: [2, 3], keepdims: 0 }), node('Unsqueeze', ['flat'], 'mean', { axes: [2, 3] })), 'none')], // prettier-ignore
    ['Reshape by a constant', withEnd(node('Constant', [], 's', { value: { tensor: int64(-1, 2) } }), node('Reshape', ['head', 's'], 'y'))], // prettier-ignore
    ['Reshape by a list', withEnd(node('Constant', [], 's', { value_ints: [0, 2] }), node('Reshape', ['head', 's'], 'y'))], // prettier-ignore
    ['Squeeze', withTensors(withEnd(node('Squeeze', ['head', 'axes'], 'y')), { axes: int64(2, -1) })],
    ['Flatten of a negative axis', withEnd(node('Flatten', ['head'], 'y', { axis: -3 }))],
    ['auto_pad VALID', setAttributes(DEPLOY, 'stem', { auto_pad: { text: 'VALID' } })],
    ['the domain ai.onnx', { ...DEPLOY, nodes: DEPLOY.nodes.map((each) => ({ ...each, domain: 'ai.onnx' })) }],
    ['a pool of 1', replaceNode(DEPLOY, 'head', node('MaxPool', ['mean'], 'same', { kernel_shape: [1, 1] }), node('Conv', ['same', 'head.w', 'head.b'], 'head'))], // prettier-ignore
    ['an initializer that is an input, too', { ...DEPLOY, inputs: { ...DEPLOY.inputs, 'stem.w': [4, 3, 4, 4] } }],
    ['zeros for a bias', withTensors(replaceNode(DEPLOY, 'head', node('ConstantOfShape', ['n'], 'z'), node('Conv', ['mean', 'head.w', 'z'], 'head')), { n: int64(2) })], // prettier-ignore
  ])('is the same with %s', async (_, spec) => {
    const found = await read(spec);
    expect(found.config).toMatchObject({ ...CONFIG, form: 'deploy', lambda: 1 });
    expect(found.missing).toEqual([]);
  });

  test('has a bias of zeros where the graph has none', async () => {
    const found = await read(replaceNode(DEPLOY, 'head', node('Conv', ['mean', 'head.w'], 'head')));
    expect((await readState(found, FILE)).get('cls.2.bias')?.data).toEqual(new Float32Array(2));
    expect(found.notes).toEqual(['The graph leaves out 1 biases, which are zero.']);
    // The initializer that was the bias.
    expect(found.unexpected).toEqual(['head.b']);
  });

  test('of one channel is that of the form that the metadata state', async () => {
    const one = (inputs: readonly string[], output: string): NodeSpec => node('Conv', inputs, output);
    const weight = { dims: [1, 1, 1, 1] };
    const spec: ModelSpec = {
      nodes: [
        node('Conv', ['x', 'k'], 'c0', { strides: [4, 4] }),
        ...[node('Relu', ['c0'], 'r0'), one(['r0', 'w'], 'c1')],
        ...[one(['c1', 'w'], 'c2'), node('Relu', ['c2'], 'r1'), one(['r1', 'w'], 'c3')],
        ...[node('GlobalAveragePool', ['c3'], 'm'), one(['m', 'w'], 'c4'), node('Flatten', ['c4'], 'y')],
      ],
      tensors: { w: weight, k: { dims: [1, 3, 4, 4] } },
      ...{ inputs: { x: [1, 3, 8, 8] }, outputs: ['y'] },
    };
    expect((await read(spec)).config).toMatchObject({ form: 'deploy', dims: [1, 1], act_num: 0, strides: [1] });
    const config = { ...(await read(spec)).config, form: 'train', lambda: 0 };
    await expect(read({ ...spec, metadata: { vanillanet: JSON.stringify(config) } })).rejects.toThrow(WeightsError);
  });
});

test.each([[0.3], [0.1], [0.25], [1 / 3], [1], [0], [0.123456789]])('the decimal number of %d in float32', (value) => {
  const short = shortestDecimal(Math.fround(value));
  expect(Math.fround(short)).toBe(Math.fround(value));
  expect(String(short).length).toBeLessThanOrEqual(12);
  if (value === 0.3) expect(short).toBe(0.3);
});

describe('what the caller states', () => {
  test.each<[ModelConfigInput, string, string]>([
    [{ lambda: 0.5 }, 'lambda 0.1, as in the graph', 'lambda 0.5'],
    [{ strides: [1] }, 'strides [2], as in the graph', 'strides [1]'],
    [{ variant: 'vanillanet_5' }, 'dims [4,8], as in the graph', 'dims of "vanillanet_5"'],
  ])('%j contradicts the graph', async (config, expected, got) => {
    const result = read(TRAIN, config);
    await expect(result).rejects.toThrow(refusal(WeightsError, FILE, expected, got));
    await expect(result).rejects.toMatchObject({ hint: 'Omit what the graph states itself.' });
  });

  test('agrees with it, or is no part of the graph', async () => {
    const found = await read(TRAIN, { lambda: 0.1, dims: [4, 8], strides: [2], crop_pct: 0.9 });
    expect(found.config).toMatchObject({ lambda: 0.1, crop_pct: 0.9 });
  });
});

describe('metadata of this package', () => {
  const described = async (spec: ModelSpec, more: object): Promise<ModelSpec> => ({
    ...spec,
    metadata: { vanillanet: JSON.stringify({ ...(await read(spec)).config, ...more }) },
  });

  test('complete what the graph states', async () => {
    const spec = await described(TRAIN, { lambda: 0.10000000000000002, crop_pct: 0.7, class_names: ['a', 'b'] });
    expect((await read(spec)).config).toMatchObject({ crop_pct: 0.7, class_names: ['a', 'b'], lambda: 0.10000000000000002 }); // prettier-ignore
  });

  test.each([
    [{ lambda: 0.2 }, 'lambda 0.2', '0.1'],
    [{ lambda: null }, 'lambda null', '0.1'],
    [{ strides: [1] }, 'strides [1]', '[2]'],
    [{ ada_pool: [0] }, 'ada_pool [0]', 'null'],
    [{ form: 'deploy' }, 'form "deploy"', '"train"'],
  ])('%j are those of another network', async (more, expected, got) => {
    const result = read(await described(TRAIN, more));
    await expect(result).rejects.toThrow(refusal(WeightsError, FILE, `${expected}, as in the metadata`, got));
  });

  test('have counters of batches', async () => {
    const counters = (value: unknown): ModelSpec => ({
      ...TRAIN,
      metadata: { 'vanillanet.num_batches_tracked': JSON.stringify(value) },
    });
    const found = await read(counters({ 'stem1.1.num_batches_tracked': 12 }));
    expect(await found.tensors.get('stem1.1.num_batches_tracked')?.read()).toEqual(Float64Array.of(12));
    for (const value of [{ 'stem1.1.num_batches_tracked': 1.5 }, { 'stem1.1.weight': 1 }, [1]]) {
      await expect(read(counters(value))).rejects.toThrow(refusal(WeightsError, FILE, 'counts', ''));
    }
  });
});

const value = (type: number, ...fields: readonly (readonly number[])[]) => ({ type, values: fields.flat() });
const cycle = withViews(node('Identity', ['b'], 'a'), node('Identity', ['a'], 'b'), node('Identity', ['b'], 'views'));

const REFUSED: readonly (readonly [title: string, spec: ModelSpec, op: string, expected: string, got: string])[] = [
  ['another op', withViews(node('Sigmoid', ['mean'], 'views')), 'node views', 'an op of VanillaNet', 'Sigmoid'],
  ['another domain', { ...DEPLOY, nodes: DEPLOY.nodes.map((each) => ({ ...each, domain: 'com.x' })) }, 'node y', 'an op of VanillaNet', 'com.x.Flatten'], // prettier-ignore
  ['a cycle', cycle, 'node b', 'nodes one after the other', 'a cycle'],
  ['a cycle of weights', replaceNode(DEPLOY, 'head', node('Identity', ['q'], 'p'), node('Cast', ['p'], 'q'), node('Conv', ['mean', 'q'], 'head')), 'node head', 'weights in the file', "each other's outputs"], // prettier-ignore
  ['two values of a name', withViews(node('Identity', ['mean'], 'views'), node('Relu', ['mean'], 'views')), 'node views', 'one value of each name', '"views"'], // prettier-ignore
  ['a value with the name of an initializer', withViews(node('Identity', ['mean'], 'stem.w')), 'node stem.w', 'one value of each name', '"stem.w"'], // prettier-ignore
  ['a gap', withViews(node('Identity', ['nothing'], 'views')), 'graph', 'nodes from the input "x"', '"nothing"'],
  ['no output', { ...DEPLOY, outputs: [] }, 'graph', 'one output, the logits', '0'],
  ['two outputs', { ...DEPLOY, outputs: ['y', 'mean'] }, 'graph', 'one output, the logits', '2'],
  ['no input', { ...DEPLOY, inputs: {} }, 'graph', 'one input', 'none'],
  ['weights as inputs', { ...DEPLOY, tensors: {}, inputs: { ...DEPLOY.inputs, 'stem.w': null } }, 'graph', 'one input, the images', '2: x, stem.w'], // prettier-ignore
  ['a list as the input', { ...DEPLOY, inputs: { x: [3] } }, 'input x', 'images [batch', '[3]'],
  ['a large image', { ...DEPLOY, inputs: { x: [1, 3, 65537, 32] } }, 'input x', 'at most 65536', '[1,3,65537,32]'],
  ['a small image', { ...DEPLOY, inputs: { x: [1, 3, 4, 4] } }, 'node pool', 'a map of at least 1x1', '0x0'],
  ['other channels', { ...DEPLOY, inputs: { x: [1, 4, 32, 32] } }, 'tensor stem.w', '4 channels in 1 groups', '[4,3,4,4]'], // prettier-ignore
  ['a missing weight', replaceNode(DEPLOY, 'head', node('Conv', ['mean', 'lost'], 'head')), 'node head', 'weights in the file', 'no tensor "lost"'], // prettier-ignore
  ['a computed weight', replaceNode(DEPLOY, 'head', node('Transpose', ['head.w'], 't'), node('Conv', ['mean', 't'], 'head')), 'node head', 'weights in the file', 'what Transpose computes'], // prettier-ignore
  ['a quantized weight', replaceNode(DEPLOY, 'head', node('DequantizeLinear', ['head.w'], 't'), node('Conv', ['mean', 't'], 'head')), 'node head', 'weights in the file', 'DequantizeLinear'], // prettier-ignore
  ['an integer weight', setTensor(DEPLOY, 'head.w', { dims: [2, 8, 1, 1], type: 7 }), 'tensor head.w', 'weights of float32', 'int64'], // prettier-ignore
  ['a type that there is not', setTensor(DEPLOY, 'head.w', { dims: [2, 8, 1, 1], type: 99 }), 'tensor head.w', 'weights of float32', 'type 99'], // prettier-ignore
  ['a bias of another length', setTensor(DEPLOY, 'head.b', { dims: [3] }), 'tensor head.b', '[2]', '[3]'],
  ['fewer values', setTensor(DEPLOY, 'head.b', { dims: [2], ...value(1, bytesField(9, [0, 0, 0, 0])) }), 'tensor head.b', '8 bytes of values', '4 bytes'], // prettier-ignore
  ['no values', setTensor(DEPLOY, 'head.b', { dims: [2], ...value(1) }), 'tensor head.b', '8 bytes of values', '0 bytes'], // prettier-ignore
  ['values of two fields', setTensor(DEPLOY, 'head.b', { dims: [2], ...value(1, bytesField(9, Array<number>(8).fill(0)), bytesField(4, Array<number>(8).fill(0))) }), 'tensor head.b', 'values in one field', 'several'], // prettier-ignore
  ['values of another type', setTensor(DEPLOY, 'head.b', { dims: [2], ...value(1, bytesField(10, Array<number>(16).fill(0))) }), 'tensor head.b', 'no values of type 1 in field 10', 'some'], // prettier-ignore
  ['values one by one', setTensor(DEPLOY, 'head.b', { dims: [2], ...value(10, integerField(5, 1)) }), 'tensor head.b', 'packed values', 'a field for each'], // prettier-ignore
  ['a segment', setTensor(DEPLOY, 'head.b', { dims: [2], ...value(1, bytesField(3, integerField(1, 0))) }), 'tensor head.b', 'a whole tensor', 'a segment'], // prettier-ignore
  ['a negative size', setTensor(DEPLOY, 'head.b', { dims: [-2], ...value(1) }), 'tensor head.b', '[2]', '[-2]'],
  ['two initializers of a name', { ...DEPLOY, graphFields: bytesField(5, tensorMessage('head.b', { dims: [2] })) }, 'tensor head.b', 'one initializer', 'two'], // prettier-ignore
  ['a sparse initializer', { ...DEPLOY, graphFields: bytesField(15, textField(1, 'a')) }, 'graph', 'dense initializers', 'sparse'], // prettier-ignore
  ['two graphs', { ...DEPLOY, modelFields: bytesField(7, []) }, FILE, 'one graph', 'two'],
  ['two entries of metadata', { ...DEPLOY, metadata: { a: '1' }, modelFields: bytesField(14, [...textField(1, 'a')]) }, 'metadata', 'one value of "a"', 'two'], // prettier-ignore
  ['two attributes of a name', { ...DEPLOY, graphFields: bytesField(1, [...textField(3, 'n'), ...bytesField(5, textField(1, 'a')), ...bytesField(5, textField(1, 'a'))]) }, 'node n', 'one attribute a', 'two'], // prettier-ignore
  ['an old opset', { ...DEPLOY, opset: 6 }, FILE, 'opset 7 to', 'opset 6'],
  ['an unknown opset', { ...DEPLOY, opset: 41 }, FILE, 'to 40', 'opset 41'],
  ['the stem of another network', setAttributes(DEPLOY, 'stem', { strides: [2, 2] }), 'node stem', 'the stem of VanillaNet', 'kernel 4, stride 2, padding 0'], // prettier-ignore
  ['unequal strides', setAttributes(DEPLOY, 'stem', { strides: [4, 2] }), 'node stem', '2 equal strides', '[4,2]'],
  ['a stride of 0', setAttributes(DEPLOY, 'stem', { strides: [0, 0] }), 'node stem', 'strides of at least 1', '0'],
  ['unequal pads', setAttributes(DEPLOY, 'stem', { pads: [0, 0, 1, 1] }), 'node stem', '4 equal pads', '[0,0,1,1]'],
  ['dilations', setAttributes(DEPLOY, 'stem_act', { dilations: [2, 2] }), 'node stem_act', 'dilations of 1', '2'],
  ['automatic pads', setAttributes(DEPLOY, 'stem_act', { auto_pad: { text: 'SAME_UPPER' } }), 'node stem_act', 'explicit pads', 'SAME_UPPER'], // prettier-ignore
  ['a wrong kernel_shape', setAttributes(DEPLOY, 'stem', { kernel_shape: [3, 3] }), 'node stem', 'kernel_shape 4', '[3,3]'], // prettier-ignore
  ['a map that shrinks', setAttributes(DEPLOY, 'stem_act', { pads: [0, 0, 0, 0] }), 'node stem_act', 'keeps the size of the map (stem.1)', 'padding 0'], // prettier-ignore
  ['groups in a 1x1 convolution', setTensor(setAttributes(DEPLOY, 'stage', { group: 2 }), 'stage.w', { dims: [8, 2, 1, 1] }), 'node stage', 'a 1x1 convolution (stages.0.conv)', '2 groups'], // prettier-ignore
  ['a text as a group', setAttributes(DEPLOY, 'stage', { group: { text: 'a' } }), 'node stage', 'an integer group', 'another value'], // prettier-ignore
  ['a number as strides', setAttributes(DEPLOY, 'stage', { strides: 1 }), 'node stage', 'a list of integers strides', 'another value'], // prettier-ignore
  ['overlapping pools', setAttributes(DEPLOY, 'pool', { kernel_shape: [3, 3] }), 'node pool', 'strides that are the kernel', 'kernel [3,3], strides [2,2]'], // prettier-ignore
  ['a pool that is not square', setAttributes(DEPLOY, 'pool', { kernel_shape: [2, 1], strides: [2, 1] }), 'node pool', 'a square window', '[2,1]'], // prettier-ignore
  ['a padded pool', setAttributes(DEPLOY, 'pool', { pads: [1, 1, 1, 1] }), 'node pool', 'no pads', 'pads 1, ceil_mode 0'], // prettier-ignore
  ['a pool that rounds up', setAttributes(DEPLOY, 'pool', { ceil_mode: 1 }), 'node pool', 'ceil_mode 0', 'ceil_mode 1'], // prettier-ignore
  ['leaky ReLU before a depthwise convolution', setAttributes(replaceNode(DEPLOY, 'stage_relu', node('LeakyRelu', ['pool'], 'stage_relu', { alpha: { float: 0.5 } })), 'none', {}), 'node stage_relu', 'ReLU', 'leaky ReLU of 0.5'], // prettier-ignore
  ['a negative slope', setAttributes(TRAIN, 'leaky', { alpha: { float: -1 } }), 'node leaky', 'alpha in [0, 1]', '-1'],
  ['slopes that differ', setAttributes(TRAIN, 'leaky', { alpha: { float: 0.2 } }), 'node leaky', 'alpha 0.1', '0.2'],
  ['the default slope beside others', replaceNode(TRAIN, 'leaky', node('LeakyRelu', ['first'], 'leaky')), 'node leaky', 'alpha 0.1', '0.01'], // prettier-ignore
  ['a slope of 1 without the others', replaceNode(TRAIN, 'leaky', node('Identity', ['first'], 'leaky')), 'node stem_leaky', 'alpha 1', '0.1'], // prettier-ignore
  ['another epsilon', setAttributes(TRAIN, 'stem_norm', { epsilon: { float: 1e-5 } }), 'node stem_norm', 'epsilon 1e-6', '0.00000999'], // prettier-ignore
  ['training mode', setAttributes(TRAIN, 'stem_norm', { training_mode: 1 }), 'node stem_norm', 'running statistics', 'training_mode 1'], // prettier-ignore
  ['another order', replaceNode(TRAIN, 'pool', node('GlobalAveragePool', ['second'], 'pool')), 'node pool', 'ReLU', 'the average over the map'], // prettier-ignore
  ['no classifier', replaceNode(DEPLOY, 'head', node('Identity', ['mean'], 'head')), 'node mean', 'a 1x1 convolution', 'the end of the network'], // prettier-ignore
  ['more than the classifier', withEnd(node('Conv', ['head', 'w'], 'more'), node('Flatten', ['more'], 'y')), 'node more', 'weights in the file', 'no tensor "w"'], // prettier-ignore
  ['a layer after the classifier', setTensor(withEnd(node('Conv', ['head', 'w'], 'more'), node('Flatten', ['more'], 'y')), 'w', { dims: [2, 2, 1, 1] }), 'node more', 'the end of the network', 'a convolution'], // prettier-ignore
  ['no average', replaceNode(DEPLOY, 'mean', node('Identity', ['stage_act'], 'mean')), 'node y', 'no change of shape before the average', 'Flatten'], // prettier-ignore
  ['the mean over channels', replaceNode(DEPLOY, 'mean', node('ReduceMean', ['stage_act'], 'mean', { axes: [1] })), 'node mean', 'the mean over height and width', '[1]'], // prettier-ignore
  ['Softmax in the middle', withViews(node('Softmax', ['mean'], 'views')), 'node head', 'Softmax at the end', 'Conv'],
  ['logits with four axes', withEnd(node('Identity', ['head'], 'y')), 'node y', 'logits [batch, classes]', '[2,2,1,1]'],
  ['maps of integers', withViews(node('Cast', ['mean'], 'views', { to: 7 })), 'node views', 'activations of floats', 'int64'], // prettier-ignore
  ['another shape', withTensors(withEnd(node('Reshape', ['head', 's'], 'y')), { s: int64(3, -1) }), 'node y', 'a shape of 4 elements', '[3,-1]'], // prettier-ignore
  ['a shape of floats', withEnd(node('Reshape', ['head', 'head.b'], 'y')), 'tensor head.b', 'integers', 'float32 [2]'],
  ['a shape from the images', withEnd(node('Reshape', ['head', 'x'], 'y')), 'node y', 'a shape or indices', '"x"'],
  ['a shape by another op', withEnd(node('Sqrt', ['n'], 's'), node('Reshape', ['head', 's'], 'y')), 'node s', 'a shape or indices', 'Sqrt'], // prettier-ignore
  ['a shape that needs itself', withEnd(node('Add', ['s', 's'], 's'), node('Reshape', ['head', 's'], 'y')), 'node s', 'a shape or indices', 'more than 64 nodes'], // prettier-ignore
  ['a long range', withTensors(withEnd(node('Range', ['o', 'n', 'i'], 's'), node('Reshape', ['head', 's'], 'y')), { o: int64(0), n: int64(2 ** 40), i: int64(1) }), 'node s', 'a shape or indices', '1099511627776 integers'], // prettier-ignore
  ['a change of shape in a stage', replaceNode(DEPLOY, 'stage_relu', node('Flatten', ['pool'], 'f'), node('Relu', ['f'], 'stage_relu')), 'node f', 'no change of shape', 'Flatten'], // prettier-ignore
  ['a selection of channels', withTensors(replaceNode(DEPLOY, 'stage_relu', node('Gather', ['pool', 'i'], 'f', { axis: 1 }), node('Relu', ['f'], 'stage_relu')), { i: int64(0) }), 'node f', 'rows, then columns', 'axis 1'], // prettier-ignore
  ['rows alone', withTensors(replaceNode(DEPLOY, 'pool', node('Gather', ['stage', 'i'], 'f', { axis: 2 }), node('MaxPool', ['f'], 'pool', { kernel_shape: [2, 2], strides: [2, 2] })), { i: int64(0, 1) }), 'node pool', 'rows and columns', 'rows alone'], // prettier-ignore
  ['rows without a pool', withTensors(replaceNode(DEPLOY, 'pool', node('Gather', ['stage', 'i'], 'pool', { axis: 2 })), { i: int64(0, 1) }), 'node stage_relu', 'the pool of the rows', 'Relu'], // prettier-ignore
  ['other rows', withTensors(replaceNode(DEPLOY, 'pool', node('Gather', ['stage', 'i'], 'f', { axis: 2 }), node('Gather', ['f', 'i'], 'g', { axis: 3 }), node('MaxPool', ['g'], 'pool', { kernel_shape: [3, 3], strides: [3, 3] })), { i: int64(0, 1, 2, 2, 3, 4, 5, 6, 6) }), 'node f', 'the indices of an adaptive pool', 'others'], // prettier-ignore
  ['elements in another order', withTensors(withViews(node('Reshape', ['mean', 's'], 'flat'), node('Gather', ['flat', 'i'], 'views')), { s: int64(-1), i: { dims: [2, 8, 1, 1], type: 7, values: integersField(7, [1, 0, ...Array.from({ length: 14 }, (_, i) => i + 2)]) } }), 'node views', 'all elements in their order', 'another selection'], // prettier-ignore
  ['values in another file', setTensor(DEPLOY, 'head.b', { dims: [2], ...value(1, bytesField(13, [...textField(1, 'location'), ...textField(2, 'w.data')]), integerField(14, 1)) }), 'tensor head.b', 'values in the file itself', 'another file'], // prettier-ignore
  ['external data of no place', setTensor(DEPLOY, 'head.b', { dims: [2], ...value(1, integerField(14, 1)) }), 'tensor head.b', 'the location of external data', 'none'], // prettier-ignore
];

test.each(REFUSED)('%s is refused', async (_, spec, op, expected, got) => {
  const result = read(spec);
  await expect(result).rejects.toThrow(refusal(WeightsError, op, expected, got));
  await expect(result).rejects.toMatchObject({ hint: expect.stringMatching(/^[A-Z].*\.$/) as unknown });
});

test('a graph that onnxruntime has optimized is refused with a hint', async () => {
  const spec = replaceNode(DEPLOY, 'head', { ...node('FusedConv', ['mean'], 'head'), domain: 'com.microsoft' });
  await expect(read(spec)).rejects.toMatchObject({
    got: 'com.microsoft.FusedConv',
    hint: expect.stringContaining('before onnxruntime optimized it') as unknown,
  });
});

test('weights that are not finite are refused when they are read', async () => {
  const nan = new Uint8Array(Float32Array.of(1, NaN).buffer);
  const found = await read(setTensor(DEPLOY, 'head.b', { dims: [2], values: bytesField(9, nan) }));
  await expect(readState(found, FILE)).rejects.toThrow(refusal(WeightsError, 'cls.2.bias', 'finite weights', 'NaN'));
});

describe('values as numbers of fields', () => {
  const bias = async (type: number, field: number, ...bits: readonly number[]) => {
    const values = integersField(field, bits);
    const found = await read(setTensor(DEPLOY, 'head.b', { dims: [2], type, values }));
    return found.tensors.get('cls.2.bias')?.read();
  };

  test('are bits of half precision', async () => {
    expect(await bias(10, 5, 0x3c00, 0xc000)).toEqual(Float32Array.of(1, -2));
    expect(await bias(16, 5, 0x3f80, 0xc000)).toEqual(Float32Array.of(1, -2));
  });

  test('are as many as the tensor has', async () => {
    await expect(bias(10, 5, 1)).rejects.toThrow(refusal(WeightsError, 'tensor head.b', '2 values', '1'));
    await expect(bias(10, 5, 1, 2, 3)).rejects.toThrow(refusal(WeightsError, 'tensor head.b', 'at most 2 integers', 'more')); // prettier-ignore
  });
});

describe('bytes that are no model', () => {
  const bytes = encodeModel(DEPLOY);
  const refuses = (damaged: Uint8Array, op: string, expected: string, got: string) =>
    expect(open(damaged)).rejects.toThrow(refusal(WeightsError, op, expected, got));

  test('that are cut', async () => {
    await refuses(bytes.subarray(0, bytes.length - 1), FILE, '', '');
    await refuses(bytes.subarray(0, 1000), `${FILE}: byte`, 'at most', 'bytes');
    await refuses(bytes.subarray(0, 13), FILE, 'a model with a graph', 'a message without one');
  });

  test('with lengths that lie', async () => {
    const start = [8, 8, 0x12, 1, 0x61];
    const long = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    await refuses(Uint8Array.from([...start, 0x3a, ...long]), 'byte 5', 'at most 0 bytes of field 7', '9223372036854776000 bytes'); // prettier-ignore
    await refuses(Uint8Array.from([...start, 0x3a, ...long.map(() => 0xff), 1]), 'byte 5', 'of field 7', '-1 bytes');
    await refuses(Uint8Array.from([...start, 0x3a, 0x80]), 'byte 5', 'the value of field 7', 'the end of the message');
    await refuses(Uint8Array.from([...start, 0x3b]), 'byte 5', 'a field of a known encoding', 'the encoding 3');
    await refuses(Uint8Array.from([...start, 0x00, 0x00]), 'byte 5', 'a field of a message', 'bytes that are none');
    await refuses(Uint8Array.from([...start, 0x38, 0x01]), 'graph', 'a message', 'a number at byte');
    await refuses(Uint8Array.from([...start, 0x12, 1, 0xff]), FILE, 'text in UTF-8', 'other bytes at byte 7');
  });

  test('with many nodes', async () => {
    const nodes = bytesField(1, textField(4, 'Relu'));
    const graph = Array.from({ length: 50_000 }, () => nodes).flat();
    const many = Uint8Array.from([8, 8, 0x12, 1, 0x61, ...bytesField(7, graph)]);
    await refuses(many, 'node', 'a graph of a few megabytes beside its weights', 'a larger one');
  });

  test('with messages within messages', async () => {
    let inner: number[] = [];
    for (let i = 0; i < 2000; i++) inner = bytesField(6, inner);
    const graphs = bytesField(1, [...textField(4, 'If'), ...bytesField(5, [...textField(1, 'then_branch'), ...inner])]);
    const found = await open(encodeModel({ ...DEPLOY, graphFields: graphs }));
    expect(recognize(found, FILE).config.dims).toEqual([4, 8]);
  });
});

describe('external data', () => {
  const external = (entries: Readonly<Record<string, string>>): ModelSpec =>
    setTensor(DEPLOY, 'head.b', {
      dims: [2],
      values: [
        ...Object.entries(entries).flatMap(([key, text]) =>
          bytesField(13, [...textField(1, key), ...textField(2, text)]),
        ),
        ...integerField(14, 1),
      ],
    });
  const openFile = async (spec: ModelSpec) => {
    await mkdir(path('graph/inner'), { recursive: true });
    await writeFile(path('graph/net.onnx'), encodeModel(spec));
    const file = await openForeign(path('graph/net.onnx'));
    if (file === null) throw new Error('The file is not recognized.');
    return file;
  };

  test.each([
    ['w.data', { offset: '4', length: '8' }],
    ['inner/w.data', { offset: '4' }],
    ['./w.data', { offset: '4', checksum: 'x' }],
  ])('are read from %s', async (location, more) => {
    await mkdir(path('graph/inner'), { recursive: true });
    for (const name of ['graph/w.data', 'graph/inner/w.data']) {
      await writeFile(path(name), new Uint8Array(Float32Array.of(9, 1.5, -2).buffer));
    }
    const file = await openFile(external({ location, ...more }));
    const found = recognize(file, FILE);
    expect(await found.tensors.get('cls.2.bias')?.read()).toEqual(Float32Array.of(1.5, -2));
    await file.close();
  });

  test.each<[Readonly<Record<string, string>>, string, string]>([
    [{ location: '../secret.data' }, 'data in the folder of the file', '"../secret.data"'],
    [{ location: 'inner/../../secret.data' }, 'data in the folder of the file', 'secret'],
    [{ location: '..\\secret.data' }, 'data in the folder of the file', 'secret'],
    [{ location: '/etc/hostname' }, 'data in the folder of the file', '"/etc/hostname"'],
    [{ location: 'C:\\secret' }, 'data in the folder of the file', 'secret'],
    [{ location: '' }, 'data in the folder of the file', '""'],
    [{ location: 'w.data', offset: '-4' }, 'a number of bytes as the offset', '"-4"'],
    [{ location: 'w.data', offset: '1e3' }, 'a number of bytes as the offset', '"1e3"'],
    [{ location: 'w.data', length: '4' }, '8 bytes of external data', '4 bytes'],
    [{ location: 'w.data', offset: '8' }, 'at least 16 bytes in', '12 bytes'],
    [{ location: 'w.data', offset: '999999999999999' }, 'at least', '12 bytes'],
    [{ location: 'none.data' }, 'a readable file', ''],
    [{ location: 'inner' }, 'a readable file', 'a folder'],
  ])('%j are refused', async (entries, expected, got) => {
    await mkdir(path('graph'), { recursive: true });
    await writeFile(path('graph/w.data'), new Uint8Array(12));
    await writeFile(path('secret.data'), new Uint8Array(12));
    await expect(openFile(external(entries))).rejects.toThrow(refusal(WeightsError, '', expected, got));
  });

  posixTest('links')('behind a link out of the folder are refused', async () => {
    await mkdir(path('graph'), { recursive: true });
    await writeFile(path('secret.data'), new Uint8Array(12));
    await writeFile(path('graph/own.data'), new Uint8Array(12));
    await symlink(path('secret.data'), path('graph/out.data'));
    await symlink('own.data', path('graph/in.data'));
    await expect(openFile(external({ location: 'out.data' }))).rejects.toThrow(
      refusal(WeightsError, 'tensor head.b', 'data in the folder of the file', '"out.data"'),
    );
    const file = await openFile(external({ location: 'in.data' }));
    await file.close();
  });
});
