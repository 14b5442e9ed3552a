/** What is named in a graph, and the path of nodes from its input to its output. */
import { show } from '../../core/check.js';
import { WeightsError } from '../../core/errors.js';
import type { OnnxModel, OnnxNode, OnnxTensor } from './model.js';
import { damage } from './protobuf.js';
import { isFloat, typeName } from './tensors.js';

const OTHER_HINT = 'Only graphs of VanillaNet are read.';
const OPTIMIZED_HINT = 'Pass the graph from before onnxruntime optimized it.';

/** The error for a node that VanillaNet does not have. */
export const unlike = ({ op }: Pick<OnnxNode, 'op'>, expected: string, got: string, hint = OTHER_HINT): WeightsError =>
  new WeightsError({ op, expected, got, hint });

const nameOf = ({ domain, type }: OnnxNode): string => (domain === '' ? type : `${domain}.${type}`);

/** Nodes that only change the type or the shape of activations, or nothing. */
export const VIEWS = new Set(['Identity', 'Dropout', 'Cast', 'Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Gather']);
const COMPUTING = new Set([
  ...['Conv', 'BatchNormalization', 'LeakyRelu', 'Relu', 'MaxPool', 'GlobalAveragePool', 'ReduceMean', 'Softmax'],
]);

/** What is named in a graph. */
export class Names {
  private readonly producers = new Map<string, OnnxNode>();
  private readonly taken = new Set<string>();

  constructor(
    private readonly model: OnnxModel,
    private readonly file: string,
  ) {
    for (const node of model.nodes) {
      for (const input of node.inputs) this.taken.add(input);
      for (const output of node.outputs) {
        // An output that is not computed has no name.
        if (output === '') continue;
        if (this.producers.has(output) || model.initializers.has(output)) {
          throw damage(node.op, 'one value of each name', `another one named ${show(output)}`);
        }
        this.producers.set(output, node);
      }
    }
  }

  producerOf(name: string): OnnxNode | undefined {
    return this.producers.get(name);
  }

  constantOf(name: string): OnnxTensor | undefined {
    const initializer = this.model.initializers.get(name);
    if (initializer !== undefined) return initializer;
    const node = this.producers.get(name);
    if (node?.type !== 'Constant' || node.domain !== '') return undefined;
    const value = node.attributes.get('value') ?? null;
    return typeof value === 'object' && value !== null && 'data' in value ? value : undefined;
  }

  /** Weights: a constant, behind conversions of its type. */
  weightOf(name: string, user: OnnxNode): OnnxTensor {
    const visited = new Set<string>();
    for (let at = name; !visited.has(at);) {
      visited.add(at);
      const tensor = this.constantOf(at);
      if (tensor !== undefined) {
        if (isFloat(tensor.type)) return tensor;
        const hint = 'Export the graph with weights of float32.';
        throw unlike(tensor, 'weights of float32, float16, bfloat16 or float64', typeName(tensor.type), hint);
      }
      const node = this.producers.get(at);
      const isCast = node?.domain === '' && ['Identity', 'Cast'].includes(node.type);
      if (!isCast) {
        const got = node === undefined ? `no tensor ${show(at)}` : `what ${nameOf(node)} computes`;
        const isQuantized = node?.type === 'DequantizeLinear';
        const hint = isQuantized ? 'Export the network before it is quantized.' : 'Export the graph with its weights.';
        throw unlike(user, 'weights in the file', got, hint);
      }
      at = node.inputs[0] ?? '';
    }
    throw damage(user.op, 'weights in the file', "nodes that take each other's outputs");
  }

  /** The inputs of images: in old files, initializers are inputs, too. */
  imageInput(): { readonly name: string; readonly shape: readonly (number | null)[] | null } {
    const inputs = this.model.inputs.filter(({ name }) => !this.model.initializers.has(name));
    if (inputs.length === 1) return inputs[0];
    const hint = 'Export the weights as constants: keep_initializers_as_inputs=False, export_params=True.';
    const got = inputs.length === 0 ? 'none' : `${inputs.length}: ${inputs.slice(0, 3).map(({ name }) => name).join(', ')}`; // prettier-ignore
    throw new WeightsError({ op: `${this.file}: graph`, expected: 'one input, the images', got, hint });
  }

  output(): string {
    const { outputs } = this.model;
    if (outputs.length === 1) return outputs[0];
    const hint = 'Export the network that classifies, with the logits as its only output.';
    const got = `${outputs.length}`;
    throw new WeightsError({ op: `${this.file}: graph`, expected: 'one output, the logits', got, hint });
  }

  unused(): string[] {
    return [...this.model.initializers.keys()].filter((name) => !this.taken.has(name));
  }
}

/** The nodes from the input to the output: each takes the output of the one before as its first input. */
export function pathOf(names: Names, input: string, output: string, file: string): OnnxNode[] {
  const path: OnnxNode[] = [];
  const visited = new Set<OnnxNode>();
  for (let at = output; at !== input;) {
    const node = names.producerOf(at);
    if (node === undefined) {
      const got = `${show(at)}, which nothing computes`;
      throw damage(`${file}: graph`, `nodes from the input ${show(input)} to the output`, got);
    }
    if (visited.has(node)) throw damage(node.op, 'nodes one after the other', 'a cycle');
    if (node.domain !== '' || (!VIEWS.has(node.type) && !COMPUTING.has(node.type))) {
      const hint = node.domain.startsWith('com.microsoft') ? OPTIMIZED_HINT : OTHER_HINT;
      throw unlike(node, 'an op of VanillaNet, such as Conv, MaxPool or Relu', nameOf(node), hint);
    }
    if (node.outputs[0] !== at) throw unlike(node, 'its first output', show(at));
    visited.add(node);
    path.push(node);
    at = node.inputs[0] ?? '';
  }
  return path.reverse();
}
