import { join } from 'node:path';
import { checkPixels, checkSize } from '../../image/pixelImage.js';
import { resolveFit, type FitOptions } from '../../image/preprocess.js';
import { createDecoder } from '../decode/createDecoder.js';
import { checkFileHead } from '../decode/imageHead.js';
import { loadSharp } from '../decode/loadSharp.js';
import { openArchive, type Archive } from './archive.js';
import { checkText } from './checkSet.js';
import { evenlySpaced, selectFiles, subset } from './dataset.js';
import type { DataSet, ImageFiles, ImageSet, LabeledImages, SkippedImage, StreamedSet } from './dataset.js';
import { checkFolderOptions } from './imageFolderOptions.js';
import type { CacheOptions, ImageFolderOptions, InMemoryOptions } from './imageFolderOptions.js';
import { listImages, type Listing } from './imageListing.js';
import { checkMemory, fitsMemory } from './memory.js';
import { checkSkipped, forEachImage } from './skippedImages.js';

export type { Cache, CacheOptions, DecodeOptions, ImageFolderOptions, InMemoryOptions } from './imageFolderOptions.js';

/** A set that has been listed, and not read yet. */
interface ListedSet extends LabeledImages {
  readonly labels: Int32Array;
  /** One file for each image. */
  readonly names: readonly string[];
}

/** A set that has been read or checked, and the images that were left out. */
interface LoadedSet {
  readonly set: DataSet;
  readonly skipped: readonly SkippedImage[];
}

/** `crop_pct` is 1 by default: as much as possible of each picture is kept. */
const folderFit = ({ size, crop_pct, resize, interpolation }: FitOptions): Required<FitOptions> =>
  resolveFit({ size, crop_pct, resize, interpolation }, 1);

/** Of more than `n` images, n evenly spaced ones. */
function selectImages({ files, labels, ...rest }: Listing, options: ImageFolderOptions): ListedSet {
  const positions = evenlySpaced(files.length, options.n ?? files.length);
  const [height, width] = options.size;
  return {
    n: positions.length,
    channels: 3,
    height,
    width,
    ...rest,
    labels: Int32Array.from(positions, (position) => labels[position]),
    names: positions.map((position) => files[position]),
  };
}

/** Whether images stay on disk. A tar archive is in memory already, and has no files to stream. */
function shouldStream(
  { path, onDisk }: Archive,
  n: number,
  { size, cache = 'memory', cropFromOriginal = false }: FitOptions & CacheOptions,
): boolean {
  const isPreferred = cache === 'none' || (cache === 'auto' && (cropFromOriginal || !fitsMemory(n, size)));
  if (onDisk && isPreferred) return true;
  checkMemory(path, n, size, onDisk ? 'Or read images when they are needed: --cache none.' : 'Or unpack the archive.');
  return false;
}

const remainingImages = (n: number, skipped: ReadonlyMap<number, unknown>): number[] =>
  Array.from({ length: n }, (_, i) => i).filter((i) => !skipped.has(i));

const inOrder = (skipped: ReadonlyMap<number, SkippedImage>): SkippedImage[] =>
  [...skipped].sort(([a], [b]) => a - b).map(([, image]) => image);

/** Decodes all images. */
async function loadIntoMemory(archive: Archive, listed: ListedSet, options: ImageFolderOptions): Promise<LoadedSet> {
  const { names, ...rest } = listed;
  const fit = folderFit(options);
  const decode = createDecoder(fit, options);
  const length = 3 * listed.height * listed.width;
  const images = new Uint8Array(listed.n * length);
  const skipped = await forEachImage(names, options, async (file, i) => {
    const pixels = images.subarray(i * length, (i + 1) * length);
    await decode(await archive.read(file), `${archive.path}/${file}`, pixels);
  });
  const sourceFiles = { root: archive.path, names };
  const set: ImageSet = { ...rest, images, fit, ...(archive.onDisk ? { sourceFiles } : {}) };
  const readable = skipped.size === 0 ? set : subset(set, remainingImages(listed.n, skipped));
  return { set: readable, skipped: inOrder(skipped) };
}

/** Leaves the images on disk, and only checks them. */
async function checkOnDisk(
  archive: Archive,
  listed: ListedSet,
  options: ImageFolderOptions & CacheOptions,
): Promise<LoadedSet> {
  const { path: root } = archive;
  const { names, ...rest } = listed;
  const { cropFromOriginal = false, onBadImage, exifOrientation = true, checkFiles = true } = options;
  const fit = folderFit(options);
  const decode = createDecoder(fit, options);
  const skipped = await forEachImage(checkFiles ? names : [], options, async (file) => {
    const path = join(root, file);
    if (onBadImage === 'skip')
      await decode(await archive.read(file), path, new Uint8Array(3 * listed.height * listed.width));
    else await checkFileHead(path);
  });
  const remaining = remainingImages(listed.n, skipped);
  const files: ImageFiles = { ...selectFiles({ root, names }, remaining), fit, cropFromOriginal, exifOrientation };
  const labels = Int32Array.from(remaining, (i) => listed.labels[i]);
  const set: StreamedSet = { ...rest, n: remaining.length, labels, files };
  return { set, skipped: inOrder(skipped) };
}

/**
 * Reads an image folder from an open archive.
 *
 * @param listing the images; by default those in folders of their classes
 */
export function openImageFolder(archive: Archive, options: ImageFolderOptions & InMemoryOptions): Promise<ImageSet>;
export function openImageFolder(
  archive: Archive,
  options: ImageFolderOptions & CacheOptions,
  listing?: Listing,
): Promise<DataSet>;
export async function openImageFolder(
  archive: Archive,
  options: ImageFolderOptions & CacheOptions,
  listing?: Listing,
): Promise<DataSet> {
  checkFolderOptions(options);
  const { size, onBadImage = 'fail' } = options;
  checkSize(size);
  folderFit(options);
  const listed = selectImages(listing ?? listImages(archive, options), options);
  const isStreamed = shouldStream(archive, listed.n, options);
  checkPixels('size', ...size);
  await loadSharp(archive.path);
  const load = isStreamed ? checkOnDisk : loadIntoMemory;
  const { set, skipped } = await load(archive, listed, options);
  if (onBadImage === 'fail') return set;
  checkSkipped(archive.path, skipped, listed, set);
  return { ...set, skipped };
}

/**
 * Reads the images root/<class>/<file> or root/<split>/<class>/<file> of a folder or a tar archive into memory, as
 * torchvision's ImageFolder does: classes are numbered in the order of their folder names, sorted by code points; files in
 * folders of a class belong to it; files without an extension of a picture are passed over. Class names are in NFC.
 *
 * @throws DataError naming a picture that cannot be read, a class without pictures, or two roots of class folders
 * @throws BackendUnavailableError if sharp is not installed
 */
export async function readImageFolder(root: string, options: ImageFolderOptions): Promise<ImageSet> {
  checkText('readImageFolder', root, 'the path of a folder or an archive');
  checkFolderOptions(options);
  return openImageFolder(await openArchive(root), options);
}
