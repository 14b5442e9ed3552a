/** Draws ONNX graphs: whole ones, ones with damaged bytes, and ones whose nodes and tensors are others. */
import { adaptiveWindows } from '../../../src/formats/onnx/adaptiveWindows.js';
import { bytesField, integerField, textField, varint } from '../../../src/formats/onnx/message.js';
import {
  DEPLOY,
  encodeModel,
  int64,
  replaceNode,
  setTensor,
  TRAIN,
  type AttributeSpec,
  type ModelSpec,
  type NodeSpec,
  type TensorSpec,
} from '../../formats/onnxModel.js';
import { BOUNDARIES, mutateBytes } from '../mutateBytes.js';
import type { Random } from '../random.js';

const { width, indices } = adaptiveWindows(8, 3);
const node = (
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: NodeSpec['attributes'],
): NodeSpec => ({
  ...{ type, inputs, outputs: [output], attributes: attributes ?? {} },
});
const ADAPTIVE = setTensor(
  replaceNode(
    DEPLOY,
    'pool',
    node('Gather', ['stage', 'i'], 'rows', { axis: 2 }),
    node('Gather', ['rows', 'i'], 'columns', { axis: 3 }),
    node('MaxPool', ['columns'], 'pool', { kernel_shape: [width, width], strides: [width, width] }),
  ),
  'i',
  int64(...indices),
);

/** A view by computed indices, and an end by a computed shape, as PyTorch writes them. */
const VIEWS: ModelSpec = {
  ...replaceNode(
    replaceNode(
      DEPLOY,
      'head',
      ...[node('Shape', ['x'], 'size', { start: 0, end: 1 }), node('Squeeze', ['size'], 'n', {})],
      ...[node('Range', ['zero', 'n', 'one'], 'images', {}), node('Mul', ['images', 'eight'], 'starts', {})],
      ...[node('Unsqueeze', ['starts', 'axes'], 'column', {}), node('Add', ['column', 'offsets'], 'i', {})],
      ...[node('Reshape', ['mean', 'all'], 'flat', {}), node('Gather', ['flat', 'i'], 'views', { axis: 0 })],
      node('Conv', ['views', 'head.w', 'head.b'], 'head', {}),
    ),
    'y',
    ...[node('Shape', ['head'], 'shape', {}), node('Gather', ['shape', 'zero'], 'batch', { axis: 0 })],
    ...[node('Concat', ['batch', 'all'], 'target', { axis: 0 }), node('Reshape', ['head', 'target'], 'y', {})],
  ),
  tensors: {
    ...DEPLOY.tensors,
    ...{ zero: int64(0), one: int64(1), eight: int64(8), all: int64(-1), axes: int64(1, 2, 3) },
    offsets: { ...int64(0, 1, 2, 3, 4, 5, 6, 7), dims: [1, 8, 1, 1] },
  },
};

const MODELS: readonly ModelSpec[] = [DEPLOY, TRAIN, ADAPTIVE, VIEWS];
const FILES = MODELS.map(encodeModel);
const TYPES = ['Conv', 'Relu', 'LeakyRelu', 'MaxPool', 'BatchNormalization', 'Gather', 'Reshape', 'Flatten', 'Identity']
  .concat(['Cast', 'Add', 'Mul', 'Range', 'Shape', 'Concat', 'Constant', 'Expand', 'ReduceMean', 'Softmax', 'Squeeze'])
  .concat(['Unsqueeze', 'Sub', 'CastLike', 'ConstantOfShape', 'Dropout']);
const NUMBERS = [-2, -1, 0, 1, 2, 3, 4, 7, 8, 2 ** 16, 2 ** 31 - 1, 2 ** 31, 2 ** 40, 2 ** 53 - 1];

const WORDS = [
  ...BOUNDARIES.map((value) => Uint8Array.from(varint(Number(BigInt.asIntN(64, value))))),
  ...[integerField(1, 0), integerField(14, 1), textField(1, 'location'), bytesField(9, []), bytesField(5, [])].map(
    (bytes) => Uint8Array.from(bytes),
  ),
];

const change = <T>(random: Random, list: readonly T[], by: (each: T) => readonly T[]): T[] => {
  const at = random.integer(0, list.length - 1);
  return list.flatMap((each, i) => (i === at ? by(each) : [each]));
};

function otherAttribute(random: Random, value: AttributeSpec): AttributeSpec {
  if (random.chance(0.1)) return { text: 'SAME_UPPER' };
  if (random.chance(0.1)) return { float: random.pick([0, 1, -1, 0.5, NaN, Infinity]) };
  if (typeof value === 'number') return random.pick(NUMBERS);
  if (Array.isArray(value)) {
    const list = value as readonly number[];
    return change(random, list, (each) => random.pick([[], [each, each], [random.pick(NUMBERS)]]));
  }
  return random.pick([random.pick(NUMBERS), [random.pick(NUMBERS)]]);
}

function otherNode(random: Random, spec: ModelSpec, each: NodeSpec): readonly NodeSpec[] {
  const names = [...spec.nodes.flatMap(({ outputs }) => outputs), ...Object.keys(spec.tensors), 'x', '', 'none'];
  const attributes = Object.entries(each.attributes ?? {});
  return random.pick<() => readonly NodeSpec[]>([
    () => [],
    () => [each, each],
    () => [{ ...each, type: random.pick(TYPES) }],
    () => [{ ...each, domain: random.pick(['', 'ai.onnx', 'com.x']) }],
    () => [{ ...each, inputs: change(random, each.inputs, () => [random.pick(names)]) }],
    () => [{ ...each, inputs: change(random, each.inputs, (name) => random.pick([[], [name, name]])) }],
    () => [{ ...each, outputs: [random.pick(names)] }],
    () => [
      {
        ...each,
        attributes: Object.fromEntries(
          attributes.map(([key, value]) => [key, random.chance(0.5) ? value : otherAttribute(random, value)]),
        ),
      },
    ],
  ])();
}

function otherTensor(random: Random, tensor: TensorSpec): TensorSpec {
  return random.pick<() => TensorSpec>([
    () => ({ ...tensor, type: random.pick([0, 1, 6, 7, 8, 10, 11, 16, 99]) }),
    () => ({ ...tensor, dims: change(random, tensor.dims, () => [random.pick(NUMBERS)]), values: tensor.values ?? [] }),
    () => ({ ...tensor, dims: change(random, tensor.dims, (size) => random.pick([[], [size, 1]])) }),
    () => ({ ...tensor, values: bytesField(random.pick([4, 5, 7, 9, 10]), [...random.bytes(random.integer(0, 40))]) }),
    () => ({ ...tensor, values: integerField(14, 1) }),
  ])();
}

/** A model with a few other nodes, tensors, or inputs. */
function otherModel(random: Random, spec: ModelSpec): ModelSpec {
  if (spec.nodes.length === 0) return spec;
  if (random.chance(0.1))
    return { ...spec, inputs: { x: random.pick([null, [1, 3], ['N', random.pick(NUMBERS), 32, 32]]) } };
  if (random.chance(0.1)) return { ...spec, nodes: [...spec.nodes].reverse() };
  if (random.chance(0.6))
    return { ...spec, nodes: change(random, spec.nodes, (each) => otherNode(random, spec, each)) };
  const entries: readonly (readonly [string, TensorSpec])[] = Object.entries(spec.tensors);
  const tensors = change(random, entries, ([name, tensor]) => [[name, otherTensor(random, tensor)] as const]);
  return { ...spec, tensors: Object.fromEntries(tensors) };
}

export function drawOnnx(random: Random): Uint8Array {
  if (random.chance(0.5)) return mutateBytes(random, random.pick(FILES), { words: WORDS, others: FILES });
  let spec = random.pick(MODELS);
  for (let i = random.few(4); i >= 0; i--) spec = otherModel(random, spec);
  return encodeModel(spec);
}
