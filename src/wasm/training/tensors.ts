/** Where the tensors of a network in training lie. */
import type { ModelConfig } from '../../core/config.js';
import { parameterShapes } from '../../core/parameters.js';
import { sizeOf, type StateDict, type Tensor } from '../../core/tensor.js';
import type { Arena } from '../arena.js';
import type { Kernels } from '../module.js';
import { packedFloats, whole, type PackedShape } from '../packedShape.js';

/** A tensor's place: among the parameters, or among the buffers. */
export interface TensorBlock extends PackedShape {
  readonly shape: readonly number[];
  /** Address of its values. */
  readonly block: number;
  /** Of its gradient; null for running statistics. */
  readonly grad: number | null;
}

/** Parameters that are side by side, so that an optimiser sees them as one; so are gradients and moments. */
export interface ParameterGroup {
  readonly param: number;
  readonly grad: number;
  readonly m: number;
  readonly v: number;
  readonly floats: number;
  /** Whether they are weights of convolutions, and not biases and norms. */
  readonly weights: boolean;
}

const isBuffer = (name: string): boolean => /\.running_(mean|var)$/.test(name);

/** Four outputs side by side; what feeds a product over planes is filled up as they are. */
function packed(name: string, [rows, ...rest]: readonly number[]): PackedShape {
  const width = sizeOf(rest);
  const isPointwise = rest.length > 0 && rest[1] === 1 && !isDepthwise(name);
  return { rows, width, depth: isPointwise ? whole(rest[0]) : width, lanes: 4 };
}

/** Activations are the only convolutions without a number behind their name, and may be 1x1. */
const isDepthwise = (name: string): boolean => /(stem2\.2|\.act)\.weight$/.test(name);

/** Packs a state's tensors to their places; `scratch` is room for a part of one. */
export function loadTensors(
  kernels: Pick<Kernels, 'memory' | 'packLanes'>,
  tensors: ReadonlyMap<string, TensorBlock>,
  state: StateDict,
  scratch: { readonly block: number; readonly floats: number },
): void {
  const memory = new Float32Array(kernels.memory.buffer);
  for (const [name, { block, width, depth, lanes }] of tensors) {
    const { data } = state.get(name) ?? { data: new Float32Array(0) };
    for (let first = 0; first < data.length; first += scratch.floats) {
      const values = data.subarray(first, first + scratch.floats);
      memory.set(values, scratch.block / 4);
      kernels.packLanes(block, scratch.block, width, depth, lanes, first, first + values.length);
    }
  }
}

/** What lies at a tensor's place, or where its gradient does, as rows; a copy. */
export function readTensor(memory: Float32Array, tensor: TensorBlock, block: number): Tensor {
  const { rows, width, depth, lanes, shape } = tensor;
  const data = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++) {
    const from = block / 4 + Math.floor(r / lanes) * depth * lanes + (r % lanes);
    for (let k = 0; k < width; k++) data[r * width + k] = memory[from + k * lanes];
  }
  return { data, shape };
}

export function placeTensors(
  config: ModelConfig,
  arena: Arena,
): { tensors: ReadonlyMap<string, TensorBlock>; groups: readonly ParameterGroup[] } {
  const named = [...parameterShapes({ ...config, form: 'train' })]
    .filter(([name]) => !name.endsWith('.num_batches_tracked'))
    .map(([name, shape]) => ({ name, shape, ...packed(name, shape) }));
  const tensors = new Map<string, TensorBlock>();
  const groups = [true, false].map((weights): ParameterGroup => {
    const members = named.filter(({ name, shape }) => !isBuffer(name) && shape.length > 1 === weights);
    const floats = members.reduce((sum, form) => sum + packedFloats(form), 0);
    const [param, grad, m, v] = Array.from({ length: 4 }, () => arena.reserveFloats(floats));
    let at = 0;
    for (const { name, ...form } of members) {
      tensors.set(name, { ...form, block: param + at, grad: grad + at });
      at += 4 * packedFloats(form);
    }
    return { param, grad, m, v, floats, weights };
  });
  for (const { name, ...form } of named.filter((each) => isBuffer(each.name))) {
    tensors.set(name, { ...form, block: arena.reserveFloats(packedFloats(form)), grad: null });
  }
  return { tensors, groups };
}
