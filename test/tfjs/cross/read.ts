/** Reads tensors and permutes them to PyTorch's order, without the engine's own transposition, which is under test. */
import { sizeOf, type Tensor } from '../../../src/core/tensor.js';
import type { TfTensor } from '../../../src/tfjs/tf.js';

function permute({ data, shape }: Tensor, order: readonly number[]): Tensor {
  const to = order.map((axis) => shape[axis]);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const values = Float32Array.from(data, (_, i) => {
    let [rest, from] = [i, 0];
    for (let axis = to.length - 1; axis >= 0; axis--) {
      from += (rest % to[axis]) * strides[order[axis]];
      rest = Math.floor(rest / to[axis]);
    }
    return data[from];
  });
  return { data: values, shape: to };
}

export async function read(x: TfTensor): Promise<Tensor> {
  return { data: Float32Array.from(await x.data()), shape: x.shape };
}

/** [n,h,w,c] as [n,c,h,w]. */
export const readMaps = async (x: TfTensor): Promise<Tensor> => permute(await read(x), [0, 3, 1, 2]);

/** Kernels [kh,kw,c,k] as [k,c,kh,kw], or depthwise [kh,kw,c,1] as [c,1,kh,kw]. Other ranks stay as they are. */
export async function readParameter(x: TfTensor, depthwise: boolean): Promise<Tensor> {
  const values = await read(x);
  return values.shape.length !== 4 ? values : permute(values, depthwise ? [2, 3, 0, 1] : [3, 2, 0, 1]);
}
