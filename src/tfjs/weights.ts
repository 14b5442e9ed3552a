/** Parameters on their way to and from the engine, whose kernels lie in another order. */
import type { ModelConfig } from '../core/config.js';
import { isBuffer, parameterShapes } from '../core/parameters.js';
import type { StateDict, Tensor } from '../core/tensor.js';
import { scope, settled } from './scope.js';
import type { Tf, TfTensor } from './tf.js';

/** Kernels [k,c,kh,kw] are [kh,kw,c,k] there, and [c,1,kh,kw] are [kh,kw,c,1]. */
interface Order {
  readonly there: readonly number[];
  readonly back: readonly number[];
}
const KERNEL: Order = { there: [2, 3, 1, 0], back: [3, 2, 0, 1] };
const DEPTHWISE: Order = { there: [2, 3, 0, 1], back: [2, 3, 0, 1] };

const isDepthwise = (name: string): boolean => /^(stem\.1|stem2\.2|stages\.\d+\.act)\.weight$/.test(name);

const orderOf = (name: string, rank: number): Order | null =>
  rank !== 4 ? null : isDepthwise(name) ? DEPTHWISE : KERNEL;

/** A state in an engine. `num_batches_tracked` stays outside: nothing is computed from it. */
export type TfState = Map<string, TfTensor>;

/** What a name says beside the parameter's, such as `exp_avg.` */
const bare = (name: string): string => name.replace(/^(exp_avg|exp_avg_sq|momentum_buffer)\./, '');

/** A tensor in the engine's order; to be disposed of. */
export function upload(tf: Tf, name: string, { data, shape }: Tensor): TfTensor {
  const order = orderOf(bare(name), shape.length);
  return tf.tidy(() => {
    // A copy: an engine may keep the array, and its owner may change it.
    const given = tf.tensor(new Float32Array(data), [...shape], 'float32');
    return order === null ? given : tf.transpose(given, [...order.there]);
  });
}

/** A copy in PyTorch's order. Asynchronous: some engines cannot be read otherwise. */
export async function download(tf: Tf, name: string, tensor: TfTensor): Promise<Tensor> {
  const order = orderOf(bare(name), tensor.rank);
  const turned = order === null ? tensor : tf.tidy(() => tf.transpose(tensor, [...order.back]));
  try {
    return { data: new Float32Array(await turned.data()), shape: turned.shape };
  } finally {
    if (turned !== tensor) turned.dispose();
  }
}

export const isCounter = (name: string): boolean => name.endsWith('.num_batches_tracked');

export function uploadState(tf: Tf, state: StateDict): TfState {
  const tensors = [...state].filter(([name]) => !isCounter(name));
  return scope(tf, (keep) => new Map(tensors.map(([name, tensor]) => [name, keep(upload(tf, name, tensor))])));
}

export async function downloadState(tf: Tf, state: ReadonlyMap<string, TfTensor>): Promise<Map<string, Tensor>> {
  const read = [...state].map(async ([name, tensor]) => [name, await download(tf, name, tensor)] as const);
  return new Map(await settled(read));
}

/** Names of what an optimiser moves. */
export const trainable = (config: ModelConfig): string[] =>
  [...parameterShapes(config).keys()].filter((name) => !isBuffer(name));
