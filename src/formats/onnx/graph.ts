/** The graph of a network: its nodes, and the indices of its adaptive pools. */
import type { ModelConfig } from '../../core/config.js';
import { ParamError } from '../../core/errors.js';
import { BATCH_NORM, planNetwork, type Layer, type LayerOf } from '../../core/network.js';
import { unreachable } from '../../core/unreachable.js';
import { adaptiveWindows } from './adaptiveWindows.js';
import { bytesField, floatField, integerField, integersField, textField, type MessageBytes } from './message.js';

/** Names of what goes in and comes out. */
export const [INPUT, LOGITS] = ['input', 'logits'];

/** Integers that a graph needs beside its weights. */
export interface IndexTensor {
  readonly name: string;
  readonly values: readonly number[];
}

export interface GraphParts {
  /** NodeProto messages. */
  readonly nodes: readonly MessageBytes[];
  readonly indices: readonly IndexTensor[];
}

/** Types of attributes. */
const TYPES = { float: 1, integer: 2, integers: 7 };

const attribute = (name: string, type: number, value: MessageBytes): number[] =>
  // AttributeProto: name, value, type.
  bytesField(5, [...textField(1, name), ...value, ...integerField(20, type)]);
const float = (name: string, value: number): number[] => attribute(name, TYPES.float, floatField(2, value));
const integer = (name: string, value: number): number[] => attribute(name, TYPES.integer, integerField(3, value));
const integers = (name: string, values: readonly number[]): number[] =>
  attribute(name, TYPES.integers, integersField(8, values));

const twice = (value: number): readonly number[] => [value, value];

/** A NodeProto. */
const nodeMessage = (
  type: string,
  name: string,
  inputs: readonly string[],
  output: string,
  ...attributes: readonly MessageBytes[]
): number[] => [
  ...inputs.flatMap((each) => textField(1, each)),
  ...textField(2, output),
  ...textField(3, name),
  ...textField(4, type),
  ...attributes.flat(),
];

/** λ, which attributes have in float32. @throws ParamError if it is unknown */
function requireLambda(lambda: number | null): number {
  if (lambda !== null) return lambda;
  const hint = 'Pass the lambda that the network was trained to: --lambda 1.';
  throw new ParamError({ op: 'lambda', expected: 'a number, which the graph of a train form has', got: 'none', hint });
}

/** Composes the nodes one after the other; each takes the output of the one before. */
class GraphComposer {
  private readonly nodes: MessageBytes[] = [];
  private readonly indices: IndexTensor[] = [];
  private last = INPUT;

  /** @param weightOf the name of a tensor as float32 */
  constructor(private readonly weightOf: (name: string) => string) {}

  compose(layers: readonly Layer[]): GraphParts {
    for (const layer of layers) this.layer(layer);
    this.add('Flatten', 'flatten', [], [integer('axis', 1)], LOGITS);
    return { nodes: this.nodes, indices: this.indices };
  }

  private add(
    type: string,
    name: string,
    weights: readonly string[],
    attributes: readonly MessageBytes[],
    output = `${name}.output`,
  ): void {
    this.nodes.push(nodeMessage(type, name, [this.last, ...weights], output, ...attributes));
    this.last = output;
  }

  private layer(layer: Layer): void {
    const { name } = layer;
    switch (layer.op) {
      case 'conv2d':
      case 'depthwiseConv2d':
        this.convolution(layer);
        return;
      case 'batchNorm': {
        const tensors = ['weight', 'bias', 'running_mean', 'running_var'].map((each) =>
          this.weightOf(`${name}.${each}`),
        );
        // ONNX weighs the running statistics, PyTorch those of the batch.
        const attributes = [float('epsilon', BATCH_NORM.eps), float('momentum', 1 - BATCH_NORM.momentum)];
        this.add('BatchNormalization', name, tensors, attributes);
        return;
      }
      case 'leakyRelu':
        if (name.endsWith('.relu')) this.add('Relu', name, [], []);
        else this.add('LeakyRelu', name, [], [float('alpha', requireLambda(layer.lambda))]);
        return;
      case 'maxPool2d':
        this.maxPool(name, twice(layer.kernel_size));
        return;
      case 'adaptiveMaxPool2d':
        this.adaptivePool(layer);
        return;
      case 'globalAvgPool':
        this.add('GlobalAveragePool', name, [], []);
        return;
      case 'dropout':
        return;
      default:
        unreachable(layer);
    }
  }

  private convolution({
    name,
    op,
    weight,
    bias,
    stride,
    padding,
  }: LayerOf<'conv2d'> | LayerOf<'depthwiseConv2d'>): void {
    const [filters, , height, width] = weight;
    const tensors = ['weight', ...(bias ? ['bias'] : [])].map((each) => this.weightOf(`${name}.${each}`));
    this.add('Conv', name, tensors, [
      integers('dilations', twice(1)),
      integer('group', op === 'conv2d' ? 1 : filters),
      integers('kernel_shape', [height, width]),
      integers('pads', [padding, padding, padding, padding]),
      integers('strides', twice(stride)),
    ]);
  }

  private maxPool(name: string, kernel: readonly number[]): void {
    this.add('MaxPool', name, [], [integers('kernel_shape', kernel), integers('strides', kernel)]);
  }

  /**
   * ONNX has no adaptive max pool. The windows of each axis are gathered one after the other, each as wide as the
   * widest, and then pooled without overlap: the same maxima.
   */
  private adaptivePool({ name, input, output }: LayerOf<'adaptiveMaxPool2d'>): void {
    const kernel = [2, 3].map((axis) => {
      const [part, side, size] = [axis === 2 ? 'rows' : 'columns', input[axis - 1], output[axis - 1]];
      const { width, indices } = adaptiveWindows(side, size);
      this.indices.push({ name: `${name}.${part}`, values: indices });
      this.add('Gather', `${name}.gather_${part}`, [`${name}.${part}`], [integer('axis', axis)]);
      return width;
    });
    this.maxPool(name, kernel);
  }
}

/**
 * The graph of a network for images of its `input_size`.
 *
 * @param weightOf the name under which a tensor is float32
 * @throws ParamError for a train form of unknown lambda
 * @throws ShapeError for an input size that is too small
 */
export const composeGraph = (config: ModelConfig, weightOf: (name: string) => string): GraphParts =>
  new GraphComposer(weightOf).compose(planNetwork(config, config.input_size));

/** A node that converts a tensor to float32. */
export const castNode = (from: string, to: string): MessageBytes =>
  nodeMessage('Cast', to, [from], to, integer('to', 1));

/** A ValueInfoProto of float32. @param shape names for sizes that are not fixed */
export function valueInfo(name: string, shape: readonly (number | string)[]): MessageBytes {
  const dimensions = shape.flatMap((size) =>
    bytesField(1, typeof size === 'number' ? integerField(1, size) : textField(2, size)),
  );
  const tensorType = [...integerField(1, 1), ...bytesField(2, dimensions)];
  return [...textField(1, name), ...bytesField(2, bytesField(1, tensorType))];
}
