/** Numbers in row-major (C) order. */
export type FloatArray = Float32Array | Float64Array;

/** A dense tensor in the public layout: NCHW activations, OIHW weights. */
export interface Tensor {
  readonly data: FloatArray;
  readonly shape: readonly number[];
}

/**
 * A network's tensors under PyTorch's names, in PyTorch's order.
 * `num_batches_tracked`, int64 in PyTorch, is a float scalar here (shape []).
 */
export type StateDict = ReadonlyMap<string, Tensor>;

/** Number of elements of a shape; 1 for a scalar's []. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A shape as people read it: `[1,3,32,32]`. */
export const formatShape = (shape: readonly number[]): string => `[${shape.join(',')}]`;
