/** Parameters on their way to and from the engine, whose kernels lie in another order. */
import { isCounter, isDepthwise } from '../core/parameters.js';
import { sizeOf, type FloatArray, type StateDict, type Tensor } from '../core/tensor.js';
import { scope, settled } from './scope.js';
import type { Tf, TfTensor } from './tf.js';

/** Kernels [k,c,kh,kw] are [kh,kw,c,k] there, and [c,1,kh,kw] are [kh,kw,c,1]. */
interface Order {
  readonly there: readonly number[];
  readonly back: readonly number[];
}
const KERNEL: Order = { there: [2, 3, 1, 0], back: [3, 2, 0, 1] };
const DEPTHWISE: Order = { there: [2, 3, 0, 1], back: [2, 3, 0, 1] };

const orderOf = (name: string, rank: number): Order | null =>
  rank !== 4 ? null : isDepthwise(name) ? DEPTHWISE : KERNEL;

/** A state in an engine. `num_batches_tracked` stays outside: nothing is computed from it. */
export type TfState = Map<string, TfTensor>;

/** What a name says beside the parameter's, such as `exp_avg.` */
const bare = (name: string): string => name.replace(/^(exp_avg|exp_avg_sq|momentum_buffer)\./, '');

interface Turned {
  readonly data: Float32Array;
  readonly shape: number[];
}

/**
 * A copy whose axes are those of `order`; null where they stay. It is made here: an engine may take
 * subnormal numbers for zeros wherever it computes, and were it only a transposition.
 */
function turned(data: FloatArray, shape: readonly number[], order: readonly number[] | null): Turned {
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

/** A tensor in the engine's order; to be disposed of. */
export function upload(tf: Tf, name: string, tensor: Tensor): TfTensor {
  const { data, shape } = turned(tensor.data, tensor.shape, orderOf(bare(name), tensor.shape.length)?.there ?? null);
  return tf.tensor(data, shape, 'float32');
}

/** A copy in PyTorch's order, of whatever engine the tensor lies in. Asynchronous: some cannot be read otherwise. */
export async function download(name: string, tensor: TfTensor): Promise<Tensor> {
  const values = (await tensor.data()) as Float32Array;
  return turned(values, tensor.shape, orderOf(bare(name), tensor.rank)?.back ?? null);
}

export function uploadState(tf: Tf, state: StateDict): TfState {
  const tensors = [...state].filter(([name]) => !isCounter(name));
  return scope(tf, (keep) => new Map(tensors.map(([name, tensor]) => [name, keep(upload(tf, name, tensor))])));
}

export async function downloadState(state: ReadonlyMap<string, TfTensor>): Promise<Map<string, Tensor>> {
  const read = [...state].map(async ([name, tensor]) => [name, await download(name, tensor)] as const);
  return new Map(await settled(read));
}

/** Puts tensors in the place of others, which are freed. */
export function replace(state: TfState, values: ReadonlyMap<string, TfTensor>): void {
  for (const [name, value] of values) {
    state.get(name)?.dispose();
    state.set(name, value);
  }
}

export function free(tensors: Iterable<TfTensor>): void {
  for (const tensor of tensors) tensor.dispose();
}
