/**
 * Writes a state_dict that `torch.load` of PyTorch since 1.6 reads: a zip archive with a pickle, `data.pkl`, and the
 * tensors, `data/0`, `data/1`, …
 *
 * Source: torch/serialization.py of PyTorch 2.13.
 */
import { basename } from 'node:path';
import { sizeOf } from '../core/tensor.js';
import { atomicWrite } from '../io/atomicWrite.js';
import { byteLength, tensorBytes, type TensorSource } from '../io/tensorSource.js';
import {
  callCode,
  FALSE,
  globalCode,
  integerCode,
  MARK,
  PROTO,
  referenceCode,
  SETITEMS,
  STOP,
  textCode,
  tupleCode,
  type PickleCode,
} from './pickleCode.js';
import { rowMajorStrides } from './strides.js';
import { ZipWriter } from './zipWriter.js';

const PROTOCOL = 2;
/** The version of the archive that PyTorch writes. */
const VERSION = '3\n';

const STORAGES: Readonly<Record<TensorSource['dtype'], string>> = {
  F16: 'HalfStorage',
  F32: 'FloatStorage',
  F64: 'DoubleStorage',
  I64: 'LongStorage',
};

const orderedDict: PickleCode = callCode(globalCode('collections', 'OrderedDict'));

/** A tensor that has a whole storage, in row-major order. */
function tensorCode({ shape, dtype }: TensorSource, index: number): PickleCode {
  const storage = tupleCode(
    textCode('storage'),
    globalCode('torch', STORAGES[dtype]),
    textCode(String(index)),
    textCode('cpu'),
    integerCode(sizeOf(shape)),
  );
  return callCode(
    globalCode('torch._utils', '_rebuild_tensor_v2'),
    referenceCode(storage),
    integerCode(0),
    tupleCode(...shape.map(integerCode)),
    tupleCode(...rowMajorStrides(shape).map(integerCode)),
    // It needs no gradient, and has no hooks.
    FALSE,
    orderedDict,
  );
}

const pickleOf = (tensors: readonly TensorSource[]): Uint8Array =>
  Uint8Array.from([
    ...[PROTO, PROTOCOL, ...orderedDict, MARK],
    ...tensors.flatMap((tensor, i) => [...textCode(tensor.name), ...tensorCode(tensor, i)]),
    ...[SETITEMS, STOP],
  ]);

/** The folder in the archive: the stem of the file, as `torch.save` names it, if it is plain ASCII. */
function folderFor(path: string): string {
  const stem = basename(path).replace(/\.[^.]*$/, '');
  return /^[\x20-\x5b\x5d-\x7e]+$/.test(stem) ? stem : 'archive';
}

/** Forty digits that identify the content. PyTorch's depend on names and checksums, too. */
function serializationId(digest: Buffer): string {
  const half = (at: number): string => digest.readBigUInt64LE(at).toString().padStart(20, '0');
  return half(0) + half(8);
}

async function* chunksOf(folder: string, tensors: readonly TensorSource[]): AsyncGenerator<Uint8Array> {
  const archive = new ZipWriter();
  const add = (name: string, bytes: Uint8Array): AsyncGenerator<Uint8Array> =>
    archive.record(`${folder}/${name}`, bytes.length, [bytes]);
  yield* add('data.pkl', pickleOf(tensors));
  yield* add('byteorder', Buffer.from('little'));
  for (const [i, tensor] of tensors.entries()) {
    yield* archive.record(`${folder}/data/${i}`, byteLength(tensor), tensorBytes(tensor));
  }
  yield* add('version', Buffer.from(VERSION));
  yield* add('.data/serialization_id', Buffer.from(serializationId(archive.digest())));
  yield* archive.end();
}

/**
 * Writes a state_dict atomically, tensor by tensor: no more than one is in memory.
 *
 * @throws an error of a tensor's `read`; nothing is written then
 * @throws WeightsError for a value that a type cannot represent
 * @throws ParamError if the file cannot be written
 */
export const writeTorch = (path: string, tensors: readonly TensorSource[]): Promise<void> =>
  atomicWrite(path, chunksOf(folderFor(path), tensors));
