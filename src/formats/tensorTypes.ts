/** The number formats of tensors by their names in PyTorch. All are little endian. */
import { WeightsError } from '../core/errors.js';
import type { FloatArray } from '../core/tensor.js';
import { DTYPES } from '../io/dtypes.js';

export interface TensorType {
  /** Bytes of one value. */
  readonly width: number;
  /** The type of array that represents all values exactly. */
  readonly Values: new (length: number) => FloatArray;
  /**
   * Fills `data` from the bytes of as many values.
   *
   * @param first index of the first value in its storage, for errors
   * @throws WeightsError for a value that a float cannot represent
   */
  read(bytes: Uint8Array, data: FloatArray, op: string, first?: number): void;
}

/** Integers of at most 32 bits, read one by one. */
const integers = (
  width: number,
  Values: TensorType['Values'],
  value: (view: DataView, at: number) => number,
): TensorType => ({
  width,
  Values,
  read(bytes, data) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < data.length; i++) data[i] = value(view, i * width);
  },
});

/** A type that no weights have: its tensors have shapes, but no values. */
const unread = (name: string, width: number): TensorType => ({
  width,
  Values: Float32Array,
  read(_bytes, _data, op) {
    const hint = 'Convert it in Python: tensor.float().';
    throw new WeightsError({ op, expected: 'real numbers or integers', got: name, hint });
  },
});

const TYPES: Readonly<Record<string, TensorType>> = {
  float64: DTYPES.F64,
  float32: DTYPES.F32,
  float16: DTYPES.F16,
  bfloat16: DTYPES.BF16,
  int64: DTYPES.I64,
  int32: integers(4, Float64Array, (view, at) => view.getInt32(at, true)),
  int16: integers(2, Float32Array, (view, at) => view.getInt16(at, true)),
  int8: DTYPES.I8,
  uint8: integers(1, Float32Array, (view, at) => view.getUint8(at)),
  bool: integers(1, Float32Array, (view, at) => Number(view.getUint8(at) !== 0)),
  uint32: unread('uint32', 4),
  uint64: unread('uint64', 8),
  complex64: unread('complex64', 8),
  complex128: unread('complex128', 16),
};

/** The format of a name; undefined for a name that is none. */
export const tensorType = (name: string): TensorType | undefined =>
  Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
