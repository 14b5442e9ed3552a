/**
 * Writes parameters that `paddle.load` reads: a pickle of protocol 4, a dict of NumPy arrays. Nothing of it depends on the
 * version of NumPy. The table `StructuredToParameterName@@` is left out: PaddlePaddle then makes names of its own.
 *
 * Source: python/paddle/framework/io.py of PaddlePaddle 3.3; numpy/_core/src/multiarray/methods.c of NumPy 2.4.
 */
import { isCounter } from '../core/parameters.js';
import { atomicWrite } from '../io/atomicWrite.js';
import { byteLength, tensorBytes, type TensorSource } from '../io/tensorSource.js';
import { toPaddle } from './naming.js';
import {
  BUILD,
  bytesHeader,
  callCode,
  EMPTY_DICT,
  FALSE,
  globalCode,
  integerCode,
  MARK,
  MINUS_ONE,
  NONE,
  PROTO,
  SETITEMS,
  STOP,
  textCode,
  TRUE,
  TUPLE,
  tupleCode,
  type PickleCode,
} from './pickleCode.js';

const PROTOCOL = 4;

/** NumPy's codes of the types. */
const CODES: Readonly<Record<TensorSource['dtype'], string>> = { F16: 'f2', F32: 'f4', F64: 'f8', I64: 'i8' };

/** The state of a dtype: its version, byte order, no fields, and no size or alignment of its own. */
const LITTLE_ENDIAN: PickleCode = tupleCode(
  ...[integerCode(3), textCode('<'), NONE, NONE, NONE, MINUS_ONE, MINUS_ONE, integerCode(0)],
);

/** An empty array, to which BUILD gives its state. NumPy 1 and 2 have this name; `numpy._core` only NumPy 2. */
const EMPTY_ARRAY: PickleCode = callCode(
  globalCode('numpy.core.multiarray', '_reconstruct'),
  globalCode('numpy', 'ndarray'),
  tupleCode(integerCode(0)),
  [...bytesHeader(1), 'b'.charCodeAt(0)],
);

const dtypeCode = (dtype: TensorSource['dtype']): PickleCode => [
  ...callCode(globalCode('numpy', 'dtype'), textCode(CODES[dtype]), FALSE, TRUE),
  ...LITTLE_ENDIAN,
  BUILD,
];

/** The name and the array of a tensor up to its bytes: the version of the state, the shape, the type, and row-major order. */
function arrayHead(tensor: TensorSource): Uint8Array {
  const { name, shape, dtype } = tensor;
  return Uint8Array.from([
    ...[...textCode(toPaddle(name)), ...EMPTY_ARRAY, MARK],
    ...[...integerCode(1), ...tupleCode(...shape.map(integerCode)), ...dtypeCode(dtype), ...FALSE],
    ...bytesHeader(byteLength(tensor)),
  ]);
}

async function* chunksOf(tensors: readonly TensorSource[]): AsyncGenerator<Uint8Array> {
  yield Uint8Array.from([PROTO, PROTOCOL, ...EMPTY_DICT, MARK]);
  for (const tensor of tensors) {
    // PaddlePaddle's batch norms count no batches.
    if (isCounter(tensor.name)) continue;
    yield arrayHead(tensor);
    yield* tensorBytes(tensor);
    yield Uint8Array.of(TUPLE, BUILD);
  }
  yield Uint8Array.of(SETITEMS, STOP);
}

/**
 * Writes parameters atomically, tensor by tensor: no more than one is in memory.
 *
 * @param tensors by PyTorch's names
 * @throws an error of a tensor's `read`; nothing is written then
 * @throws WeightsError for a value that a type cannot represent
 * @throws ParamError if the file cannot be written
 */
export const writePaddle = (path: string, tensors: readonly TensorSource[]): Promise<void> =>
  atomicWrite(path, chunksOf(tensors));
