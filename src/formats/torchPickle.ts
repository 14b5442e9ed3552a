/** Pickles of PyTorch: which names they may have, and which tensors their records state. */
import { WeightsError } from '../core/errors.js';
import type { Vocabulary } from '../io/pickle/pickleMachine.js';
import type { PickleErrors } from '../io/pickle/pickleReader.js';
import { NUMPY_NAMES } from '../io/pickle/numpyValues.js';
import {
  kindOfValue,
  MAX_DIMENSIONS,
  PickleName,
  PickleObject,
  PickleReference,
  shapeOf,
  textOf,
  type PickleValue,
} from '../io/pickle/pickleValues.js';
import { factsOf, writerOf } from './checkpointFacts.js';
import { sizeOf } from '../core/tensor.js';
import type { FileTensor, ForeignFile } from './foreignFile.js';
import { NumpyArrays } from './numpyArrays.js';
import { countTensors, keysOfTorchOptimizer, refuseOptimizer } from './optimizerState.js';
import { dictOf, groupsOf, nameOfValue } from './pickledDicts.js';
import { checkView, stridedTensor, unreadTensor, type Storage } from './stridedTensor.js';

const SAVE_AGAIN = 'Save the weights in Python: torch.save(model.state_dict(), "net.pth").';

const REBUILD = 'torch._utils._rebuild_tensor';
const REBUILD_V2 = 'torch._utils._rebuild_tensor_v2';
const PARAMETER = 'torch._utils._rebuild_parameter';
const PARAMETER_WITH_STATE = 'torch._utils._rebuild_parameter_with_state';
const FROM_TYPE = 'torch._tensor._rebuild_from_type_v2';

const REBUILD_V3 = 'torch._utils._rebuild_tensor_v3';
const META = 'torch._utils._rebuild_meta_tensor_no_storage';
const QUANTIZED = 'torch._utils._rebuild_qtensor';
const SPARSE = 'torch._utils._rebuild_sparse_tensor';
const SUBCLASS = 'torch._utils._rebuild_wrapper_subclass';

/** The functions of tensors whose values are not read, and what they make. */
const UNREAD: ReadonlyMap<string, string> = new Map([
  [REBUILD_V3, 'another type'],
  [META, 'a tensor without values (device meta)'],
  [QUANTIZED, 'a quantized tensor'],
  [SPARSE, 'a sparse tensor'],
  [SUBCLASS, 'a tensor of a subclass'],
  ['torch._utils._rebuild_nested_tensor', 'a nested tensor'],
  ['torch._utils._rebuild_device_tensor_from_numpy', 'a tensor of a device'],
  ['torch._utils._rebuild_device_tensor_from_cpu_tensor', 'a tensor of a device'],
]);

/** The dtypes of storages by their classes. */
const STORAGES: Readonly<Record<string, string>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
  ComplexFloatStorage: 'complex64',
  ComplexDoubleStorage: 'complex128',
  ...{ QInt8Storage: 'int8', QUInt8Storage: 'uint8', QInt32Storage: 'int32' },
  ...{ QUInt4x2Storage: 'uint8', QUInt2x4Storage: 'uint8' },
};

/** Bytes, which tensors of types without a class of storages have. */
const UNTYPED = 'torch.storage.UntypedStorage';

/** The dtype of a storage's class, such as `torch.FloatStorage` or `torch.cuda.FloatStorage`; undefined for another name. */
function dtypeOfStorage(name: string): string | undefined {
  if (name === UNTYPED) return 'uint8';
  const type = /^torch\.(?:cuda\.)?(\w+)$/.exec(name)?.[1] ?? '';
  return Object.hasOwn(STORAGES, type) ? STORAGES[type] : undefined;
}

/** Values that checkpoints have beside tensors. */
const OTHERS: ReadonlySet<string> = new Set([
  ...['collections.OrderedDict', 'collections.defaultdict', 'collections.Counter', 'collections.deque'],
  ...['argparse.Namespace', 'types.SimpleNamespace', 'copyreg._reconstructor', 'builtins.object', 'builtins.dict'],
  ...['builtins.set', 'builtins.frozenset', 'builtins.list', 'builtins.tuple', 'builtins.slice', 'builtins.range'],
  ...['builtins.bytearray', 'builtins.complex', 'builtins.int', 'builtins.float', 'builtins.bool', 'builtins.str'],
  ...['pathlib.PosixPath', 'pathlib.WindowsPath', 'pathlib.PurePosixPath', 'pathlib.PureWindowsPath'],
  ...['datetime.datetime', 'datetime.timedelta', 'datetime.date', 'torch.Size', 'torch.device', 'torch.Tensor'],
  ...['torch.nn.parameter.Parameter', 'torch.nn.parameter.Buffer', 'torch.serialization._get_layout'],
  ...[REBUILD, REBUILD_V2, PARAMETER, PARAMETER_WITH_STATE, FROM_TYPE, ...UNREAD.keys()],
]);

/** Types of numbers, and schemes of quantization. */
const DTYPE = new RegExp(
  `^torch\\.(${[
    ...['float(16|32|64)', 'bfloat16', 'u?int([1-8]|16|32|64)', 'bool', 'b?complex32', 'complex(64|128)'],
    ...['half', 'double', 'long', 'float8_(e4m3fn|e4m3fnuz|e5m2|e5m2fnuz|e8m0fnu)', 'float4_e2m1fn_x2'],
    ...['bits(8|16|1x8|2x4|4x2)', 'qu?int8', 'qint32', 'quint(4x2|2x4)'],
    ...['per_(tensor|channel)_(affine|symmetric)', 'per_channel_affine_float_qparams'],
  ].join('|')})$`,
);

const isAllowed = (name: string): boolean =>
  OTHERS.has(name) || NUMPY_NAMES.has(name) || dtypeOfStorage(name) !== undefined || DTYPE.test(name);

/** Modules that run commands or code, and have no place in a checkpoint. */
const DANGEROUS =
  /^(os|posix|nt|sys|subprocess|shutil|socket|pty|runpy|importlib|ctypes|webbrowser|code|marshal|pickle|operator|functools|urllib|requests|http|commands|platform|pip|timeit|pdb|builtins)\b/;

function hintOfName(name: string): string {
  if (DANGEROUS.test(name)) {
    return 'No checkpoint needs this name: the file may be made to run code. Do not load it in Python.';
  }
  return `A whole model, or an object of another class, is read only by the code that wrote it: load it there. ${SAVE_AGAIN}`;
}

/** The vocabulary of a checkpoint. @param refer is called for each reference to a storage */
export function torchVocabulary(refer: (reference: PickleReference) => void = () => undefined): Vocabulary {
  const numpy = new NumpyArrays();
  return {
    lowestProtocol: 2,
    maxObjects: 2_000_000,
    maxDictionaries: 100_000,
    hasOtherKeys: true,
    refer,
    expected: 'the names of tensors and of plain data',
    allows: isAllowed,
    hintOf: hintOfName,
    call: (name, args, reader) => numpy.call(name, args, reader) ?? reconstructed(name, args),
    build: (target, state, reader) => numpy.build(target, state, reader),
  };
}

/** An object as protocols 0 and 1 make it; undefined for another call. */
const reconstructed = (name: string, [type]: readonly PickleValue[]): PickleObject | undefined =>
  name === 'copyreg._reconstructor' && type instanceof PickleName ? new PickleObject(type.name, []) : undefined;

export const torchErrors = (op: string): PickleErrors => ({
  op,
  Refused: WeightsError,
  hint: `The file is damaged, or of another kind: download it again. ${SAVE_AGAIN}`,
});

/** What a persistent id says about a storage. */
export interface StorageRecord {
  readonly dtype: string;
  /** The name of its bytes in the file. */
  readonly key: string;
  /** Elements. */
  readonly count: number;
}

/** Finds the bytes of storages. */
export interface Storages {
  /**
   * @param elements of the tensor that is a view of it, which is checked
   * @throws WeightsError if the file does not have it, or another size
   */
  find(record: StorageRecord, elements: number, op: string): () => Promise<Storage>;
}

const damaged = (op: string, expected: string, got: string): WeightsError =>
  new WeightsError({ op, expected, got, hint: SAVE_AGAIN });

/** Parts of a persistent id, and letters of each, that an error shows. */
const [LONGEST_ID, LONGEST_PART] = [6, 60];

const partsOf = ({ id }: PickleReference): PickleValue[] => (Array.isArray(id) ? id : []);

/**
 * ('storage', class, key, device, elements); the legacy format adds a view, which has been None since 2017.
 *
 * @returns null for another id
 */
export function storageRecord(reference: PickleReference): StorageRecord | null {
  const [tag, type, key, , count]: (PickleValue | undefined)[] = partsOf(reference);
  const dtype = type instanceof PickleName ? dtypeOfStorage(type.name) : undefined;
  const name = textOf(key);
  const isCount = Number.isSafeInteger(count) && (count as number) >= 0;
  if (textOf(tag) !== 'storage' || dtype === undefined || name === null || !/^\d{1,20}$/.test(name) || !isCount) {
    return null;
  }
  return { dtype, key: name, count: count as number };
}

function refuseReference(reference: PickleReference, op: string): never {
  const parts = partsOf(reference).slice(0, LONGEST_ID);
  const got = parts.map((part) => textOf(part)?.slice(0, LONGEST_PART) ?? kindOfValue(part)).join(', ');
  throw damaged(op, 'a storage: its class, key, device and number of elements', got || kindOfValue(reference.id));
}

/** Wrappers that are looked through: a file may nest any number of them. */
const DEEPEST = 8;

/** The record of a tensor within a parameter or a subclass; null for another value. */
function tensorRecord(value: PickleValue, depth = 0): PickleObject | null {
  if (!(value instanceof PickleObject) || depth > DEEPEST) return null;
  const { name, args } = value;
  if (name === REBUILD || name === REBUILD_V2 || UNREAD.has(name)) return value;
  if (name === PARAMETER || name === PARAMETER_WITH_STATE) return tensorRecord(args[0], depth + 1);
  // The function, the class, and the arguments of the function.
  if (name === FROM_TYPE && args[0] instanceof PickleName && Array.isArray(args[2])) {
    return tensorRecord(new PickleObject(args[0].name, args[2]), depth + 1);
  }
  return null;
}

/** The numbers of a tuple, which stridedTensor checks; null for another value, and for more than a tensor has. */
const numbersOf = (value: PickleValue | undefined): number[] | null =>
  Array.isArray(value) && value.length <= MAX_DIMENSIONS && value.every((each) => typeof each === 'number')
    ? value
    : null;

/** Sizes, as a tuple or a torch.Size; null for another value. */
function sizesOf(value: PickleValue | undefined): number[] | null {
  return shapeOf(value instanceof PickleObject && value.name === 'torch.Size' ? value.args[0] : value);
}

/** Parts of a sparse tensor; a short file may give a long list to many tensors. */
const SPARSE_PARTS = 4;

/** The shape and the type that a call of `UNREAD` states; no sizes, and the function's name, if it does not. */
function factsOfUnread({ name, args }: PickleObject): Pick<FileTensor, 'shape' | 'dtype'> {
  const [size, type] = ((): readonly (PickleValue | undefined)[] => {
    switch (name) {
      case REBUILD_V3:
        return [args[2], args[6]];
      case META:
        return [args[1], args[0]];
      case QUANTIZED:
        return [args[2]];
      case SPARSE:
        // The layout; then indices and values (one or two tensors, then one), and the size.
        return [
          Array.isArray(args[1]) ? args[1].slice(0, SPARSE_PARTS).find((part) => sizesOf(part) !== null) : undefined,
        ];
      case SUBCLASS:
        return [args[2], args[1]];
      default:
        return [];
    }
  })();
  const dtype = type instanceof PickleName ? type.name.replace(/^torch\./, '') : name.replace(/^.*_rebuild_/, '');
  return { shape: sizesOf(size) ?? [], dtype };
}

function tensorWithoutValues(record: PickleObject, what: string, op: string): FileTensor {
  const facts = factsOfUnread(record);
  return unreadTensor(facts, record.name === REBUILD_V3 ? facts.dtype : what, op);
}

/**
 * The tensor that a value states; null for another value.
 *
 * @throws WeightsError for a tensor of what the file does not have
 */
function tensorOf(value: PickleValue, storages: Storages, op: string): FileTensor | null {
  const record = tensorRecord(value);
  if (record === null) return null;
  const what = UNREAD.get(record.name);
  if (what !== undefined) return tensorWithoutValues(record, what, op);
  const [reference, offset, size, strides] = record.args;
  const [shape, steps] = [numbersOf(size), numbersOf(strides)];
  if (!(reference instanceof PickleReference) || typeof offset !== 'number' || shape === null || steps === null) {
    const got = [reference, offset, size, strides].map(kindOfValue).join(', ');
    throw damaged(op, `a storage, an offset, at most ${MAX_DIMENSIONS} sizes and strides`, got);
  }
  const storage = storageRecord(reference) ?? refuseReference(reference, op);
  const view = { dtype: storage.dtype, offset, shape, strides: steps };
  checkView(view, storage.count, op);
  const open = storages.find(storage, sizeOf(shape), op);
  const tensor = stridedTensor(view, open, storage.count, op);
  return withMetadata(tensor, record, op);
}

/** The parts of a tensor's metadata that change its values, which are bits of lazy views in PyTorch. */
function withMetadata(tensor: FileTensor, { name, args }: PickleObject, op: string): FileTensor {
  const metadata = name === REBUILD_V2 ? dictOf(args[6]) : null;
  if (metadata?.get('conj') === true) return unreadTensor(tensor, 'a conjugate view of complex numbers', op);
  return metadata?.get('neg') === true ? negated(tensor) : tensor;
}

/** The negative of a tensor, as torch.save writes the imaginary part of a conjugate. */
const negated = (tensor: FileTensor): FileTensor => ({
  ...tensor,
  async read() {
    const data = await tensor.read();
    for (let i = 0; i < data.length; i++) data[i] = -data[i];
    return data;
  },
});

/** Where weights are by the conventions of training scripts. */
const WEIGHTS_ELSEWHERE =
  'The weights are in another file, by convention model.safetensors, pytorch_model.bin or model.pth beside it; or save them in Python: torch.save(model.state_dict(), "net.pth").';

/** @throws WeightsError for a checkpoint without weights that has the state of an optimizer */
function checkOptimizer(checkpoint: PickleValue, format: string, op: string): void {
  const dict = dictOf(checkpoint);
  const keys = dict === null ? null : keysOfTorchOptimizer(dict);
  if (dict === null || keys === null) return;
  const tensors = countTensors(dict, (value) => tensorRecord(value) !== null);
  refuseOptimizer(op, { format, tensors, keys, hint: WEIGHTS_ELSEWHERE });
}

/**
 * The tensors and facts of a checkpoint, and who wrote it.
 *
 * @param format for the error of a file without weights, such as `PyTorch, zip`
 * @throws WeightsError if there are no tensors, or one of what the file does not have
 */
export function contentOf(
  checkpoint: PickleValue,
  storages: Storages,
  file: string,
  format: string,
): Pick<ForeignFile, 'groups' | 'facts' | 'writer'> {
  const tensorAt = (value: PickleValue, path: readonly string[]): FileTensor | null =>
    tensorOf(value, storages, nameOfValue(file, path));
  try {
    const groups = groupsOf(checkpoint, tensorAt, file, SAVE_AGAIN);
    return { groups, facts: factsOf(checkpoint), writer: writerOf(checkpoint) };
  } catch (error) {
    checkOptimizer(checkpoint, format, file);
    throw error;
  }
}
