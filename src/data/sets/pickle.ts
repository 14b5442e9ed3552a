/**
 * Reads the pickles of CIFAR archives: dictionaries, lists, tuples, strings, integers, and numpy arrays and scalars of integers, as
 * Python 2 writes them in protocol 2 and Python 3 in protocols 3 to 5. Nothing in a file can be called.
 */
import { DataError } from '../../core/errors.js';
import { INTEGER_CODES, numbersOf, NUMPY_NAMES, NumpyValues } from '../../io/pickle/numpyValues.js';
import { readWholePickle, type Vocabulary } from '../../io/pickle/pickleMachine.js';
import { PickleReader } from '../../io/pickle/pickleReader.js';
import type { PickleArray, PickleValue } from '../../io/pickle/pickleValues.js';

/**
 * Values, marks and entries of the memo that a pickle may create, each of which takes memory for a byte of the file, and
 * elements of an array that is read as a list. A batch needs about five for each of its at most 700,000 images.
 */
export const MAX_OBJECTS = 4_000_000;
/** Dictionaries in a pickle, which are large even when they are empty. A batch is one dictionary. */
export const MAX_DICTIONARIES = 1000;

function vocabulary(maxObjects: number): Vocabulary {
  const numpy = new NumpyValues(INTEGER_CODES, 'a type of integers');
  return {
    lowestProtocol: 2,
    maxObjects,
    maxDictionaries: MAX_DICTIONARIES,
    expected: 'nothing but data and arrays of numpy',
    allows: (name) => NUMPY_NAMES.has(name),
    call: (name, args, reader) => numpy.call(name, args, reader) ?? reader.refuse('a constructor of numpy', name),
    build: (target, state, reader) => numpy.build(target, state, reader),
  };
}

const HINT = 'Download the archive again. In batches of your own use lists, strings, integers and arrays of numpy.';

/**
 * Reads a pickle. Byte strings and arrays are views of `bytes`.
 *
 * @param name the file's name in errors
 * @param maxObjects values, marks and entries of the memo that it may create
 * @throws DataError for anything but plain data and arrays of integers, or more objects
 */
export const readPickle = (bytes: Uint8Array, name: string, maxObjects = MAX_OBJECTS): PickleValue =>
  readWholePickle(new PickleReader(bytes, { op: name, Refused: DataError, hint: HINT }), vocabulary(maxObjects));

/**
 * The elements of an array of uint8 in row-major order. In column-major order they are a copy: a file of a few bytes may
 * name one array many times, so that it is only made on request.
 *
 * @returns null for another type, and for column-major arrays of other than two dimensions
 */
export function pixelsOf({ shape, dtype, bytes, isFortran }: PickleArray): Uint8Array | null {
  if (dtype.code !== 'u1' || !(bytes instanceof Uint8Array)) return null;
  if (!isFortran || shape.length < 2) return bytes;
  return shape.length === 2 ? transpose(bytes, shape[0], shape[1]) : null;
}

/** The elements of an array of one dimension; null for others, and for more elements than a batch has. */
export function integersOf({ shape, dtype, bytes }: PickleArray): number[] | null {
  if (shape.length !== 1 || shape[0] > MAX_OBJECTS || !(bytes instanceof Uint8Array)) return null;
  return numbersOf(bytes, dtype);
}

/** Column-major data in row-major order. */
export function transpose(data: Uint8Array, rows: number, columns: number): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[i * columns + j] = data[j * rows + i];
  }
  return out;
}
