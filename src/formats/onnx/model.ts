/**
 * The parts of an ONNX model that describe its graph: everything but the values of tensors, which stay in the file.
 *
 * Source: onnx/onnx.proto of ONNX 1.23, whose numbers of fields these are.
 */
import { WeightsError } from '../../core/errors.js';
import { show } from '../../core/check.js';
import type { RandomAccess } from '../foreignFile.js';
import { damage, Messages, WIRE, type Field, type Span } from './protobuf.js';

/** Where the values of a tensor are. `none` if it has none. */
export type TensorData =
  | { readonly kind: 'none' }
  /** Little-endian numbers, one after the other. */
  | ({ readonly kind: 'raw' } & Span)
  /** Varints, one after the other. */
  | ({ readonly kind: 'varints' } & Span)
  /** In another file: the keys of the entry, such as `location`. */
  | { readonly kind: 'external'; readonly entries: ReadonlyMap<string, string> };

export interface OnnxTensor {
  readonly name: string;
  /** How errors name it. */
  readonly op: string;
  readonly shape: readonly number[];
  /** The number of the type, such as 1 for float32. */
  readonly type: number;
  readonly data: TensorData;
}

/** The value of an attribute; null for one of another type, such as a graph. */
export type Attribute = number | string | readonly number[] | OnnxTensor | null;

export interface OnnxNode {
  /** How errors name it. */
  readonly op: string;
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** An input of a graph. */
export interface GraphInput {
  readonly name: string;
  /** Sizes that are not fixed are null; null if there is no shape. */
  readonly shape: readonly (number | null)[] | null;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly string[];
}

export interface OnnxModel extends OnnxGraph {
  /** The program that wrote it, and its version; empty if the file does not say. */
  readonly producer: string;
  /** The version of the ops. */
  readonly opset: number;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Bytes of all names and small values. A graph of VanillaNet has some 100 kB. */
const LARGEST_GRAPH = 2 ** 23;
/** Bytes of memory that a record takes beside its names. */
const RECORD = 200;
/** Letters of a name in errors. */
const LONGEST_NAME = 200;

const TENSOR = {
  ...{ dims: 1, type: 2, segment: 3, floats: 4, int32s: 5, strings: 6, int64s: 7, name: 8, raw: 9, doubles: 10 },
  ...{ uint64s: 11, external: 13, location: 14 },
};
const VALUE_FIELDS: ReadonlyMap<number, 'raw' | 'varints'> = new Map([
  [TENSOR.raw, 'raw'],
  [TENSOR.floats, 'raw'],
  [TENSOR.doubles, 'raw'],
  [TENSOR.int32s, 'varints'],
  [TENSOR.int64s, 'varints'],
]);
/** Types whose values are in each field of values, by their numbers; `raw` may have any. */
const FIELD_TYPES: ReadonlyMap<number, readonly number[]> = new Map([
  [TENSOR.floats, [1]],
  [TENSOR.doubles, [11]],
  [TENSOR.int32s, [2, 3, 4, 5, 6, 9, 10, 16]],
  [TENSOR.int64s, [7]],
]);
const EXTERNAL = 1;

const named = (file: string, kind: string, name: string): string =>
  `${file}: ${kind} ${name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name}`;

class ModelReader extends Messages {
  private readonly name: string;

  constructor(file: RandomAccess) {
    super(file, LARGEST_GRAPH);
    this.name = file.name;
  }

  /** A pair of texts, as in metadata. */
  private async entry(span: Span, op: string): Promise<readonly [string, string]> {
    let [key, value] = ['', ''];
    for await (const field of this.fields(span, op)) {
      if (field.number === 1) key = await this.text(field, op);
      if (field.number === 2) value = await this.text(field, op);
    }
    return [key, value];
  }

  private async tensor(span: Span, place: string): Promise<OnnxTensor> {
    this.spend(RECORD, place);
    const shape: number[] = [];
    const external = new Map<string, string>();
    let [name, type, location] = ['', 0, 0];
    let values: Field | null = null;
    for await (const field of this.fields(span, place)) {
      const op = name === '' ? place : named(this.name, 'tensor', name);
      if (field.number === TENSOR.dims) await this.appendIntegers(shape, field, op);
      else if (field.number === TENSOR.type) type = this.integer(field, op);
      else if (field.number === TENSOR.name) name = await this.text(field, op);
      else if (field.number === TENSOR.location) location = this.integer(field, op);
      else if (field.number === TENSOR.external) external.set(...(await this.entry(field, op)));
      else if (field.number === TENSOR.segment) throw damage(op, 'a whole tensor', 'a segment of one');
      else if (VALUE_FIELDS.has(field.number)) {
        // An empty field beside the values has none.
        if (values !== null && values.length > 0 && field.length > 0) {
          throw damage(op, 'values in one field', 'values in several');
        }
        if (values === null || field.length > 0) values = field;
      }
    }
    const op = name === '' ? place : named(this.name, 'tensor', name);
    if (location === EXTERNAL) return { name, op, shape, type, data: { kind: 'external', entries: external } };
    return { name, op, shape, type, data: values === null ? { kind: 'none' } : dataOf(values, type, op) };
  }

  private async attribute(span: Span, node: string): Promise<readonly [string, Attribute]> {
    this.spend(RECORD, node);
    let name = '';
    let value: Attribute = null;
    const integers: number[] = [];
    for await (const field of this.fields(span, node)) {
      const op = name === '' ? node : `${node}: ${name}`;
      if (field.number === 1) name = await this.text(field, op);
      else if (field.number === 2) value = await this.float(field, op);
      else if (field.number === 3) value = this.integer(field, op);
      else if (field.number === 4) value = await this.text(field, op);
      else if (field.number === 5) value = await this.tensor(field, op);
      else if (field.number === 8) {
        await this.appendIntegers(integers, field, op);
        value = integers;
      }
    }
    return [name, value];
  }

  private async node(span: Span, index: number): Promise<OnnxNode> {
    const place = `${this.name}: node ${index}`;
    this.spend(RECORD, place);
    const [inputs, outputs]: [string[], string[]] = [[], []];
    const attributes = new Map<string, Attribute>();
    let [name, type, domain] = ['', '', ''];
    const spans: Field[] = [];
    for await (const field of this.fields(span, place)) {
      if (field.number === 1) inputs.push(await this.text(field, place));
      else if (field.number === 2) outputs.push(await this.text(field, place));
      else if (field.number === 3) name = await this.text(field, place);
      else if (field.number === 4) type = await this.text(field, place);
      else if (field.number === 7) domain = await this.text(field, place);
      else if (field.number === 5) spans.push(field);
    }
    const op = name === '' ? place : named(this.name, 'node', name);
    for (const each of spans) {
      const [key, value] = await this.attribute(each, op);
      if (attributes.has(key)) throw damage(op, `one attribute ${key}`, 'two');
      attributes.set(key, value);
    }
    return { op, type, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes };
  }

  private async dimension(span: Span, op: string): Promise<number | null> {
    let size: number | null = null;
    for await (const field of this.fields(span, op)) if (field.number === 1) size = this.integer(field, op);
    // Some programs write -1 or 0 for a size that is not fixed.
    return size !== null && size < 1 ? null : size;
  }

  /** The message at the end of a path of fields; null if there is none. */
  private async inner(span: Span, path: readonly number[], op: string): Promise<Span | null> {
    if (path.length === 0) return span;
    let found: Span | null = null;
    for await (const field of this.fields(span, op)) if (field.number === path[0]) found = field;
    return found === null ? null : this.inner(found, path.slice(1), op);
  }

  private async value(span: Span, op: string): Promise<GraphInput> {
    this.spend(RECORD, op);
    let name = '';
    let type: Span | null = null;
    for await (const field of this.fields(span, op)) {
      if (field.number === 1) name = await this.text(field, op);
      if (field.number === 2) type = field;
    }
    // TypeProto.tensor_type.shape
    const shapeSpan = type === null ? null : await this.inner(type, [1, 2], op);
    if (shapeSpan === null) return { name, shape: null };
    const shape: (number | null)[] = [];
    for await (const field of this.fields(shapeSpan, op)) {
      this.spend(RECORD, op);
      if (field.number === 1) shape.push(await this.dimension(field, op));
    }
    return { name, shape };
  }

  private async graph(span: Span): Promise<OnnxGraph> {
    const op = `${this.name}: graph`;
    const nodes: OnnxNode[] = [];
    const initializers = new Map<string, OnnxTensor>();
    const inputs: GraphInput[] = [];
    const outputs: string[] = [];
    for await (const field of this.fields(span, op)) {
      if (field.number === 1) nodes.push(await this.node(field, nodes.length));
      else if (field.number === 5) {
        const tensor = await this.tensor(field, `${this.name}: tensor ${initializers.size}`);
        if (initializers.has(tensor.name)) throw damage(tensor.op, 'one initializer of this name', 'two');
        initializers.set(tensor.name, tensor);
      } else if (field.number === 11) inputs.push(await this.value(field, `${op}: input`));
      else if (field.number === 12) outputs.push((await this.value(field, `${op}: output`)).name);
      else if (field.number === 15) {
        const hint = 'Export the graph with dense weights.';
        throw new WeightsError({ op, expected: 'dense initializers', got: 'a sparse one', hint });
      }
    }
    return { nodes, initializers, inputs, outputs };
  }

  async model(): Promise<OnnxModel> {
    const op = this.name;
    let [producer, version, opset] = ['', '', 0];
    const metadata = new Map<string, string>();
    let graph: Span | null = null;
    for await (const field of this.fields({ at: 0, length: this.file.size }, op)) {
      if (field.number === 2) producer = await this.text(field, op);
      else if (field.number === 3) version = await this.text(field, op);
      else if (field.number === 7) {
        if (graph !== null) throw damage(op, 'one graph', 'two');
        graph = field;
      } else if (field.number === 8) opset = (await this.opsetOf(field)) ?? opset;
      else if (field.number === 14) {
        const [key, value] = await this.entry(field, `${op}: metadata`);
        if (metadata.has(key)) throw damage(`${op}: metadata`, `one value of ${show(key)}`, 'two');
        metadata.set(key, value);
      }
    }
    if (graph === null) throw damage(op, 'a model with a graph', 'a message without one');
    const parts = await this.graph(graph);
    return { ...parts, producer: [producer, version].filter((each) => each !== '').join(' '), opset, metadata };
  }

  /** The version of ONNX's own ops; null for that of others. */
  private async opsetOf(span: Span): Promise<number | null> {
    const op = `${this.name}: opset_import`;
    let [domain, version] = ['', 0];
    for await (const field of this.fields(span, op)) {
      if (field.number === 1) domain = await this.text(field, op);
      if (field.number === 2) version = this.integer(field, op);
    }
    return domain === '' || domain === 'ai.onnx' ? version : null;
  }
}

function dataOf(field: Field, type: number, op: string): TensorData {
  const { number, wire, at, length } = field;
  const types = FIELD_TYPES.get(number);
  if (types?.includes(type) === false) throw damage(op, `no values of type ${type} in field ${number}`, 'some');
  if (wire !== WIRE.bytes) throw damage(op, 'packed values', 'a field for each value');
  return { kind: VALUE_FIELDS.get(number) ?? 'raw', at, length };
}

/** Reads all of a model but the values of its tensors. @throws WeightsError if it is damaged, or larger than VanillaNets are */
export const readModel = (file: RandomAccess): Promise<OnnxModel> => new ModelReader(file).model();
