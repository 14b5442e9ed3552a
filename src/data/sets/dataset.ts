import type { FitOptions } from '../../image/preprocess.js';

/** An image that was left out, and why. */
export interface SkippedImage {
  readonly file: string;
  readonly reason: string;
}

/** Labeled images, all of one size; wherever their pixels are. */
export interface LabeledImages {
  /** One index into `classNames` for each image. */
  readonly labels: Uint8Array | Int32Array;
  readonly n: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classNames: readonly string[];
  /** Of a set that was read with bad images left out: which those were. */
  readonly skipped?: readonly SkippedImage[];
  /** Of an image folder without a folder for the split: everything that is there, or what was drawn from it. */
  readonly splitSource?: 'whole' | 'drawn';
}

/** Files, one for each image. */
export interface FileList {
  /** The folder that the names begin at. */
  readonly root: string;
  readonly names: readonly string[];
}

/** A set in memory. */
export interface ImageSet extends LabeledImages {
  /** Pixels 0..255, [n, channels, height, width], row-major. */
  readonly images: Uint8Array;
  /** Of an image folder on the disk: what its images came out of. */
  readonly sourceFiles?: FileList;
}

/** Image files and how they come to be pixels; plain values, so that a thread can be told. */
export interface ImageFiles extends FileList {
  readonly fit: FitOptions;
  /** Whether random resized crops are cut out of the whole pictures, and not out of what `fit` leaves of them. */
  readonly cropFromOriginal?: boolean;
}

/** A set on the disk, of which images are read when a batch wants them. */
export interface StreamedSet extends LabeledImages {
  readonly files: ImageFiles;
}

export type DataSet = ImageSet | StreamedSet;

export const isStreamed = (set: DataSet): set is StreamedSet => 'files' in set;

export type Split = 'train' | 'test';

/** 'val' is what a training is judged by: the same as 'test' where a set has but one of them. */
export type FolderSplit = Split | 'val';

export const selectFiles = ({ root, names }: FileList, positions: readonly number[]): FileList => ({
  root,
  names: positions.map((position) => names[position]),
});

/** The images at the given positions, in that order. */
export function subset(set: ImageSet, positions: readonly number[]): ImageSet {
  const size = set.channels * set.height * set.width;
  const images = new Uint8Array(positions.length * size);
  const labels = new Int32Array(positions.length);
  positions.forEach((from, to) => {
    images.set(set.images.subarray(from * size, (from + 1) * size), to * size);
    labels[to] = set.labels[from];
  });
  const picked = { ...set, images, labels, n: positions.length };
  return set.sourceFiles === undefined ? picked : { ...picked, sourceFiles: selectFiles(set.sourceFiles, positions) };
}

/** Up to n of `total` positions, evenly spread: a set sorted by class keeps its classes. */
export function evenlySpaced(total: number, n: number): number[] {
  const count = Math.min(n, total);
  return Array.from({ length: count }, (_, i) => Math.floor((i * total) / count));
}
