/**
 * Checkpoints of PyTorch before 1.6, and of `torch.save(…, _use_new_zipfile_serialization=False)`: five pickles in a row (a
 * magic number, a version, facts about the system, the object, the keys of its storages), then for each key the number of
 * elements (int64) and the elements.
 */
import { WeightsError } from '../core/errors.js';
import { readPickle } from '../io/pickle/pickleMachine.js';
import { PickleReader } from '../io/pickle/pickleReader.js';
import { kindOfValue, textOf, type PickleReference, type PickleValue } from '../io/pickle/pickleValues.js';
import { partOf } from './fileAccess.js';
import type { ForeignFile, RandomAccess } from './foreignFile.js';
import type { Storage } from './stridedTensor.js';
import { tensorType } from './tensorTypes.js';
import { contentOf, storageRecord, torchErrors, torchVocabulary, type Storages } from './torchPickle.js';

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

/** What the references of a pickle say about storages: they may contradict each other. */
class References {
  /** The types of each number of elements, by the keys of storages. */
  readonly records = new Map<string, Map<number, Set<string>>>();
  /** Whether there are references that state no storage. */
  hasOthers = false;

  readonly add = (reference: PickleReference): void => {
    const record = storageRecord(reference);
    if (record === null) {
      this.hasOthers = true;
      return;
    }
    const { key, count, dtype } = record;
    const byCount = this.records.get(key) ?? new Map<number, Set<string>>();
    byCount.set(count, (byCount.get(count) ?? new Set()).add(dtype));
    this.records.set(key, byCount);
  };
}

/** A storage in the file. */
interface LocatedStorage {
  readonly count: number;
  /** Of the references to it: several if they contradict each other. */
  readonly dtypes: readonly string[];
  readonly storage: Storage;
}

/**
 * The bytes of an element, by the types that references state.
 *
 * @returns null if they contradict each other
 */
function widthOf(dtypes: Iterable<string>): number | null {
  const widths = new Set([...dtypes].map((dtype) => tensorType(dtype)?.width ?? 0));
  return widths.size === 1 ? [...widths][0] : null;
}

/** Finds where the storages are: up to one whose bytes are unknown, as the references to it are wrong. */
async function locate(
  file: RandomAccess,
  keys: PickleValue,
  { records, hasOthers }: References,
  start: number,
): Promise<ReadonlyMap<string, LocatedStorage>> {
  if (!Array.isArray(keys)) return refuse(file.name, 'a list of the keys of storages', kindOfValue(keys));
  const storages = new Map<string, LocatedStorage>();
  let contradicted: readonly [op: string, expected: string, got: string] | null = null;
  let at = start;
  for (const each of keys) {
    const key = textOf(each) ?? '';
    const byCount = records.get(key);
    const op = `${file.name}: storage ${key}`;
    if (byCount === undefined && hasOthers) return storages;
    if (byCount === undefined) return refuse(op, 'the key of a storage that a tensor has', 'another key');
    if (storages.has(key)) refuse(op, 'each key once', 'a key twice');
    const head = await file.read(at, COUNT);
    const stated = new DataView(head.buffer, head.byteOffset, COUNT).getBigInt64(0, true);
    const count = Number(stated);
    const dtypes = [...(byCount.get(count) ?? [...byCount.values()].flatMap((each) => [...each]))];
    const width = widthOf(dtypes);
    if (width === null) return storages;
    if (!byCount.has(count)) contradicted ??= [op, `${[...byCount.keys()].join(' or ')} elements`, `${stated}`];
    if (contradicted !== null && (count < 0 || at + COUNT + count * width > file.size)) refuse(...contradicted);
    const size = count * width;
    if (at + COUNT + size > file.size) {
      refuse(op, `${size} bytes from byte ${at + COUNT}`, `${file.size} in the file: it is cut short`);
    }
    storages.set(key, { count, dtypes, storage: partOf(file, op, at + COUNT, size) });
    at += COUNT + size;
  }
  if (at !== file.size) {
    if (contradicted !== null) refuse(...contradicted);
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
  const references = new References();
  const next = (): Promise<PickleValue> => readPickle(reader, file, torchVocabulary(references.add));
  const magic = await next();
  if (magic !== MAGIC) refuse(op, 'the magic number of PyTorch', kindOfValue(magic));
  const version = await next();
  if (version !== VERSION) refuse(op, `version ${VERSION} of the format`, kindOfValue(version));
  checkSystem(await next(), op);
  const checkpoint = await next();
  const keys = await next();
  const located = await locate(file, keys, references, reader.position);
  const storages: Storages = {
    find({ key, count }, _elements, name) {
      const found = located.get(key);
      if (found === undefined) return refuse(name, `the storage ${key}`, 'none that can be found');
      const { dtypes, storage } = found;
      if (count !== found.count) refuse(name, `${found.count} elements in the storage ${key}`, `${count}`);
      if (dtypes.length > 1) refuse(name, `one type of the storage ${key}`, dtypes.join(' and '));
      return () => Promise.resolve(storage);
    },
  };
  return {
    format: 'PyTorch checkpoint (legacy format)',
    ...contentOf(checkpoint, storages, op, 'PyTorch, legacy format'),
  };
}
