/** Follows the graph of a network from its output to its input, and reads what each node computes. */
import { show } from '../../core/check.js';
import { formatShape, sizeOf } from '../../core/tensor.js';
import type { OpenSibling, RandomAccess } from '../foreignFile.js';
import { adaptiveWindows } from './adaptiveWindows.js';
import {
  IntegerEvaluator,
  integerAttribute,
  listAttribute,
  reshaped,
  squeezed,
  unsqueezed,
  type IntegerSource,
} from './integers.js';
import type { OnnxModel, OnnxNode, OnnxTensor } from './model.js';
import { Names, pathOf, unlike, VIEWS } from './names.js';
import { fileTensor, integersOf, isFloat, typeName } from './tensors.js';

/** What a node of the network computes. */
export type Step = { readonly node: OnnxNode } & (
  | ConvStep
  | NormStep
  /** ReLU has the slope 0. */
  | { readonly kind: 'leaky'; readonly slope: number }
  /** Kernel and stride are the same. */
  | { readonly kind: 'pool'; readonly stride: number }
  /** An adaptive pool, as this package writes it. */
  | { readonly kind: 'adaptivePool'; readonly size: number }
  | { readonly kind: 'mean' }
);

export interface ConvStep {
  readonly kind: 'conv';
  readonly weight: OnnxTensor;
  /** Null if it is zero: exporters leave zeros out. */
  readonly bias: OnnxTensor | null;
  readonly group: number;
  readonly stride: number;
  readonly padding: number;
}

export interface NormStep {
  readonly kind: 'norm';
  readonly weight: OnnxTensor;
  readonly bias: OnnxTensor;
  readonly mean: OnnxTensor;
  readonly variance: OnnxTensor;
}

/** A network as the sequence of what it computes. */
export interface Chain {
  readonly steps: readonly Step[];
  /** Height and width of the input, if the graph fixes them. */
  readonly inputSize: readonly [number, number] | null;
  /** Whether probabilities are computed from the logits. */
  readonly hasSoftmax: boolean;
  /** Initializers that no node takes. */
  readonly unused: readonly string[];
}

/** ε of every batch norm, as attributes represent it. */
const EPSILON = Math.fround(1e-6);
/** Images of a batch, and the side of an image, where the graph leaves them open: views are computed for these. */
const OPEN = { batch: 2, side: 224 };
const LARGEST_SIDE = 65_536;
const RANK = 4;

/** The only value of a list of two or four equal integers. */
function single(node: OnnxNode, name: string, length: number, initial: number): number {
  const list = listAttribute(node, name) ?? Array<number>(length).fill(initial);
  if (list.length === length && list.every((each) => each === list[0]) && list[0] >= 0) return list[0];
  throw unlike(node, `${length} equal ${name}`, `[${list.join()}]`);
}

/** @throws WeightsError unless the attributes of a window are those of VanillaNet */
function checkWindow(node: OnnxNode): void {
  const automatic = node.attributes.get('auto_pad') ?? 'NOTSET';
  if (automatic !== 'NOTSET' && automatic !== 'VALID') {
    throw unlike(node, 'explicit pads', `auto_pad ${show(automatic)}`, 'Export the graph with explicit pads.');
  }
  const dilation = single(node, 'dilations', 2, 1);
  if (dilation !== 1) throw unlike(node, 'dilations of 1', String(dilation));
}

/** Rows or columns that are gathered for an adaptive pool. */
interface Selection {
  readonly node: OnnxNode;
  /** Elements before. */
  readonly length: number;
  readonly indices: readonly number[];
}

/** Reads the nodes of a path one after the other, with the shape of what they take. */
class ChainReader {
  private shape: readonly number[] = [];
  private readonly shapes = new Map<string, readonly number[]>();
  private readonly steps: Step[] = [];
  private readonly evaluator: IntegerEvaluator;
  /** Of an adaptive pool that has begun: along axes 2 and 3. */
  private selections: Selection[] = [];
  private hasSoftmax = false;

  constructor(
    private readonly names: Names,
    private readonly file: RandomAccess,
    private readonly openSibling: OpenSibling | undefined,
  ) {
    const source: IntegerSource = {
      producerOf: (name) => names.producerOf(name),
      constantOf: (name) => names.constantOf(name),
      read: (tensor) => integersOf(file, tensor, openSibling),
      shapeOf: (name) => this.shapes.get(name),
    };
    this.evaluator = new IntegerEvaluator(source);
  }

  async read(): Promise<Chain> {
    const input = this.names.imageInput();
    const path = pathOf(this.names, input.name, this.names.output(), this.file.name);
    const inputSize = this.begin(input);
    for (const node of path) {
      await this.step(node);
      this.shapes.set(node.outputs[0], this.shape);
    }
    const end = { op: path.length > 0 ? path[path.length - 1].op : `${this.file.name}: graph` };
    if (this.shape.length !== 2) throw unlike(end, 'logits [batch, classes]', formatShape(this.shape));
    return { steps: this.steps, inputSize, hasSoftmax: this.hasSoftmax, unused: this.names.unused() };
  }

  /** Sets the shape of the input. */
  private begin({ name, shape }: ReturnType<Names['imageInput']>): Chain['inputSize'] {
    const op = `${this.file.name}: input ${name}`;
    const sizes = shape ?? Array<null>(RANK).fill(null);
    const isSide = (size: number | null): boolean => size === null || (size >= 1 && size <= LARGEST_SIDE);
    if (sizes.length !== RANK || !sizes.every(isSide)) {
      const got = `[${sizes.map((size) => size ?? '?').join()}]`;
      throw unlike({ op }, `images [batch, channels, height, width] of at most ${LARGEST_SIDE} a side`, got);
    }
    const [batch, channels, height, width] = sizes;
    this.shape = [batch ?? OPEN.batch, channels ?? 0, height ?? OPEN.side, width ?? OPEN.side];
    this.shapes.set(name, this.shape);
    return height === null || width === null ? null : [height, width];
  }

  private async step(node: OnnxNode): Promise<void> {
    const isPool = node.type === 'MaxPool';
    if (this.selections.length > 0 && node.type !== 'Gather' && !isPool) {
      throw unlike(node, 'the pool of the rows and columns that are gathered', node.type);
    }
    if (this.hasSoftmax && !VIEWS.has(node.type)) throw unlike(node, 'Softmax at the end', node.type);
    switch (node.type) {
      case 'Conv':
        return this.conv(node);
      case 'BatchNormalization':
        this.norm(node);
        return;
      case 'Relu':
        this.steps.push({ node, kind: 'leaky', slope: 0 });
        return;
      case 'LeakyRelu':
        this.leaky(node);
        return;
      case 'MaxPool':
        this.pool(node);
        return;
      case 'GlobalAveragePool':
      case 'ReduceMean':
        return this.mean(node);
      case 'Softmax':
        this.hasSoftmax = true;
        return;
      case 'Gather':
        return this.gather(node);
      default:
        return this.view(node);
    }
  }

  private map(node: OnnxNode): readonly [number, number, number, number] {
    const [n, c, h, w] = this.shape;
    if (this.shape.length === RANK) return [n, c, h, w];
    throw unlike(node, 'maps [batch, channels, height, width]', formatShape(this.shape));
  }

  private weight(node: OnnxNode, i: number): OnnxTensor {
    return this.names.weightOf(node.inputs[i] ?? '', node);
  }

  /** @throws WeightsError unless a tensor has a value for each channel */
  private perChannel(node: OnnxNode, i: number, channels: number): OnnxTensor {
    const tensor = this.weight(node, i);
    if (tensor.shape.length === 1 && tensor.shape[0] === channels) return tensor;
    throw unlike(tensor, `[${channels}], a value for each channel`, formatShape(tensor.shape));
  }

  /** The bias of a convolution: null for none, and for zeros that the graph makes. */
  private async bias(node: OnnxNode, filters: number): Promise<OnnxTensor | null> {
    const name = node.inputs[2] ?? '';
    return name === '' || (await this.isZero(name)) ? null : this.perChannel(node, 2, filters);
  }

  /** Whether a value is a zero that is expanded to a shape. */
  private async isZero(name: string): Promise<boolean> {
    const visited = new Set<string>();
    let [at, isExpanded] = [name, false];
    for (;;) {
      const node = this.names.producerOf(at);
      if (node?.domain !== '' || visited.has(at)) break;
      visited.add(at);
      if (node.type === 'ConstantOfShape') {
        const value = node.attributes.get('value') ?? null;
        return value === null || (typeof value === 'object' && 'data' in value && (await this.isZeroScalar(value)));
      }
      if (!['Expand', 'Cast', 'CastLike', 'Identity'].includes(node.type)) break;
      isExpanded ||= node.type === 'Expand';
      at = node.inputs[0] ?? '';
    }
    const tensor = this.names.constantOf(at);
    return isExpanded && tensor !== undefined && this.isZeroScalar(tensor);
  }

  private async isZeroScalar(tensor: OnnxTensor): Promise<boolean> {
    if (!isFloat(tensor.type) || sizeOf(tensor.shape) !== 1) return false;
    const [value] = await (await fileTensor(this.file, tensor, this.openSibling)).read();
    return value === 0;
  }

  private async conv(node: OnnxNode): Promise<void> {
    const [n, c, h, w] = this.map(node);
    const weight = this.weight(node, 1);
    const group = integerAttribute(node, 'group', 1);
    const [k, perGroup, kernel, other] = weight.shape;
    // A graph may leave the channels of its input open.
    const channels = c === 0 ? perGroup : c;
    if (
      weight.shape.length !== RANK ||
      kernel !== other ||
      perGroup * group !== channels ||
      Math.min(...weight.shape) < 1
    ) {
      const expected = `a square kernel [filters, ${channels} channels in ${group} groups, size, size]`;
      throw unlike(weight, expected, formatShape(weight.shape));
    }
    checkWindow(node);
    if (single(node, 'kernel_shape', 2, kernel) !== kernel) {
      throw unlike(node, `kernel_shape ${kernel}, as the weights have`, `[${listAttribute(node, 'kernel_shape')?.join() ?? ''}]`); // prettier-ignore
    }
    const isValid = node.attributes.get('auto_pad') === 'VALID';
    const padding = isValid ? 0 : single(node, 'pads', 4, 0);
    const stride = single(node, 'strides', 2, 1);
    if (stride < 1) throw unlike(node, 'strides of at least 1', String(stride));
    const bias = await this.bias(node, k);
    this.steps.push({ node, kind: 'conv', weight, bias, group, stride, padding });
    const side = (size: number): number => Math.floor((size + 2 * padding - kernel) / stride) + 1;
    this.shape = [n, k, side(h), side(w)];
    this.requireSides(node);
  }

  private requireSides(node: OnnxNode): void {
    const [, , h, w] = this.shape;
    if (h >= 1 && w >= 1) return;
    throw unlike(
      node,
      'an input that leaves a map of at least 1x1',
      `${h}x${w}`,
      'Export the graph for larger images.',
    );
  }

  private norm(node: OnnxNode): void {
    const [, channels] = this.map(node);
    const epsilon = node.attributes.get('epsilon') ?? Math.fround(1e-5);
    if (epsilon !== EPSILON) {
      throw unlike(node, 'epsilon 1e-6, as every batch norm of VanillaNet has', show(epsilon));
    }
    if (integerAttribute(node, 'training_mode', 0) !== 0) {
      throw unlike(node, 'running statistics', 'training_mode 1', 'Export the network after model.eval().');
    }
    const [weight, bias, mean, variance] = [1, 2, 3, 4].map((i) => this.perChannel(node, i, channels));
    this.steps.push({ node, kind: 'norm', weight, bias, mean, variance });
  }

  private leaky(node: OnnxNode): void {
    // The default of ONNX.
    const slope = node.attributes.get('alpha') ?? Math.fround(0.01);
    if (typeof slope !== 'number' || !(slope >= 0 && slope <= 1)) {
      throw unlike(node, 'alpha in [0, 1], which is lambda', show(slope));
    }
    this.steps.push({ node, kind: 'leaky', slope });
  }

  private pool(node: OnnxNode): void {
    const [n, c, h, w] = this.map(node);
    checkWindow(node);
    const [padding, ceil] = [single(node, 'pads', 4, 0), integerAttribute(node, 'ceil_mode', 0)];
    if (padding !== 0 || ceil !== 0)
      throw unlike(node, 'no pads, and ceil_mode 0', `pads ${padding}, ceil_mode ${ceil}`);
    const kernel = listAttribute(node, 'kernel_shape') ?? [];
    const strides = listAttribute(node, 'strides') ?? [1, 1];
    if (kernel.length !== 2 || kernel.some((size) => size < 1) || kernel.join() !== strides.join()) {
      throw unlike(node, 'strides that are the kernel', `kernel [${kernel.join()}], strides [${strides.join()}]`);
    }
    if (this.selections.length > 0) {
      this.adaptivePool(node, kernel);
      return;
    }
    const [stride] = kernel;
    if (kernel[1] !== stride) throw unlike(node, 'a square window', `[${kernel.join()}]`);
    // A pool of 1 is none.
    if (stride > 1) this.steps.push({ node, kind: 'pool', stride });
    this.shape = [n, c, Math.floor(h / stride), Math.floor(w / stride)];
    this.requireSides(node);
  }

  private adaptivePool(node: OnnxNode, kernel: readonly number[]): void {
    const [n, c] = this.shape;
    if (this.selections.length !== 2) throw unlike(node, 'rows and columns of an adaptive pool', 'rows alone');
    const sizes = kernel.map((width, i) => this.selectedSize(i, width));
    if (sizes[0] !== sizes[1]) throw unlike(node, 'a square map', sizes.join('x'));
    this.steps.push({ node, kind: 'adaptivePool', size: sizes[0] });
    this.shape = [n, c, sizes[0], sizes[0]];
    this.selections = [];
  }

  /** The size to which an adaptive pool reduces an axis. @throws WeightsError unless the indices are those of one */
  private selectedSize(axis: number, width: number): number {
    const { node, length, indices } = this.selections[axis];
    const size = indices.length / width;
    if (Number.isInteger(size) && size >= 1) {
      const windows = adaptiveWindows(length, size);
      if (windows.width === width && windows.indices.join() === indices.join()) return size;
    }
    throw unlike(node, 'the indices of an adaptive pool', `others`);
  }

  private async mean(node: OnnxNode): Promise<void> {
    const [n, c] = this.map(node);
    let keeps = true;
    if (node.type === 'ReduceMean') {
      const given = node.inputs[1] ?? '';
      const axes =
        listAttribute(node, 'axes') ?? (given === '' ? [] : (await this.evaluator.evaluate(given, node)).data);
      const positive = axes.map((axis) => (axis < 0 ? axis + RANK : axis)).sort();
      if (positive.join() !== '2,3') throw unlike(node, 'the mean over height and width', `axes [${axes.join()}]`);
      keeps = integerAttribute(node, 'keepdims', 1) !== 0;
    }
    this.steps.push({ node, kind: 'mean' });
    this.shape = keeps ? [n, c, 1, 1] : [n, c];
  }

  /** A selection: of rows or columns of an adaptive pool, or of all elements in their order, as PyTorch writes a view. */
  private async gather(node: OnnxNode): Promise<void> {
    const axis = integerAttribute(node, 'axis', 0);
    const indices = await this.evaluator.evaluate(node.inputs[1] ?? '', node);
    if (this.shape.length === 1 && axis === 0) {
      const isAll = indices.data.length === this.shape[0] && indices.data.every((index, i) => index === i);
      if (!isAll) throw unlike(node, 'all elements in their order', 'another selection');
      this.shape = indices.shape;
      return;
    }
    if (this.shape.length !== RANK || axis !== this.selections.length + 2 || indices.shape.length !== 1 || axis > 3) {
      throw unlike(node, 'rows, then columns, of an adaptive pool', `a selection from axis ${axis}`);
    }
    this.selections.push({ node, length: this.shape[axis], indices: indices.data });
    this.shape = this.shape.map((size, i) => (i === axis ? indices.data.length : size));
  }

  private async view(node: OnnxNode): Promise<void> {
    if (['Identity', 'Dropout'].includes(node.type)) return;
    if (node.type === 'Cast') {
      const to = integerAttribute(node, 'to', 0);
      if (!isFloat(to)) throw unlike(node, 'activations of floats', typeName(to));
      return;
    }
    this.requireFlat(node);
    const axes = async () => {
      const list = listAttribute(node, 'axes');
      if (list !== undefined || (node.inputs[1] ?? '') === '') return list;
      return (await this.evaluator.evaluate(node.inputs[1], node)).data;
    };
    if (node.type === 'Flatten') {
      const axis = integerAttribute(node, 'axis', 1);
      const at = axis < 0 ? axis + this.shape.length : axis;
      this.shape = [sizeOf(this.shape.slice(0, at)), sizeOf(this.shape.slice(at))];
    } else if (node.type === 'Reshape') {
      const target = await this.evaluator.evaluate(node.inputs[1] ?? '', node);
      this.shape = reshaped(this.shape, target.data, node);
    } else if (node.type === 'Squeeze') this.shape = squeezed(this.shape, await axes(), node);
    else this.shape = unsqueezed(this.shape, (await axes()) ?? [], node);
  }

  /** @throws WeightsError for a view of maps, which VanillaNet has none of */
  private requireFlat(node: OnnxNode): void {
    if (this.steps.some(({ kind }) => kind === 'mean')) return;
    throw unlike(node, 'no change of shape before the average over the map', node.type);
  }
}

/**
 * Reads a graph whose nodes are one after the other.
 *
 * @throws WeightsError that names the node which VanillaNet does not have, or that is damaged
 */
export function readChain(model: OnnxModel, file: RandomAccess, openSibling: OpenSibling | undefined): Promise<Chain> {
  return new ChainReader(new Names(model, file.name), file, openSibling).read();
}
