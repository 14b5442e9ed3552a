/**
 * Checkpoints of PyTorch before 1.6, and of `torch.save(…, _use_new_zipfile_serialization=False)`: five pickles in a row (a
 * magic number, a version, facts about the system, the object, the keys of its storages), then for each key the number of
 * elements (int64) and the elements.
 */
import { WeightsError } from '../core/errors.js';
import { readPickle } from '../io/pickle/pickleMachine.js';
import { PickleReader } from '../io/pickle/pickleReader.js';
import { kindOfValue, textOf, type PickleValue } from '../io/pickle/pickleValues.js';
import { partOf } from './fileAccess.js';
import type { ForeignFile, RandomAccess } from './foreignFile.js';
import type { Storage } from './stridedTensor.js';
import { tensorType } from './tensorTypes.js';
import {
  contentOf,
  storageRecord,
  torchErrors,
  torchVocabulary,
  type StorageRecord,
  type Storages,
} from './torchPickle.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
/** The instruction LONG1 with the magic number. */
const MAGIC_BYTES: readonly number[] = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/** Bytes of the number of elements. */
const COUNT = 8;

const HINT = 'The file is damaged or was cut: download, copy or save it again.';

/** Whether a file begins with the magic number: after the protocol, and the frame of protocols 4 and 5. */
export const isTorchLegacy = (head: Uint8Array): boolean =>
  head[0] === 0x80 && [2, 11].some((start) => MAGIC_BYTES.every((byte, i) => head[start + i] === byte));

const refuse = (op: string, expected: string, got: string, hint = HINT): never => {
  throw new WeightsError({ op, expected, got, hint });
};

function checkSystem(system: PickleValue, op: string): void {
  if (!(system instanceof Map)) return refuse(op, 'facts about the system', kindOfValue(system));
  if (system.get('little_endian') !== false) return;
  const hint = 'Load it in Python, and save it on a little-endian machine: torch.save(torch.load(FILE), "net.pth").';
  refuse(op, 'little-endian storages', 'big-endian ones', hint);
}

/** The storages that a pickle refers to, by their keys. */
class References {
  readonly records = new Map<string, StorageRecord>();

  constructor(private readonly op: string) {}

  readonly add = (reference: Parameters<typeof storageRecord>[0]): void => {
    const record = storageRecord(reference, this.op);
    const known = this.records.get(record.key) ?? record;
    if (known.dtype !== record.dtype || known.count !== record.count) {
      const got = `${record.count} of ${record.dtype}`;
      refuse(`${this.op}: storage ${record.key}`, `${known.count} elements of ${known.dtype}, as before`, got);
    }
    this.records.set(record.key, record);
  };
}

/** Finds where the storages are. */
async function locate(
  file: RandomAccess,
  keys: PickleValue,
  records: ReadonlyMap<string, StorageRecord>,
  start: number,
): Promise<ReadonlyMap<string, Storage>> {
  if (!Array.isArray(keys)) return refuse(file.name, 'a list of the keys of storages', kindOfValue(keys));
  const storages = new Map<string, Storage>();
  let at = start;
  for (const each of keys) {
    const key = textOf(each) ?? '';
    const record = records.get(key);
    const op = `${file.name}: storage ${key}`;
    if (record === undefined) return refuse(op, 'the key of a storage that a tensor has', 'another key');
    if (storages.has(key)) refuse(op, 'each key once', 'a key twice');
    const head = await file.read(at, COUNT);
    const count = new DataView(head.buffer, head.byteOffset, COUNT).getBigInt64(0, true);
    if (count !== BigInt(record.count)) refuse(op, `${record.count} elements`, `${count}`);
    const size = record.count * (tensorType(record.dtype)?.width ?? 0);
    if (at + COUNT + size > file.size) {
      refuse(op, `${size} bytes from byte ${at + COUNT}`, `${file.size} in the file: it is cut short`);
    }
    storages.set(key, partOf(file, op, at + COUNT, size));
    at += COUNT + size;
  }
  if (at !== file.size) {
    const hint = 'Something was appended to the file: save the checkpoint alone.';
    refuse(file.name, `an end at byte ${at}`, `${file.size} bytes`, hint);
  }
  return storages;
}

/**
 * Reads a checkpoint of PyTorch in the legacy format.
 *
 * @throws WeightsError for a damaged file, or a pickle with more than tensors and plain data
 */
export async function openTorchLegacy(file: RandomAccess): Promise<ForeignFile> {
  const op = file.name;
  const reader = new PickleReader(new Uint8Array(0), torchErrors(op), file.size);
  const references = new References(op);
  const next = (): Promise<PickleValue> => readPickle(reader, file, torchVocabulary(references.add));
  const magic = await next();
  if (magic !== MAGIC) refuse(op, 'the magic number of PyTorch', kindOfValue(magic));
  const version = await next();
  if (version !== VERSION) refuse(op, `version ${VERSION} of the format`, kindOfValue(version));
  checkSystem(await next(), op);
  const checkpoint = await next();
  const keys = await next();
  const located = await locate(file, keys, references.records, reader.position);
  const storages: Storages = {
    find({ key }, _elements, name) {
      const storage = located.get(key);
      if (storage === undefined) return refuse(name, `the storage ${key}`, 'none of that key');
      return () => Promise.resolve(storage);
    },
  };
  return { format: 'PyTorch checkpoint (legacy format)', ...contentOf(checkpoint, storages, op) };
}
