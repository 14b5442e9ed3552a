/**
 * Evaluates the integers of a graph that its views are computed from: the shapes of `Reshape`, and the indices of
 * `Gather`.
 */
import { WeightsError } from '../../core/errors.js';
import { sizeOf } from '../../core/tensor.js';
import type { OnnxNode, OnnxTensor } from './model.js';
import { damage } from './protobuf.js';

/** A tensor of integers. */
export interface Integers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** What integers are computed from. */
export interface IntegerSource {
  /** The node with an output of this name. */
  producerOf(name: string): OnnxNode | undefined;
  /** The tensor with this name that no node computes, or that of a node `Constant`. */
  constantOf(name: string): OnnxTensor | undefined;
  read(tensor: OnnxTensor): Promise<Integers>;
  /** The shape of the activations of this name, if they are on the path of the network. */
  shapeOf(name: string): readonly number[] | undefined;
}

/** Nodes that one value is computed by. PyTorch writes some ten. */
const DEEPEST = 64;
/** Elements of one value. */
const MOST = 2 ** 18;

const unread = (node: OnnxNode, got: string): WeightsError =>
  new WeightsError({
    op: node.op,
    expected: 'a shape or indices that are computed from constants and the shape of the input',
    got,
    hint: 'Export the graph with contiguous weights: for p in model.parameters(): p.data = p.data.contiguous().',
  });

/** The shape that two shapes are broadcast to. */
function broadcastShape(a: readonly number[], b: readonly number[], node: OnnxNode): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a.at(i - rank) ?? 1, b.at(i - rank) ?? 1];
    if (i - rank < -a.length) return y;
    if (i - rank < -b.length) return x;
    if (x !== y && x !== 1 && y !== 1) throw damage(node.op, 'shapes that agree', `[${a.join()}] and [${b.join()}]`);
    return x === 1 ? y : x;
  });
}

/** The element of a tensor that is broadcast, by its index in the result. */
function indexIn(shape: readonly number[], result: readonly number[], index: number): number {
  let [rest, at, step] = [index, 0, 1];
  for (let axis = result.length - 1; axis >= 0; axis--) {
    const coordinate = rest % result[axis];
    rest = Math.floor(rest / result[axis]);
    const own = axis - result.length + shape.length;
    if (own < 0) continue;
    if (shape[own] !== 1) at += coordinate * step;
    step *= shape[own];
  }
  return at;
}

function combine(node: OnnxNode, a: Integers, b: Integers, op: (x: number, y: number) => number): Integers {
  const shape = broadcastShape(a.shape, b.shape, node);
  const count = checkedCount(sizeOf(shape), node);
  const at = ({ shape: own, data }: Integers, i: number): number => data[indexIn(own, shape, i)];
  return { shape, data: Array.from({ length: count }, (_, i) => op(at(a, i), at(b, i))) };
}

function checkedCount(count: number, node: OnnxNode): number {
  if (count <= MOST) return count;
  throw unread(node, `${count} integers`);
}

/** An attribute that is an integer. */
export function integerAttribute({ op, attributes }: OnnxNode, name: string, initial: number): number {
  const value = attributes.get(name) ?? initial;
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw damage(op, `an integer ${name}`, 'another value');
}

/** An attribute that is a list of integers. */
export function listAttribute({ op, attributes }: OnnxNode, name: string): readonly number[] | undefined {
  const value = attributes.get(name);
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value as readonly number[];
  throw damage(op, `a list of integers ${name}`, 'another value');
}

/** The shape that `Reshape` makes, with 0 for the size of the input and -1 for what is left. */
export function reshaped(input: readonly number[], target: readonly number[], node: OnnxNode): number[] {
  const keeps = integerAttribute(node, 'allowzero', 0) === 0;
  const shape = target.map((size, axis) => (size === 0 && keeps ? (input[axis] ?? -2) : size));
  const [count, free] = [sizeOf(input), shape.indexOf(-1)];
  if (free >= 0) shape[free] = count / -sizeOf(shape);
  if (shape.every((size) => Number.isInteger(size) && size >= 0) && sizeOf(shape) === count) return shape;
  throw damage(node.op, `a shape of ${count} elements`, `[${target.join()}] for [${input.join()}]`);
}

/** Adds axes of size 1. */
export function unsqueezed(input: readonly number[], axes: readonly number[], node: OnnxNode): number[] {
  const rank = input.length + axes.length;
  const added = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  if (added.size !== axes.length || [...added].some((axis) => axis < 0 || axis >= rank) || rank > 8) {
    throw damage(node.op, `axes in [0, ${rank})`, `[${axes.join()}]`);
  }
  const rest = [...input];
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (rest.shift() ?? 1)));
}

/** Removes axes of size 1: all of them without `axes`. */
export function squeezed(input: readonly number[], axes: readonly number[] | undefined, node: OnnxNode): number[] {
  if (axes === undefined) return input.filter((size) => size !== 1);
  const removed = new Set(axes.map((axis) => (axis < 0 ? axis + input.length : axis)));
  if ([...removed].some((axis) => input[axis] !== 1)) throw damage(node.op, 'axes of size 1', `[${axes.join()}]`);
  return input.filter((_, axis) => !removed.has(axis));
}

/** Evaluates integers; each value once. */
export class IntegerEvaluator {
  private readonly values = new Map<string, Integers>();

  constructor(private readonly source: IntegerSource) {}

  /** @throws WeightsError for a value that is computed by other ops, from other values, or by very many nodes */
  async evaluate(name: string, user: OnnxNode, depth = 0): Promise<Integers> {
    const known = this.values.get(name);
    if (known !== undefined) return known;
    const value = await this.compute(name, user, depth);
    this.values.set(name, value);
    return value;
  }

  private async compute(name: string, user: OnnxNode, depth: number): Promise<Integers> {
    const constant = this.source.constantOf(name);
    if (constant !== undefined) return this.source.read(constant);
    const node = this.source.producerOf(name);
    if (node === undefined) throw unread(user, `the input ${JSON.stringify(name)}`);
    if (depth > DEEPEST) throw unread(node, `more than ${DEEPEST} nodes`);
    return this.apply(node, depth);
  }

  private async apply(node: OnnxNode, depth: number): Promise<Integers> {
    const get = (i: number): Promise<Integers> => this.evaluate(node.inputs[i] ?? '', node, depth + 1);
    const scalar = async (i: number): Promise<number> => {
      const { data } = await get(i);
      if (data.length === 1) return data[0];
      throw damage(node.op, 'a scalar', `${data.length} integers`);
    };
    switch (node.domain === '' ? node.type : '') {
      case 'Constant': {
        const list = listAttribute(node, 'value_ints');
        if (list !== undefined) return { shape: [list.length], data: list };
        return { shape: [], data: [integerAttribute(node, 'value_int', NaN)] };
      }
      case 'Identity':
      case 'Cast':
        return get(0);
      case 'Shape': {
        const shape = this.source.shapeOf(node.inputs[0] ?? '');
        if (shape === undefined) throw unread(node, 'the shape of another value');
        const end = node.attributes.has('end') ? integerAttribute(node, 'end', 0) : shape.length;
        const data = shape.slice(integerAttribute(node, 'start', 0), end);
        return { shape: [data.length], data };
      }
      case 'Range': {
        const [start, limit, delta] = [await scalar(0), await scalar(1), await scalar(2)];
        const count = Math.max(0, Math.ceil((limit - start) / delta));
        if (!Number.isFinite(count)) throw damage(node.op, 'steps other than 0', String(delta));
        checkedCount(count, node);
        return { shape: [count], data: Array.from({ length: count }, (_, i) => start + i * delta) };
      }
      case 'Add':
        return combine(node, await get(0), await get(1), (x, y) => x + y);
      case 'Sub':
        return combine(node, await get(0), await get(1), (x, y) => x - y);
      case 'Mul':
        return combine(node, await get(0), await get(1), (x, y) => x * y);
      case 'Reshape': {
        const [input, target] = [await get(0), await get(1)];
        return { shape: reshaped(input.shape, target.data, node), data: input.data };
      }
      case 'Squeeze':
      case 'Unsqueeze': {
        const input = await get(0);
        const axes = listAttribute(node, 'axes') ?? (node.inputs.length > 1 ? (await get(1)).data : undefined);
        const shape =
          node.type === 'Squeeze' ? squeezed(input.shape, axes, node) : unsqueezed(input.shape, axes ?? [], node);
        return { shape, data: input.data };
      }
      case 'Concat': {
        const parts: Integers[] = [];
        let count = 0;
        for (let i = 0; i < node.inputs.length; i++) {
          const part = await get(i);
          if (part.shape.length !== 1) throw damage(node.op, 'lists of integers', `axes [${part.shape.join()}]`);
          count = checkedCount(count + part.data.length, node);
          parts.push(part);
        }
        return { shape: [count], data: parts.flatMap(({ data }) => data) };
      }
      case 'Gather': {
        const [input, indices] = [await get(0), await get(1)];
        if (input.shape.length !== 1 || integerAttribute(node, 'axis', 0) !== 0) {
          throw unread(node, 'a selection from several axes');
        }
        const data = indices.data.map((index) => input.data.at(index) ?? NaN);
        if (data.some(Number.isNaN)) throw damage(node.op, `indices in a list of ${input.data.length}`, 'others');
        return { shape: indices.shape, data };
      }
      default:
        throw unread(node, node.domain === '' ? node.type : `${node.domain}.${node.type}`);
    }
  }
}
