import type { StateDict } from '../../../../dist/src/entries/index.js';

export interface Float32Tensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export function tensorOf(state: StateDict, name: string): Float32Tensor {
  const tensor = state.get(name);
  if (!(tensor?.data instanceof Float32Array)) throw new Error(`${name}: no float32 tensor with this name`);
  return { data: tensor.data, shape: tensor.shape };
}

/** The bytes of the values. All formats store them in little-endian order, which is that of all platforms of Node. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Axis i of the result is axis `order[i]` of the tensor, row-major both. */
export function permute({ data, shape }: Float32Tensor, order: readonly number[]): Float32Tensor {
  const sizes = order.map((axis) => shape[axis]);
  const strides = order.map((axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const permuted = new Float32Array(data.length);
  let next = 0;
  const walk = (axis: number, from: number): void => {
    if (axis === sizes.length) {
      permuted[next++] = data[from];
      return;
    }
    for (let i = 0; i < sizes[axis]; i++) walk(axis + 1, from + i * strides[axis]);
  };
  walk(0, 0);
  return { data: permuted, shape: sizes };
}
