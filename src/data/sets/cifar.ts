/**
 * CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 32x32 RGB images, in either of their
 * official layouts.
 *
 * python: pickles of {data: uint8 [n, 3072]} and n integers under labels; of
 *         CIFAR-100 under fine_labels and coarse_labels
 * binary: n records of 3073 bytes, the label, then the pixels; of CIFAR-100 of 3074,
 *         the coarse label, then the fine one
 *
 * A record's 3072 pixels are 1024 red, 1024 green, 1024 blue: [3, 32, 32]. Of
 * CIFAR-100, the hundred fine classes are read; the twenty coarse ones are checked.
 */
import { DataError } from '../../core/errors.js';
import { openArchive, type Archive } from './archive.js';
import { readPickledBatch, readPickledNames, readRecords, readTextNames, SIDE, PIXELS } from './cifarBatch.js';
import type { Batch, Labeling } from './cifarBatch.js';
import type { ImageSet, Split } from './dataset.js';

type Batches = Readonly<Record<Split, readonly string[]>>;

/** Members of an archive, and how they are read. */
interface Layout {
  readonly batches: Batches;
  /** The member that has the class names. */
  readonly meta: string;
  /** The folder that the official archive has. */
  readonly folder: string;
  readBatch(bytes: Uint8Array, labeling: Labeling, op: string): Batch;
  readNames(bytes: Uint8Array, labeling: Labeling, op: string): readonly (string | null)[];
}

interface CifarKind {
  readonly title: string;
  readonly labeling: Labeling;
  /** Of an archive without a member that says them; null where it must have one. */
  readonly classNames: readonly string[] | null;
  readonly layouts: readonly Layout[];
}

const python = (folder: string, batches: Batches, meta: string): Layout => ({
  ...{ folder, batches, meta },
  readBatch: readPickledBatch,
  readNames: readPickledNames,
});

const binary = (folder: string, { train, test }: Batches, meta: string): Layout => {
  const file = (name: string): string => `${name}.bin`;
  return {
    ...{ folder, batches: { train: train.map(file), test: test.map(file) }, meta },
    readBatch: readRecords,
    readNames: readTextNames,
  };
};

const CIFAR10_BATCHES: Batches = { train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`), test: ['test_batch'] };
const CIFAR100_BATCHES: Batches = { train: ['train'], test: ['test'] };

const CIFAR10: CifarKind = {
  title: 'CIFAR-10',
  labeling: { keys: ['labels'], counts: [10], names: 'label_names' },
  classNames: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  layouts: [
    python('cifar-10-batches-py', CIFAR10_BATCHES, 'batches.meta'),
    binary('cifar-10-batches-bin', CIFAR10_BATCHES, 'batches.meta.txt'),
  ],
};

const CIFAR100: CifarKind = {
  title: 'CIFAR-100',
  labeling: { keys: ['coarse_labels', 'fine_labels'], counts: [20, 100], names: 'fine_label_names' },
  classNames: null,
  layouts: [
    python('cifar-100-python', CIFAR100_BATCHES, 'meta'),
    binary('cifar-100-binary', CIFAR100_BATCHES, 'fine_label_names.txt'),
  ],
};

const KINDS: readonly CifarKind[] = [CIFAR10, CIFAR100];

/** A layout and the folder in the archive where its batches are. */
interface BatchLocation {
  readonly kind: CifarKind;
  readonly layout: Layout;
  readonly folder: string;
}

const endsWithPath = (path: string, name: string): boolean => `/${path}`.endsWith(`/${name}`);

/** The folder of a kind's batches. `train` is a name that others have too: its folder or its meta must be there. */
function findBatchFolder(
  { names, path }: Archive,
  kind: CifarKind,
  { batches, meta, folder: official }: Layout,
): string | null {
  for (const first of [batches.train[0], batches.test[0]]) {
    for (const name of names) {
      if (!endsWithPath(name, first)) continue;
      const folder = name.slice(0, -first.length);
      const inPlace = endsWithPath(`${path.replaceAll('\\', '/')}/${folder}`.replace(/\/+$/, ''), official);
      if (kind === CIFAR10 || inPlace || names.includes(folder + meta)) return folder;
    }
  }
  return null;
}

function locate(archive: Archive, kinds: readonly CifarKind[] = KINDS): BatchLocation | null {
  for (const kind of kinds) {
    for (const layout of kind.layouts) {
      const folder = findBatchFolder(archive, kind, layout);
      if (folder !== null) return { kind, layout, folder };
    }
  }
  return null;
}

/** Which CIFAR an archive or folder holds: its title, or null for none. */
export const cifarTitle = (archive: Archive): string | null => locate(archive)?.kind.title ?? null;

async function readClassNames(archive: Archive, { kind, layout, folder }: BatchLocation): Promise<readonly string[]> {
  const member = folder + layout.meta;
  if (!archive.names.includes(member)) {
    if (kind.classNames !== null) return kind.classNames;
    throw new DataError({ op: archive.path, expected: `a member ${member}`, got: 'none of that name' });
  }
  const op = `${archive.path}: ${member}`;
  const names = layout.readNames(await archive.read(member), kind.labeling, op);
  const texts = names.filter((name) => name !== null && name !== '');
  const classes = kind.labeling.counts[kind.labeling.counts.length - 1];
  if (texts.length === classes && names.length === classes) return texts as string[];
  throw new DataError({ op, expected: `${classes} class names`, got: `${texts.length}` });
}

/** One split out of an archive that is open, of whichever kind or of one of those given. */
export async function readCifar(
  archive: Archive,
  split: Split,
  kinds: readonly CifarKind[] = KINDS,
): Promise<ImageSet> {
  const place = locate(archive, kinds);
  if (place === null) {
    const { title, layouts } = kinds[0];
    throw new DataError({
      op: archive.path,
      expected: `batches of ${title} (${layouts.map(({ batches }) => batches.train[0]).join(' or ')})`,
      got: archive.names.slice(0, 3).join(', ') || 'nothing',
    });
  }
  const { kind, layout, folder } = place;
  const parts: Batch[] = [];
  for (const batch of layout.batches[split]) {
    const member = folder + batch;
    if (!archive.names.includes(member)) {
      throw new DataError({ op: archive.path, expected: `a member ${member}`, got: 'none of that name' });
    }
    parts.push(layout.readBatch(await archive.read(member), kind.labeling, `${archive.path}: ${member}`));
  }

  const n = parts.reduce((sum, { labels }) => sum + labels.length, 0);
  const images = new Uint8Array(n * PIXELS);
  const labels = new Uint8Array(n);
  let at = 0;
  for (const part of parts) {
    images.set(part.images, at * PIXELS);
    labels.set(part.labels, at);
    at += part.labels.length;
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
  readCifar(await openArchive(path), split, [CIFAR10]);

/** Reads CIFAR-100 with its hundred fine classes, as `readCifar10` does CIFAR-10. */
export const readCifar100 = async (path: string, split: Split): Promise<ImageSet> =>
  readCifar(await openArchive(path), split, [CIFAR100]);
