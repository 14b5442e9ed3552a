/** Composes ONNX models node by node, also ones that are wrong. */
import {
  bytesField,
  floatField,
  integerField,
  integersField,
  textField,
  type MessageBytes,
} from '../../src/formats/onnx/message.js';

export interface TensorSpec {
  readonly dims: readonly number[];
  /** By default float32. */
  readonly type?: number;
  /** Fields of the values; by default raw float32 ones. */
  readonly values?: MessageBytes;
}

/** An attribute: an integer, a list of them, a float, a text, or a tensor. */
export type AttributeSpec = number | readonly number[] | { float: number } | { text: string } | { tensor: TensorSpec };

export interface NodeSpec {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeSpec>>;
  readonly name?: string;
  readonly domain?: string;
}

export interface ModelSpec {
  readonly nodes: readonly NodeSpec[];
  readonly tensors: Readonly<Record<string, TensorSpec>>;
  /** Shapes by names; null for a size that is not fixed. */
  readonly inputs: Readonly<Record<string, readonly (number | string | null)[] | null>>;
  readonly outputs: readonly string[];
  readonly opset?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Fields of the graph, and of the model, that are added. */
  readonly graphFields?: MessageBytes;
  readonly modelFields?: MessageBytes;
}

/** Values that are the same each time, and differ from tensor to tensor. */
const rawFloats = (count: number, name: string): Uint8Array =>
  new Uint8Array(Float32Array.from({ length: count }, (_, i) => Math.sin(i + name.length) / 2).buffer);

export function tensorMessage(name: string, { dims, type = 1, values }: TensorSpec): MessageBytes {
  const count = dims.reduce((product, size) => product * size, 1);
  return [
    ...dims.flatMap((size) => integerField(1, size)),
    ...integerField(2, type),
    ...textField(8, name),
    ...(values ?? bytesField(9, rawFloats(count, name))),
  ];
}

export const int64 = (...list: readonly number[]): TensorSpec => ({
  dims: [list.length],
  type: 7,
  values: integersField(7, list),
});

function attributeMessage(name: string, value: AttributeSpec): MessageBytes {
  const head = textField(1, name);
  if (typeof value === 'number') return [...head, ...integerField(3, value)];
  if ('float' in value) return [...head, ...floatField(2, value.float)];
  if ('text' in value) return [...head, ...textField(4, value.text)];
  if ('tensor' in value) return [...head, ...bytesField(5, tensorMessage('', value.tensor))];
  return [...head, ...value.flatMap((each) => integerField(8, each))];
}

const nodeMessage = ({ type, inputs, outputs, attributes = {}, name = outputs[0], domain }: NodeSpec): MessageBytes => [
  ...inputs.flatMap((each) => textField(1, each)),
  ...outputs.flatMap((each) => textField(2, each)),
  ...textField(3, name),
  ...textField(4, type),
  ...Object.entries(attributes).flatMap(([key, value]) => bytesField(5, attributeMessage(key, value))),
  ...(domain === undefined ? [] : textField(7, domain)),
];

function inputMessage(name: string, shape: ModelSpec['inputs'][string]): MessageBytes {
  if (shape === null) return textField(1, name);
  const sizes = shape.flatMap((size) =>
    bytesField(1, size === null ? [] : typeof size === 'string' ? textField(2, size) : integerField(1, size)),
  );
  return [...textField(1, name), ...bytesField(2, bytesField(1, [...integerField(1, 1), ...bytesField(2, sizes)]))];
}

export function encodeModel(spec: ModelSpec): Uint8Array {
  const graph = [
    ...spec.nodes.flatMap((node) => bytesField(1, nodeMessage(node))),
    ...Object.entries(spec.tensors).flatMap(([name, tensor]) => bytesField(5, tensorMessage(name, tensor))),
    ...Object.entries(spec.inputs).flatMap(([name, shape]) => bytesField(11, inputMessage(name, shape))),
    ...spec.outputs.flatMap((name) => bytesField(12, textField(1, name))),
    ...(spec.graphFields ?? []),
  ];
  return Uint8Array.from([
    ...[...integerField(1, 8), ...textField(2, 'a test'), ...textField(3, '1')],
    ...bytesField(7, graph),
    ...bytesField(8, integerField(2, spec.opset ?? 17)),
    ...Object.entries(spec.metadata ?? {}).flatMap(([key, value]) =>
      bytesField(14, [...textField(1, key), ...textField(2, value)]),
    ),
    ...(spec.modelFields ?? []),
  ]);
}

const conv = (name: string, input: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  ...{ type: 'Conv', inputs: [input, `${name}.w`, `${name}.b`], outputs: [name], attributes },
});
const norm = (name: string, input: string): NodeSpec => ({
  ...{ type: 'BatchNormalization', inputs: [input, ...['g', 's', 'm', 'v'].map((each) => `${name}.${each}`)] },
  ...{ outputs: [name], attributes: { epsilon: { float: 1e-6 } } },
});
const op = (type: string, name: string, input: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  ...{ type, inputs: [input], outputs: [name], attributes },
});
const act = (input: string): NodeSpec['attributes'] => ({ group: input === 'stem' ? 4 : 8, pads: [1, 1, 1, 1] });

/** The deploy form of a network of one stage, whose tensors are named after the nodes. */
export const DEPLOY: ModelSpec = {
  nodes: [
    conv('stem', 'x', { strides: [4, 4] }),
    op('Relu', 'stem_relu', 'stem'),
    conv('stem_act', 'stem_relu', act('stem')),
    conv('stage', 'stem_act'),
    op('MaxPool', 'pool', 'stage', { kernel_shape: [2, 2], strides: [2, 2] }),
    op('Relu', 'stage_relu', 'pool'),
    conv('stage_act', 'stage_relu', act('stage')),
    op('GlobalAveragePool', 'mean', 'stage_act'),
    conv('head', 'mean'),
    op('Flatten', 'y', 'head'),
  ],
  tensors: {
    ...{ 'stem.w': { dims: [4, 3, 4, 4] }, 'stem.b': { dims: [4] } },
    ...{ 'stem_act.w': { dims: [4, 1, 3, 3] }, 'stem_act.b': { dims: [4] } },
    ...{ 'stage.w': { dims: [8, 4, 1, 1] }, 'stage.b': { dims: [8] } },
    ...{ 'stage_act.w': { dims: [8, 1, 3, 3] }, 'stage_act.b': { dims: [8] } },
    ...{ 'head.w': { dims: [2, 8, 1, 1] }, 'head.b': { dims: [2] } },
  },
  inputs: { x: ['N', 3, 32, 32] },
  outputs: ['y'],
};

const positive = (channels: number): TensorSpec => ({
  dims: [channels],
  values: bytesField(9, new Uint8Array(new Float32Array(channels).fill(0.5).buffer)),
});
const normTensors = (name: string, channels: number): Record<string, TensorSpec> => ({
  ...Object.fromEntries(['g', 's', 'm'].map((each) => [`${name}.${each}`, { dims: [channels] }])),
  [`${name}.v`]: positive(channels),
});

/** The train form of the same network, one batch norm of which is left. */
export const TRAIN: ModelSpec = {
  nodes: [
    conv('stem', 'x', { strides: [4, 4] }),
    norm('stem_norm', 'stem'),
    op('LeakyRelu', 'stem_leaky', 'stem_norm', { alpha: { float: 0.1 } }),
    conv('stem2', 'stem_leaky'),
    op('Relu', 'stem_relu', 'stem2'),
    conv('stem_act', 'stem_relu', act('stem')),
    conv('first', 'stem_act'),
    op('LeakyRelu', 'leaky', 'first', { alpha: { float: 0.1 } }),
    conv('second', 'leaky'),
    op('MaxPool', 'pool', 'second', { kernel_shape: [2, 2], strides: [2, 2] }),
    op('Relu', 'stage_relu', 'pool'),
    conv('stage_act', 'stage_relu', act('stage')),
    op('GlobalAveragePool', 'mean', 'stage_act'),
    conv('head', 'mean'),
    op('LeakyRelu', 'head_leaky', 'head', { alpha: { float: 0.1 } }),
    conv('head2', 'head_leaky'),
    op('Flatten', 'y', 'head2'),
  ],
  tensors: {
    ...DEPLOY.tensors,
    ...normTensors('stem_norm', 4),
    ...{ 'stem2.w': { dims: [4, 4, 1, 1] }, 'stem2.b': { dims: [4] } },
    ...{ 'first.w': { dims: [4, 4, 1, 1] }, 'first.b': { dims: [4] } },
    ...{ 'second.w': { dims: [8, 4, 1, 1] }, 'second.b': { dims: [8] } },
    ...{ 'head2.w': { dims: [2, 2, 1, 1] }, 'head2.b': { dims: [2] } },
  },
  inputs: DEPLOY.inputs,
  outputs: ['y'],
};

/** A model with another node in the place of the one with this output; or several, or none. */
export const replaceNode = (spec: ModelSpec, output: string, ...nodes: readonly NodeSpec[]): ModelSpec => ({
  ...spec,
  nodes: spec.nodes.flatMap((node) => (node.outputs[0] === output ? nodes : [node])),
});

/** A model with other attributes of a node. */
export const setAttributes = (
  spec: ModelSpec,
  output: string,
  attributes: Readonly<Record<string, AttributeSpec>>,
): ModelSpec => ({
  ...spec,
  nodes: spec.nodes.map((node) =>
    node.outputs[0] === output ? { ...node, attributes: { ...node.attributes, ...attributes } } : node,
  ),
});

export const setTensor = (spec: ModelSpec, name: string, tensor: TensorSpec): ModelSpec => ({
  ...spec,
  tensors: { ...spec.tensors, [name]: tensor },
});
