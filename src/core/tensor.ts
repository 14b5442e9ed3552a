/** Numbers in row-major (C) order. */
export type FloatArray = Float32Array | Float64Array;

/** A dense tensor: NCHW for activations, OIHW for weights. */
export interface Tensor {
  readonly data: FloatArray;
  readonly shape: readonly number[];
}

/**
 * The tensors of a network by PyTorch's names, in PyTorch's order.
 * `num_batches_tracked`, int64 in PyTorch, is a float scalar here (shape []).
 */
export type StateDict = ReadonlyMap<string, Tensor>;

/** The number of elements of a shape; 1 for the shape [] of a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Sizes that `formatShape` shows; damaged files may have millions. */
const SHOWN_SIZES = 16;

/** A shape as text: `[1,3,32,32]`. */
export function formatShape(shape: readonly number[]): string {
  // A caller without types may pass anything, also sizes that cannot be converted to text.
  if (!Array.isArray(shape)) return typeof shape;
  const sizes = shape.slice(0, SHOWN_SIZES).map((size: unknown) => (typeof size === 'number' ? size : typeof size));
  return `[${sizes.join(',')}${shape.length > SHOWN_SIZES ? ',…' : ''}]`;
}
