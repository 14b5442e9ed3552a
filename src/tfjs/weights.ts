/** Moves parameters to the engine and back. PyTorch and TensorFlow.js order the axes of kernels differently. */
import { isCounter, isDepthwise } from '../core/parameters.js';
import { sizeOf, type FloatArray, type StateDict, type Tensor } from '../core/tensor.js';
import { awaitAll, runInScope } from './scope.js';
import type { Tf, TfTensor } from './tf.js';

/** Permutations of a kernel's axes: PyTorch's [k,c,kh,kw] and [c,1,kh,kw] are [kh,kw,c,k] and [kh,kw,c,1] here. */
interface AxisOrder {
  readonly upload: readonly number[];
  readonly download: readonly number[];
}
const KERNEL: AxisOrder = { upload: [2, 3, 1, 0], download: [3, 2, 0, 1] };
const DEPTHWISE: AxisOrder = { upload: [2, 3, 0, 1], download: [2, 3, 0, 1] };

/** The name of a parameter, or of the parameter that a moment such as `exp_avg.<param>` belongs to. */
const parameterName = (name: string): string => name.replace(/^(exp_avg|exp_avg_sq|momentum_buffer)\./, '');

/** Null if the axes keep their order. */
const orderOf = (name: string, rank: number): AxisOrder | null =>
  rank !== 4 ? null : isDepthwise(parameterName(name)) ? DEPTHWISE : KERNEL;

/** A state on an engine. The counters `num_batches_tracked` are not uploaded: nothing is computed from them. */
export type TfState = Map<string, TfTensor>;

/**
 * A copy with permuted axes; null copies as is. Computed here and not by the engine: an engine may flush subnormal
 * numbers to zero, even in a transposition.
 */
function permuteAxes(
  data: FloatArray,
  shape: readonly number[],
  order: readonly number[] | null,
): { readonly data: Float32Array; readonly shape: number[] } {
  if (order === null) return { data: new Float32Array(data), shape: [...shape] };
  const sizes = order.map((axis) => shape[axis]);
  const strides = order.map((axis) => sizeOf(shape.slice(axis + 1)));
  const copy = new Float32Array(data.length);
  let to = 0;
  const copyFrom = (from: number, axis: number): void => {
    if (axis === sizes.length) copy[to++] = data[from];
    else for (let i = 0; i < sizes[axis]; i++) copyFrom(from + i * strides[axis], axis + 1);
  };
  copyFrom(0, 0);
  return { data: copy, shape: sizes };
}

/** Uploads a tensor in TensorFlow.js' order. The caller disposes of it. */
export function upload(tf: Tf, name: string, tensor: Tensor): TfTensor {
  const order = orderOf(name, tensor.shape.length)?.upload ?? null;
  const { data, shape } = permuteAxes(tensor.data, tensor.shape, order);
  return tf.tensor(data, shape, 'float32');
}

/** A copy in PyTorch's order. Asynchronous, because webgpu has no synchronous read. */
export async function download(name: string, tensor: TfTensor): Promise<Tensor> {
  const values = (await tensor.data()) as Float32Array;
  return permuteAxes(values, tensor.shape, orderOf(name, tensor.rank)?.download ?? null);
}

export function uploadState(tf: Tf, state: StateDict): TfState {
  const tensors = [...state].filter(([name]) => !isCounter(name));
  return runInScope(tf, (keep) => new Map(tensors.map(([name, tensor]) => [name, keep(upload(tf, name, tensor))])));
}

export async function downloadState(state: ReadonlyMap<string, TfTensor>): Promise<Map<string, Tensor>> {
  const reads = [...state].map(async ([name, tensor]) => [name, await download(name, tensor)] as const);
  return new Map(await awaitAll(reads));
}

/** Sets tensors of a state, and disposes of those that they replace. */
export function replaceTensors(state: TfState, tensors: ReadonlyMap<string, TfTensor>): void {
  for (const [name, tensor] of tensors) {
    state.get(name)?.dispose();
    state.set(name, tensor);
  }
}

export function disposeTensors(tensors: Iterable<TfTensor>): void {
  for (const tensor of tensors) tensor.dispose();
}
