/**
 * CIFAR-10 (Krizhevsky 2009): 32x32 RGB images of ten classes, five training
 * batches and a test batch, in either of its official layouts.
 *
 * python: pickles of {data: uint8 [n, 3072], labels: n integers}
 * binary: n records of 3073 bytes, the label, then the pixels
 *
 * A record's 3072 pixels are 1024 red, 1024 green, 1024 blue: [3, 32, 32].
 */
import { DataError } from '../core/errors.js';
import { formatShape } from '../core/tensor.js';
import { openArchive, type Archive } from './archive.js';
import type { ImageSet, Split } from './dataset.js';
import { PickledArray, readPickle, textOf } from './pickle.js';

const SIDE = 32;
const PIXELS = 3 * SIDE * SIDE;
const RECORD = 1 + PIXELS;
const CLASSES = 10;
const CLASS_NAMES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

const BATCHES: Readonly<Record<Split, readonly string[]>> = {
  train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`),
  test: ['test_batch'],
};

/** Some records; of each a label and [3, 32, 32] pixels. */
interface Batch {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

interface Layout {
  /** What a batch's name ends with. */
  readonly suffix: string;
  /** The member that has the class names, if there is one. */
  readonly meta: string;
  readBatch(bytes: Uint8Array, op: string): Batch;
  readNames(bytes: Uint8Array, op: string): readonly (string | null)[];
}

function readLabels(values: ArrayLike<unknown>, op: string): Uint8Array {
  return Uint8Array.from({ length: values.length }, (_, i) => {
    const label = values[i];
    if (typeof label === 'number' && label >= 0 && label < CLASSES) return label;
    const got = typeof label === 'number' ? label : 'no number';
    throw new DataError({ op, expected: `labels from 0 to ${CLASSES - 1}`, got: `${got} in record ${i}` });
  });
}

function readDict(bytes: Uint8Array, op: string): ReadonlyMap<unknown, ReturnType<typeof readPickle>> {
  const value = readPickle(bytes, op);
  if (value instanceof Map) return value;
  throw new DataError({ op, expected: 'a dictionary', got: 'something else' });
}

const PYTHON: Layout = {
  suffix: '',
  meta: 'batches.meta',

  readBatch(bytes, op) {
    const dict = readDict(bytes, op);
    const data = dict.get('data');
    const labels = dict.get('labels');
    if (!(data instanceof PickledArray) || !Array.isArray(labels)) {
      const keys = [...dict.keys()].join(', ') || 'none';
      throw new DataError({ op, expected: 'an array under data and a list under labels', got: `the keys ${keys}` });
    }
    const [n] = data.shape;
    if (data.shape.length !== 2 || data.shape[1] !== PIXELS || n === 0) {
      throw new DataError({ op, expected: `data [n,${PIXELS}]`, got: formatShape(data.shape) });
    }
    if (labels.length !== n) {
      throw new DataError({ op, expected: `${n} labels, one for each image`, got: `${labels.length}` });
    }
    return { images: data.data, labels: readLabels(labels, op) };
  },

  readNames(bytes, op) {
    const names = readDict(bytes, op).get('label_names');
    if (Array.isArray(names)) return names.map(textOf);
    throw new DataError({ op, expected: 'a list under label_names', got: 'none' });
  },
};

const BINARY: Layout = {
  suffix: '.bin',
  meta: 'batches.meta.txt',

  readBatch(bytes, op) {
    const n = bytes.length / RECORD;
    if (!Number.isInteger(n) || n === 0) {
      throw new DataError({ op, expected: `records of ${RECORD} bytes`, got: `${bytes.length} bytes` });
    }
    const images = new Uint8Array(n * PIXELS);
    const labels = new Uint8Array(n);
    for (let i = 0; i < n; i++) {
      labels[i] = bytes[i * RECORD];
      images.set(bytes.subarray(i * RECORD + 1, (i + 1) * RECORD), i * PIXELS);
    }
    return { images, labels: readLabels(labels, op) };
  },

  readNames(bytes) {
    const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
    return lines.filter((line) => line !== '');
  },
};

const LAYOUTS: readonly Layout[] = [PYTHON, BINARY];

/** A layout and the folder in the archive where its batches are. */
interface Place {
  readonly layout: Layout;
  readonly folder: string;
}

function locate({ names }: Archive): Place | null {
  for (const layout of LAYOUTS) {
    for (const first of [`data_batch_1${layout.suffix}`, `test_batch${layout.suffix}`]) {
      const name = names.find((candidate) => candidate === first || candidate.endsWith(`/${first}`));
      if (name !== undefined) return { layout, folder: name.slice(0, -first.length) };
    }
  }
  return null;
}

/** Whether an archive or folder holds CIFAR-10's batches. */
export const isCifar10 = (archive: Archive): boolean => locate(archive) !== null;

async function readClassNames(archive: Archive, { layout, folder }: Place): Promise<readonly string[]> {
  const member = folder + layout.meta;
  if (!archive.names.includes(member)) return CLASS_NAMES;
  const op = `${archive.path}: ${member}`;
  const names = layout.readNames(await archive.read(member), op);
  const texts = names.filter((name) => name !== null && name !== '');
  if (texts.length === CLASSES && names.length === CLASSES) return texts as string[];
  throw new DataError({ op, expected: `${CLASSES} class names`, got: `${texts.length}` });
}

/** One split of CIFAR-10 out of an archive that is open. */
export async function cifar10From(archive: Archive, split: Split): Promise<ImageSet> {
  const place = locate(archive);
  if (place === null) {
    throw new DataError({
      op: archive.path,
      expected: 'batches of CIFAR-10 (data_batch_1 or data_batch_1.bin)',
      got: archive.names.slice(0, 3).join(', ') || 'nothing',
    });
  }
  const { layout, folder } = place;
  const batches: Batch[] = [];
  for (const batch of BATCHES[split]) {
    const member = folder + batch + layout.suffix;
    if (!archive.names.includes(member)) {
      throw new DataError({ op: archive.path, expected: `a member ${member}`, got: 'none of that name' });
    }
    batches.push(layout.readBatch(await archive.read(member), `${archive.path}: ${member}`));
  }

  const n = batches.reduce((sum, { labels }) => sum + labels.length, 0);
  const images = new Uint8Array(n * PIXELS);
  const labels = new Uint8Array(n);
  let at = 0;
  for (const batch of batches) {
    images.set(batch.images, at * PIXELS);
    labels.set(batch.labels, at);
    at += batch.labels.length;
  }
  const classNames = await readClassNames(archive, place);
  return { images, labels, n, channels: 3, height: SIDE, width: SIDE, classNames };
}

/**
 * Reads CIFAR-10 from a `.tar.gz`, a `.tar`, the unpacked folder or its parent;
 * the members tell which layout it is.
 *
 * @throws DataError naming the file and member that is missing, cut short or damaged.
 */
export const readCifar10 = async (path: string, split: Split): Promise<ImageSet> =>
  cifar10From(await openArchive(path), split);
