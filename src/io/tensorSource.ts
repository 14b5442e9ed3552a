/** Tensors that are read one after the other while a file is written. */
import { WeightsError } from '../core/errors.js';
import { formatShape, sizeOf, type FloatArray } from '../core/tensor.js';
import { DTYPES } from './dtypes.js';
import type { LayoutEntry } from './safetensorsLayout.js';

/** A tensor that is read when it is written. */
export interface TensorSource extends LayoutEntry {
  readonly dtype: 'F16' | 'F32' | 'F64' | 'I64';
  /** The values in row-major order. */
  read(): Promise<FloatArray>;
}

/** Values that are converted at a time. */
const PART = 2 ** 20;

/** Bytes that a tensor takes in a file. */
export const byteLength = ({ shape, dtype }: LayoutEntry): number => sizeOf(shape) * DTYPES[dtype].width;

/**
 * The bytes of a tensor, little endian, in parts.
 *
 * @throws an error of `read`
 * @throws WeightsError for another number of values, or a value that the type cannot represent
 */
export async function* tensorBytes(tensor: TensorSource): AsyncGenerator<Uint8Array> {
  const { name, dtype, shape } = tensor;
  const data = await tensor.read();
  if (data.length !== sizeOf(shape)) {
    const expected = `the values of ${formatShape(shape)}`;
    throw new WeightsError({ op: name, expected, got: `${data.length} values` });
  }
  const format = DTYPES[dtype];
  format.check(data, name);
  for (let at = 0; at < data.length; at += PART) {
    const part = data.subarray(at, at + PART);
    const bytes = new Uint8Array(part.length * format.width);
    format.write(part, bytes);
    yield bytes;
  }
}
