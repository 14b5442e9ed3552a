import { checkInteger, isRecord } from '../../core/check.js';
import { ParamError } from '../../core/errors.js';
import type { FitOptions } from '../../image/preprocess.js';
import { checkPositions, checkSet } from './checkSet.js';

/** An image that was left out, with the reason. */
export interface SkippedImage {
  readonly file: string;
  readonly reason: string;
}

/** Labeled images of one size; their pixels are in memory or on disk. */
export interface LabeledImages {
  /** The class of each image: indices into `classNames`. */
  readonly labels: Uint8Array | Int32Array;
  readonly n: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classNames: readonly string[];
  /** The images that were left out, if the set was read with onBadImage 'skip'. */
  readonly skipped?: readonly SkippedImage[];
  /** For an image folder without a folder for the split: whether the set is the whole folder, or drawn from it. */
  readonly splitSource?: 'whole' | 'drawn';
}

/** Files, in the order of the images. */
export interface FileList {
  /** The folder that the names are relative to. */
  readonly root: string;
  readonly names: readonly string[];
}

/** A set in memory. */
export interface ImageSet extends LabeledImages {
  /** Pixels 0..255, [n, channels, height, width], row-major. */
  readonly images: Uint8Array;
  /** How the images were scaled and cropped when the set was opened; absent for original images. */
  readonly fit?: FitOptions;
  /** The files that the images were read from, for an image folder on disk. */
  readonly sourceFiles?: FileList;
}

/** Image files and how they are decoded; plain values, so that they can be sent to a thread. */
export interface ImageFiles extends FileList {
  readonly fit: FitOptions;
  /** Whether random resized crops are cut out of the original pictures instead of the scaled images. */
  readonly cropFromOriginal?: boolean;
  /** Whether pictures are turned upright by their EXIF orientation. Default true. */
  readonly exifOrientation?: boolean;
}

/** A set on disk, whose images are decoded when a batch needs them. */
export interface StreamedSet extends LabeledImages {
  readonly files: ImageFiles;
}

export type DataSet = ImageSet | StreamedSet;

export const isStreamed = (set: DataSet): set is StreamedSet => isRecord(set) && 'files' in set;

export type Split = 'train' | 'test';

/** 'val' is for evaluation during training; it is the same as 'test' if a set has only one of them. */
export type FolderSplit = Split | 'val';

export const selectFiles = ({ root, names }: FileList, positions: readonly number[]): FileList => ({
  root,
  names: positions.map((position) => names[position]),
});

/** 2 GiB of pixels. */
const MAX_BYTES = 2 ** 31;

/**
 * The images at the given positions, in that order, as a copy.
 *
 * @throws ParamError for a position outside the set or more than 2 GiB of pixels; DataError for an inconsistent set
 */
export function subset(set: ImageSet, positions: ArrayLike<number>): ImageSet {
  checkSet('subset', set);
  const order = [...checkPositions('subset', positions, set.n)];
  const size = set.channels * set.height * set.width;
  if (order.length * size > MAX_BYTES) {
    const got = `${order.length * size}`;
    throw new ParamError({ op: 'subset', expected: `at most ${MAX_BYTES} pixels`, got, hint: 'Take fewer images.' });
  }
  const images = new Uint8Array(order.length * size);
  const labels = new Int32Array(order.length);
  order.forEach((from, to) => {
    images.set(set.images.subarray(from * size, (from + 1) * size), to * size);
    labels[to] = set.labels[from];
  });
  const copy = { ...set, images, labels, n: order.length };
  return set.sourceFiles === undefined ? copy : { ...copy, sourceFiles: selectFiles(set.sourceFiles, order) };
}

/** Positions of a subset. */
const MAX_POSITIONS = 2 ** 26;

/**
 * At most n positions from 0 to total − 1, evenly spaced: a subset of a set sorted by class has all its classes.
 *
 * @throws ParamError for numbers that are no integers >= 0, or more than 2^26 positions
 */
export function evenlySpaced(total: number, n: number): number[] {
  checkInteger('evenlySpaced: total', total, { min: 0 });
  checkInteger('evenlySpaced: n', n, { min: 0 });
  const count = checkInteger('evenlySpaced', Math.min(n, total), { max: MAX_POSITIONS });
  return Array.from({ length: count }, (_, i) => Math.floor((i * total) / count));
}
