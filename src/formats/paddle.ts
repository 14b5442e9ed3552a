/**
 * Parameters of PaddlePaddle (.pdparams): a pickle of protocol 2, 3 or 4 with NumPy arrays, or tuples of a name and an array
 * (since 2.1).
 *
 * Source: python/paddle/framework/io.py and io_utils.py of PaddlePaddle 3.3.
 */
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import { formatShape, sizeOf } from '../core/tensor.js';
import { NUMPY_NAMES } from '../io/pickle/numpyValues.js';
import { readPickle, type Vocabulary } from '../io/pickle/pickleMachine.js';
import { PickleReader, type PickleErrors } from '../io/pickle/pickleReader.js';
import { PickleArray, shapeOf, textOf, type PickleDict, type PickleValue } from '../io/pickle/pickleValues.js';
import { arrayStorage, JointStorage } from './arrayStorage.js';
import { factsOf } from './checkpointFacts.js';
import type { FileTensor, ForeignFile, RandomAccess } from './foreignFile.js';
import { NumpyArrays } from './numpyArrays.js';
import { countTensors, refuseOptimizer } from './optimizerState.js';
import { dictOf, groupsOf, MAX_DAMAGED, nameOfValue, tensorOrDamage } from './pickledDicts.js';
import { stridedTensor, unreadTensor, type Storage } from './stridedTensor.js';
import { rowMajorStrides } from './strides.js';

const SAVE_AGAIN = 'Save the weights in Python: paddle.save(model.state_dict(), "net.pdparams").';

const NAMES: ReadonlySet<string> = new Set([
  ...NUMPY_NAMES,
  ...['collections.OrderedDict', 'builtins.tuple', 'builtins.eval', 'builtins.set', 'argparse.Namespace'],
]);

function hintOfName(name: string): string {
  if (name.startsWith('torch.'))
    return 'Save it by torch.save instead of pickle.dump: torch.save(state_dict, "net.pth").';
  return `A pickle can run code when Python reads it: do not load one that you do not trust. ${SAVE_AGAIN}`;
}

/** The calls that PaddlePaddle writes, and what they are; undefined for another name. */
function paddleCall(name: string, args: readonly PickleValue[], reader: PickleReader): PickleValue | undefined {
  if (name === 'builtins.tuple') {
    // tuple((name, array))
    return args.length === 1 && Array.isArray(args[0]) ? args[0] : reader.refuse('a tuple', 'something else');
  }
  if (name !== 'builtins.eval') return undefined;
  // eval('data', {'data': array}), which is the array.
  const [code, scope] = args;
  const data = scope instanceof Map && scope.size === 1 ? scope.get('data') : undefined;
  if (args.length === 2 && textOf(code) === 'data' && data instanceof PickleArray) return data;
  const hint = 'The file is made to run code: do not load it in Python.';
  return reader.refuse("eval('data', {'data': array}), as PaddlePaddle writes it", 'another call of eval', hint);
}

function paddleVocabulary(numpy: NumpyArrays): Vocabulary {
  return {
    lowestProtocol: 2,
    maxObjects: 2_000_000,
    maxDictionaries: 100_000,
    hasOtherKeys: true,
    expected: 'the names of arrays and of plain data',
    allows: (name) => NAMES.has(name),
    hintOf: hintOfName,
    call: (name, args, reader) => numpy.call(name, args, reader) ?? paddleCall(name, args, reader),
    build: (target, state, reader) => numpy.build(target, state, reader),
  };
}

const errorsOf = (op: string): PickleErrors => ({
  op,
  Refused: WeightsError,
  hint: `The file is damaged, or of another kind: download it again. ${SAVE_AGAIN}`,
});

/** Names of types in PyTorch by NumPy's codes. NumPy has no bfloat16: PaddlePaddle writes its bits as uint16. */
const DTYPES: Readonly<Record<string, string>> = {
  ...{ f8: 'float64', f4: 'float32', f2: 'float16', u2: 'bfloat16', c8: 'complex64', c16: 'complex128', b1: 'bool' },
  ...{ i8: 'int64', i4: 'int32', i2: 'int16', i1: 'int8', u8: 'uint64', u4: 'uint32', u1: 'uint8' },
};

/** The strides of an array in row-major (C) or column-major (Fortran) order. */
const stridesOf = (shape: readonly number[], isFortran: boolean): number[] =>
  isFortran ? rowMajorStrides(shape.toReversed()).reverse() : rowMajorStrides(shape);

function checkByteOrder({ dtype }: PickleArray, op: string): void {
  if (dtype.isLittleEndian) return;
  const hint = 'Convert it in Python: array.astype(array.dtype.newbyteorder("<")).';
  throw new WeightsError({ op, expected: 'little-endian numbers', got: 'big-endian ones', hint });
}

const lengthOf = ({ shape, dtype }: PickleArray): number => sizeOf(shape) * dtype.bytes;

function arrayTensor(file: RandomAccess, array: PickleArray, numpy: NumpyArrays, op: string): FileTensor {
  numpy.check(array, op);
  const { shape, dtype, bytes, isFortran } = array;
  if (!Object.hasOwn(DTYPES, dtype.code)) return unreadTensor({ shape, dtype: dtype.code }, dtype.code, op);
  checkByteOrder(array, op);
  const open = (): Promise<Storage> => Promise.resolve(arrayStorage(file, bytes, lengthOf(array), op));
  const view = { dtype: DTYPES[dtype.code], offset: 0, shape, strides: stridesOf(shape, isFortran) };
  return stridedTensor(view, open, sizeOf(shape), op);
}

/** The array of a tensor: itself, or after the tensor's name; null for another value. */
function arrayOf(value: PickleValue | undefined): PickleArray | null {
  if (value instanceof PickleArray) return value;
  if (!Array.isArray(value) || value.length !== 2 || textOf(value[0]) === null) return null;
  return value[1] instanceof PickleArray ? value[1] : null;
}

/** The key of the shapes and parts of large arrays, in PaddlePaddle's spelling. */
const PARTS = 'UnpackBigParamInfor@@';

/** An array that protocols 2 and 3 write in parts of at most 2^30 bytes. */
interface PartedArray {
  readonly shape: readonly number[];
  readonly parts: readonly PickleArray[];
}

function partedTensor(file: RandomAccess, { shape, parts }: PartedArray, op: string): FileTensor {
  const [first] = parts;
  for (const part of parts) checkByteOrder(part, op);
  const open = (): Promise<Storage> =>
    Promise.resolve(new JointStorage(parts.map((part) => arrayStorage(file, part.bytes, lengthOf(part), op))));
  const view = { dtype: DTYPES[first.dtype.code], offset: 0, shape, strides: stridesOf(shape, false) };
  return stridedTensor(view, open, sizeOf(shape), op);
}

function partedArray(dict: PickleDict, key: string, facts: PickleValue, numpy: NumpyArrays, op: string): PartedArray {
  const refuse = (expected: string, got: string): never => {
    throw new WeightsError({ op, expected, got, hint: `The file is damaged. ${SAVE_AGAIN}` });
  };
  const entry = dictOf(facts);
  const shape = shapeOf(entry?.get('OriginShape'));
  const names = entry?.get('slices');
  if (shape === null || !Array.isArray(names) || names.length === 0) {
    return refuse(`the shape and the parts of ${show(key)}`, 'something else');
  }
  const parts = names.map((name): PickleArray => {
    const part = arrayOf(dict.get(textOf(name) ?? ''));
    if (part !== null) numpy.check(part, op);
    return part !== null && part.shape.length === 1 ? part : refuse('parts of one dimension', show(textOf(name)));
  });
  const [{ dtype }] = parts;
  if (parts.some((part) => part.dtype.code !== dtype.code)) refuse('parts of one type', 'several');
  if (!Object.hasOwn(DTYPES, dtype.code)) refuse('parts of numbers', dtype.code);
  const count = parts.reduce((sum, part) => sum + part.shape[0], 0);
  if (count !== sizeOf(shape)) refuse(`${sizeOf(shape)} elements for ${formatShape(shape)}`, `${count} in its parts`);
  return { shape, parts };
}

/** Refuses parts that are named more than once: a short file may give one long list of them to many arrays. */
function checkPartCount(dict: PickleDict, facts: PickleDict, op: string): void {
  let count = 0;
  for (const entry of facts.values()) {
    const names = dictOf(entry)?.get('slices');
    if (Array.isArray(names)) count += names.length;
  }
  if (count <= dict.size) return;
  const hint = `The file is damaged. ${SAVE_AGAIN}`;
  throw new WeightsError({
    op,
    expected: `at most ${dict.size} parts, as many as the file has keys`,
    got: `${count}`,
    hint,
  });
}

/** Takes the parts of large arrays out of a dict. @returns the tensors by their keys */
function takeParted(value: PickleValue, file: RandomAccess, numpy: NumpyArrays): ReadonlyMap<string, FileTensor> {
  const tensors = new Map<string, FileTensor>();
  const dict = dictOf(value);
  const facts = dictOf(dict?.get(PARTS));
  if (dict === null || facts === null) return tensors;
  checkPartCount(dict, facts, `${file.name}: ${PARTS}`);
  let damaged = 0;
  for (const [key, entry] of facts) {
    if (typeof key !== 'string') continue;
    const op = nameOfValue(file.name, [key]);
    const find = (): FileTensor => partedTensor(file, partedArray(dict, key, entry, numpy, op), op);
    const tensor = tensorOrDamage(find);
    if (tensor.damage !== undefined && ++damaged > MAX_DAMAGED) throw tensor.damage;
    tensors.set(key, tensor);
  }
  for (const entry of facts.values()) {
    const names = dictOf(entry)?.get('slices');
    if (Array.isArray(names)) for (const name of names) dict.delete(textOf(name) ?? '');
  }
  dict.delete(PARTS);
  return tensors;
}

/** Keys of an optimizer's state. */
const OF_OPTIMIZER = /^LR_Scheduler$|^master_weights$|_(moment[12]|beta[12]_pow_acc|velocity)_\d+$/;

/** The file that has the weights, as PaddlePaddle's examples and the article name both. */
function hintOfWeights(path: string): string {
  const name = path.replace(/^.*[\\/]/, '');
  if (!name.endsWith('.pdopt')) return 'Pass the .pdparams file beside it.';
  const weights = name.replace(/\.pdopt$/, '.pdparams').replace('optimizer', 'model');
  return `The weights are in another file, by convention ${weights} beside it: pass that.`;
}

function checkOptimizer(value: PickleValue, op: string): void {
  const dict = dictOf(value);
  const key = [...(dict?.keys() ?? [])].find((each) => typeof each === 'string' && OF_OPTIMIZER.test(each));
  if (dict === null || typeof key !== 'string') return;
  const tensors = countTensors(dict, (each) => arrayOf(each) !== null);
  refuseOptimizer(op, { format: 'PaddlePaddle', tensors, keys: [key], hint: hintOfWeights(op) });
}

/**
 * Reads parameters of PaddlePaddle.
 *
 * @param file a pickle
 * @throws WeightsError for a damaged file, or a pickle with more than arrays and plain data
 */
export async function openPaddle(file: RandomAccess): Promise<ForeignFile> {
  const op = file.name;
  const reader = new PickleReader(new Uint8Array(0), errorsOf(op), file.size);
  const numpy = new NumpyArrays();
  const value = await readPickle(reader, file, paddleVocabulary(numpy));
  if (reader.remaining > 0) reader.refuse('nothing after the end of the pickle', `${reader.remaining} bytes`);
  checkOptimizer(value, op);
  const tensors = takeParted(value, file, numpy);
  const tensorAt = (each: PickleValue, path: readonly string[]): FileTensor | null => {
    const array = arrayOf(each);
    return array === null ? null : arrayTensor(file, array, numpy, nameOfValue(op, path));
  };
  const groups = groupsOf(value, tensorAt, op, SAVE_AGAIN, tensors);
  return { format: 'PaddlePaddle parameters (.pdparams)', writer: null, groups, facts: factsOf(value) };
}
