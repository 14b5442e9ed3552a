/** The values of ONNX tensors: in the file itself, or in another one beside it. */
import { WeightsError } from '../../core/errors.js';
import { formatShape, sizeOf } from '../../core/tensor.js';
import { bytesAccess, partOf } from '../fileAccess.js';
import type { FileTensor, OpenSibling, RandomAccess } from '../foreignFile.js';
import { rowMajorStrides } from '../strides.js';
import { stridedTensor } from '../stridedTensor.js';
import { tensorType } from '../tensorTypes.js';
import type { OnnxTensor } from './model.js';
import { damage, Messages, type Span } from './protobuf.js';

/** PyTorch's names of the types of ONNX, by their numbers. */
const TYPES: ReadonlyMap<number, string> = new Map([
  ...([[1, 'float32'], [2, 'uint8'], [3, 'int8'], [4, 'uint16'], [5, 'int16'], [6, 'int32'], [7, 'int64']] as const), // prettier-ignore
  ...([[8, 'string'], [9, 'bool'], [10, 'float16'], [11, 'float64'], [12, 'uint32'], [13, 'uint64']] as const), // prettier-ignore
  ...([[14, 'complex64'], [15, 'complex128'], [16, 'bfloat16'], [17, 'float8_e4m3fn'], [21, 'uint4'], [22, 'int4']] as const), // prettier-ignore
]);

/** PyTorch's name of a type. */
export const typeName = (type: number): string => TYPES.get(type) ?? `type ${type}`;

/** The types that weights may have. */
const FLOATS: readonly string[] = ['float32', 'float16', 'float64', 'bfloat16'];

export const isFloat = (type: number): boolean => FLOATS.includes(typeName(type));

/** Elements of a tensor of integers that is read: axes, sizes, and the indices of pools. */
const MOST_INTEGERS = 2 ** 16;
/** Elements of any tensor. */
const MOST = 2 ** 40;

/** @throws WeightsError unless all sizes are counts, and their product is one */
function countOf({ shape, op }: OnnxTensor): number {
  const count = sizeOf(shape);
  if (shape.every((size) => size >= 0) && count <= MOST) return count;
  throw damage(op, `sizes >= 0 of at most ${MOST} elements`, formatShape(shape));
}

/** Integers that are written as varints, as the bytes of numbers of a type. */
async function bytesOfVarints(file: RandomAccess, span: Span, width: number, count: number, op: string) {
  const values = await new Messages(file, 0).packed(span, count, op);
  if (values.length !== count) throw damage(op, `${count} values`, `${values.length}`);
  const bytes = new Uint8Array(count * width);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) {
    if (!Number.isSafeInteger(value)) throw damage(op, 'integers within 2^53', String(value));
    if (width === 8) view.setBigInt64(8 * i, BigInt(value), true);
    else if (width === 4) view.setInt32(4 * i, value, true);
    else if (width === 2) view.setInt16(2 * i, value, true);
    else view.setInt8(i, value);
  }
  return bytes;
}

/** A number of bytes in an entry of external data. */
function offsetOf(entries: ReadonlyMap<string, string>, key: string, initial: number, op: string): number {
  const text = entries.get(key);
  if (text === undefined) return initial;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw damage(op, `a number of bytes as the ${key} of external data`, JSON.stringify(text));
}

async function externalBytes(
  { op, data }: OnnxTensor,
  size: number,
  openSibling: OpenSibling | undefined,
): Promise<RandomAccess> {
  const entries = data.kind === 'external' ? data.entries : new Map<string, string>();
  const location = entries.get('location');
  if (location === undefined) throw damage(op, 'the location of external data', 'none');
  const offset = offsetOf(entries, 'offset', 0, op);
  const length = offsetOf(entries, 'length', size, op);
  if (length !== size) throw damage(op, `${size} bytes of external data`, `${length} bytes`);
  if (openSibling === undefined) {
    const hint = 'Pass the path of the graph: its weights are in a file beside it.';
    throw new WeightsError({ op, expected: 'values in the file itself', got: 'values in another file', hint });
  }
  const file = await openSibling(location, op);
  if (offset + size > file.size) {
    const got = `${file.size} bytes`;
    throw damage(op, `at least ${offset + size} bytes in ${file.name}`, got);
  }
  return partOf(file, op, offset, size);
}

/** The bytes of the values, which are read later. @param count elements @param width bytes of one */
async function bytesOf(
  file: RandomAccess,
  tensor: OnnxTensor,
  count: number,
  width: number,
  openSibling: OpenSibling | undefined,
): Promise<() => Promise<RandomAccess>> {
  const { op, data } = tensor;
  const size = count * width;
  if (data.kind === 'external') {
    const part = await externalBytes(tensor, size, openSibling);
    return () => Promise.resolve(part);
  }
  if (data.kind === 'varints') {
    return async () => bytesAccess(op, await bytesOfVarints(file, data, width, count, op));
  }
  const length = data.kind === 'raw' ? data.length : 0;
  if (length !== size) throw damage(op, `${size} bytes of values`, `${length} bytes`);
  const part = partOf(file, op, data.kind === 'raw' ? data.at : 0, size);
  return () => Promise.resolve(part);
}

/**
 * The tensor of a file, whose values are read later.
 *
 * @throws WeightsError if the file does not have its values, or for a type that is not read
 */
export async function fileTensor(
  file: RandomAccess,
  tensor: OnnxTensor,
  openSibling: OpenSibling | undefined,
): Promise<FileTensor> {
  const { op, shape, type } = tensor;
  const dtype = typeName(type);
  const width = tensorType(dtype)?.width;
  if (width === undefined) {
    const hint = 'Export the graph with weights of float32.';
    throw new WeightsError({ op, expected: 'a tensor of floats or integers', got: dtype, hint });
  }
  const count = countOf(tensor);
  const open = await bytesOf(file, tensor, count, width, openSibling);
  return stridedTensor({ dtype, offset: 0, shape, strides: rowMajorStrides(shape) }, open, count, op);
}

/** Integers of a small tensor. @throws WeightsError if it has other types, or many */
export async function integersOf(file: RandomAccess, tensor: OnnxTensor, openSibling: OpenSibling | undefined) {
  const { op, shape, type } = tensor;
  const isInteger = ['int64', 'int32'].includes(typeName(type));
  if (!isInteger || countOf(tensor) > MOST_INTEGERS) {
    const got = `${typeName(type)} ${formatShape(shape)}`;
    throw damage(op, `integers, at most ${MOST_INTEGERS}`, got);
  }
  return { shape, data: Array.from(await (await fileTensor(file, tensor, openSibling)).read()) };
}
