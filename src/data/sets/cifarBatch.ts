/** Reads the batches and class names of CIFAR's two layouts (see cifarLayouts.ts). */
import { DataError } from '../../core/errors.js';
import { formatShape } from '../../core/tensor.js';
import { PickleArray, textOf, type PickleValue } from '../../io/pickle/pickleValues.js';
import { listNames } from './listNames.js';
import { integersOf, pixelsOf, readPickle } from './pickle.js';

export const SIDE = 32;
export const PIXELS = 3 * SIDE * SIDE;

const HINT = 'Download the archive again, or write your own batches in the layout of CIFAR.';

/** Images [n, 3, 32, 32] with their labels. */
export interface Batch {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

/** The labels of a record, from the coarsest to the finest. The last one is the class. */
export interface Labeling {
  /** The labels' keys in a pickle. */
  readonly keys: readonly string[];
  /** Number of classes of each label. */
  readonly counts: readonly number[];
  /** The key of the class names in a pickle. */
  readonly names: string;
}

function checkLabels(values: ArrayLike<unknown>, classes: number, op: string): Uint8Array {
  return Uint8Array.from({ length: values.length }, (_, i) => {
    const label = values[i];
    if (typeof label === 'number' && Number.isInteger(label) && label >= 0 && label < classes) return label;
    const got = typeof label === 'number' ? label : 'no number';
    throw new DataError({ op, expected: `labels from 0 to ${classes - 1}`, got: `${got} in record ${i}`, hint: HINT });
  });
}

function readDict(bytes: Uint8Array, op: string): ReadonlyMap<unknown, ReturnType<typeof readPickle>> {
  const value = readPickle(bytes, op);
  if (value instanceof Map) return value;
  throw new DataError({ op, expected: 'a dictionary', got: 'another value', hint: HINT });
}

/** Labels as torchvision takes them: a list, a tuple or an array of one dimension; null for other values. */
function listOf(value: PickleValue | undefined): ArrayLike<unknown> | null {
  if (value instanceof PickleArray) return integersOf(value);
  return Array.isArray(value) ? value : null;
}

export function readPickledBatch(bytes: Uint8Array, { keys, counts }: Labeling, op: string): Batch {
  const dict = readDict(bytes, op);
  const data = dict.get('data');
  const lists = keys.map((key) => listOf(dict.get(key))).filter((list) => list !== null);
  if (!(data instanceof PickleArray) || lists.length < keys.length) {
    const got = listNames([...dict.keys()].map(String)) || 'none';
    const expected = `an array under data, and a list or an array under ${keys.join(' and ')}`;
    throw new DataError({ op, expected, got: `the keys ${got}`, hint: HINT });
  }
  const [n] = data.shape;
  if (data.shape.length !== 2 || data.shape[1] !== PIXELS || n === 0) {
    throw new DataError({ op, expected: `data [n,${PIXELS}]`, got: formatShape(data.shape), hint: HINT });
  }
  const mismatch = lists.findIndex((list) => list.length !== n);
  if (mismatch >= 0) {
    const got = `${lists[mismatch].length} under ${keys[mismatch]}`;
    throw new DataError({ op, expected: `${n} labels, one for each image`, got, hint: HINT });
  }
  const labels = lists.map((list, i) => checkLabels(list, counts[i], `${op}: ${keys[i]}`));
  const images = pixelsOf(data);
  if (images === null) throw new DataError({ op, expected: 'data of uint8 (u1)', got: data.dtype.code, hint: HINT });
  return { images, labels: labels[labels.length - 1] };
}

export function readPickledNames(
  bytes: Uint8Array,
  { names, counts }: Labeling,
  op: string,
): readonly (string | null)[] {
  const list = readDict(bytes, op).get(names);
  const count = counts[counts.length - 1];
  // A short file may name one long text millions of times.
  if (Array.isArray(list) && list.length > count) {
    throw new DataError({ op, expected: `${count} class names`, got: `${list.length}`, hint: HINT });
  }
  if (Array.isArray(list)) return list.map(textOf);
  throw new DataError({ op, expected: `a list under ${names}`, got: 'none', hint: HINT });
}

export function readRecords(bytes: Uint8Array, { keys, counts }: Labeling, op: string): Batch {
  const record = counts.length + PIXELS;
  const n = bytes.length / record;
  if (!Number.isInteger(n) || n === 0) {
    throw new DataError({ op, expected: `records of ${record} bytes`, got: `${bytes.length} bytes`, hint: HINT });
  }
  const images = new Uint8Array(n * PIXELS);
  for (let i = 0; i < n; i++) {
    images.set(bytes.subarray(i * record + counts.length, (i + 1) * record), i * PIXELS);
  }
  const labels = counts.map((count, place) => {
    const values = Uint8Array.from({ length: n }, (_, i) => bytes[i * record + place]);
    return checkLabels(values, count, `${op}: ${keys[place]}`);
  });
  return { images, labels: labels[labels.length - 1] };
}

export function readTextNames(bytes: Uint8Array): readonly string[] {
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  return lines.filter((line) => line !== '');
}
