/**
 * The official layouts of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 32x32 RGB images.
 *
 * python: pickles of {data: uint8 [n, 3072]} with n integers under `labels`; CIFAR-100 has `fine_labels` and
 *         `coarse_labels`
 * binary: n records of 3073 bytes, a label and the pixels; CIFAR-100 has 3074 bytes, the coarse label, the fine label
 *         and the pixels
 *
 * The 3072 pixels of an image are 1024 red, 1024 green and 1024 blue values: [3, 32, 32]. The labels of CIFAR-100 are
 * its 100 fine classes; the 20 coarse ones are only checked.
 */
import { readPickledBatch, readPickledNames, readRecords, readTextNames } from './cifarBatch.js';
import type { Batch, Labeling } from './cifarBatch.js';
import type { Split } from './dataset.js';

type Batches = Readonly<Record<Split, readonly string[]>>;

/** The members of an archive, and the functions that read them. */
export interface Layout {
  readonly batches: Batches;
  /** The member with the class names. */
  readonly meta: string;
  /** The folder in the official archive. */
  readonly folder: string;
  readBatch(bytes: Uint8Array, labeling: Labeling, op: string): Batch;
  readNames(bytes: Uint8Array, labeling: Labeling, op: string): readonly (string | null)[];
}

export interface CifarKind {
  readonly title: string;
  readonly labeling: Labeling;
  /** The names if the archive has no `meta` member; null if it must have one. */
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

export const CIFAR10: CifarKind = {
  title: 'CIFAR-10',
  labeling: { keys: ['labels'], counts: [10], names: 'label_names' },
  classNames: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  layouts: [
    python('cifar-10-batches-py', CIFAR10_BATCHES, 'batches.meta'),
    binary('cifar-10-batches-bin', CIFAR10_BATCHES, 'batches.meta.txt'),
  ],
};

export const CIFAR100: CifarKind = {
  title: 'CIFAR-100',
  labeling: { keys: ['coarse_labels', 'fine_labels'], counts: [20, 100], names: 'fine_label_names' },
  classNames: null,
  layouts: [
    python('cifar-100-python', CIFAR100_BATCHES, 'meta'),
    binary('cifar-100-binary', CIFAR100_BATCHES, 'fine_label_names.txt'),
  ],
};
