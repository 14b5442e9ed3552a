/** The deploy form as the other runtimes need it: convolutions, each with the ReLU and pool that follow it. */
import type { Layer } from '../../../../dist/src/entries/index.js';

export interface Convolution {
  /** `${name}.weight` and `${name}.bias` are its tensors. */
  readonly name: string;
  readonly depthwise: boolean;
  /** PyTorch's layout, [k,c,kh,kw] or [c,1,kh,kw]. */
  readonly weight: readonly [number, number, number, number];
  readonly stride: number;
  readonly padding: number;
  readonly relu: boolean;
  /** Kernel and stride of the max pool after the ReLU; 1 if there is none. */
  readonly pool: number;
}

export interface Chain {
  readonly body: readonly Convolution[];
  /** The 1x1 convolution after the global average. */
  readonly head: Convolution;
}

/**
 * Moves each ReLU before its pool, so that every runtime can fuse it into the convolution. No bit changes, because max
 * and ReLU commute.
 */
export function chainOf(layers: readonly Layer[]): Chain {
  const body: Convolution[] = [];
  let averaged = false;
  let head: Convolution | undefined;
  const amend = (change: Partial<Convolution>): void => {
    const last = body.pop();
    if (last === undefined) throw new Error('a layer has no convolution before it');
    body.push({ ...last, ...change });
  };
  for (const layer of layers) {
    if (layer.op === 'conv2d' || layer.op === 'depthwiseConv2d') {
      const { name, op, weight, stride, padding } = layer;
      const convolution = { name, depthwise: op === 'depthwiseConv2d', weight, stride, padding, relu: false, pool: 1 };
      if (averaged) head = convolution;
      else body.push(convolution);
    } else if (layer.op === 'maxPool2d') {
      amend({ pool: layer.stride });
    } else if (layer.op === 'leakyRelu' && layer.lambda === 0) {
      amend({ relu: true });
    } else if (layer.op === 'globalAvgPool') {
      averaged = true;
    } else if (layer.op !== 'dropout') {
      throw new Error(`${layer.name}: ${layer.op} is not a layer of the deploy form`);
    }
  }
  if (head === undefined) throw new Error('the network has no head');
  return { body, head };
}

/** The padding as TensorFlow names it. */
export function paddingOf({ name, weight, stride, padding }: Convolution): 'valid' | 'same' {
  if (padding === 0) return 'valid';
  if (stride === 1 && weight[2] === weight[3] && 2 * padding === weight[2] - 1) return 'same';
  throw new Error(`${name}: padding ${padding} is neither valid nor same`);
}

/** The side of a square map after the convolution. */
export const sideAfter = (side: number, { weight, stride, padding }: Convolution): number =>
  Math.floor((side + 2 * padding - weight[2]) / stride) + 1;
